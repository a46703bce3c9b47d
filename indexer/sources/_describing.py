"""One scene that cannot be described is one bad scene; the rest of the source goes on."""

from __future__ import annotations

from collections.abc import Callable

from core import BadScene, Scene, SceneError, SwathError
from indexer.sources._lines import one_line


def described(href: str, describe: Callable[[], Scene]) -> Scene | BadScene:
    """Return the scene, or a BadScene whatever describing it raises.

    Args:
        href: Of the scene, for people.
        describe: Opens the file and returns the scene.
    """
    try:
        return describe()
    except SwathError as error:
        return BadScene(href, error)
    except OSError as error:
        return BadScene(href, SceneError(f"cannot be read: {error.strerror or one_line(error)}"))
    except Exception as error:  # metadata of others may trip any library; it must not end the listing
        return BadScene(href, SceneError(f"cannot be described: {type(error).__name__}: {one_line(error)}"))
