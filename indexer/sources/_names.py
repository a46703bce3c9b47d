"""Names that are safe everywhere, fingerprints that change with the source, and no scene twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from core import BadScene, Scene, SceneError, safe_name
from indexer._hosts import is_url
from indexer.sources._lines import tidy


def shown(path: Path) -> str:
    """Return a path as text that can be printed and stored, whatever bytes its name is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def scene_name(path: Path, root: Path) -> str:
    """Return the scene id of a file: its path relative to the root of the source, without the ending.

    Raises:
        SceneError: The path is not UTF-8, so that no index could hold it.
    """
    if shown(path) != str(path):
        raise SceneError("has a name that is not UTF-8; rename the file")
    relative = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    return safe_name(relative.with_suffix("").as_posix())


def split_item(text: str) -> tuple[str, str | None]:
    """Return the document and the item id of ``document#id``, which is how an item inside a document is named."""
    document, mark, item = text.partition("#")
    known = is_url(document) or (not Path(text).exists() and Path(document).expanduser().is_file())
    return (document, item) if mark and known else (text, None)


def folder_name(path: Path) -> str:
    """Return the default collection of files under ``path``."""
    return safe_name(path.absolute().resolve().name or "files")


def fingerprint(*parts: object) -> str:
    """Return the sha256 of JSON-able parts in a canonical form."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def local_stamp(path: Path) -> tuple[str, int, int]:
    """Return what changes when a local file does: absolute path, size in bytes, modification time in ns."""
    status = path.stat()
    return str(path.absolute()), status.st_size, status.st_mtime_ns


def unique(scenes: Iterable[Scene | BadScene]) -> Iterator[Scene | BadScene]:
    """Pass scenes on; a second one with the same collection and id becomes a BadScene."""
    seen: dict[tuple[str, str], str] = {}
    for scene in scenes:
        if isinstance(scene, BadScene):
            yield tidy(scene)
            continue
        key = scene.collection, scene.scene_id
        if key in seen:
            yield tidy(BadScene(scene.href, _duplicate(scene, seen[key])))
        else:
            seen[key] = scene.href
            yield scene


def _duplicate(scene: Scene, first: str) -> SceneError:
    name = f"duplicate scene {scene.scene_id!r} in collection {scene.collection!r}"
    if first == scene.href:
        return SceneError(f"{name}: the same file was listed twice; only the first is used")
    return SceneError(f"{name}: already taken by {first}; rename one, or index it with another --collection")
