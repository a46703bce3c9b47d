"""Which generation of an index answers: the vectors of one encoder, with all that must change together with them.

```
INDEX/                       generation 0: tiles.lance, scenes.lance, knowledge.lance, search/, calibration.json
INDEX/generations/N/         generation N: the same
INDEX/generation.json        names the one in use; without it that is generation 0
```

A folder of a generation is an index by itself, so whoever reads or writes one needs to know nothing of the others. The
document is replaced in one rename: from then on indexes are opened at the other generation, with its space, its search
snapshot and its calibration, and never with a part of both. Watches belong to the index, not to a generation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import overload

from core import ConfigError, StoreError
from indexer._place import BucketPath, Place
from indexer._small_files import read_document, replace_document

GENERATION = "generation.json"
"""Name of the document in the index directory."""

GENERATIONS = "generations"
"""Folder of all generations but the first."""

RECORD = "reembedding.json"
"""Name of the document in a generation's folder that tells how it is being made."""

_FORMAT = 1
_LOCK = "reembed.lock"
_MAX_BYTES = 2**16
"""The document has four short fields."""


@dataclass(frozen=True, kw_only=True)
class Generations:
    """Which generation of an index is in use, and which it came after."""

    current: int = 0
    """Number of the one that answers."""
    previous: int | None = None
    """The one before it, to which one can return; None where there was none, or it was dropped."""
    next: int | None = None
    """The one that is being made, to which one can switch; None where none is."""
    switched: str | None = None
    """When the current one came into use, RFC 3339; None where there was never another."""


def read_generations(root: Path) -> Generations:
    """Return which generation of an index is in use.

    Raises:
        StoreError: The document is damaged: nothing is guessed, for the other generation may lack scenes.
    """
    path = root / GENERATION
    try:
        document = read_document(path, kind="generation document", limit=_MAX_BYTES)
        if document is None:
            return Generations()
        if document.pop("format", None) != _FORMAT:
            raise StoreError(f"{path} is of another format than {_FORMAT}; use the Swath that wrote it")
        found = Generations(**document)
    except (ConfigError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error}); restore a backup: swath restore") from None
    if not isinstance(found.current, int) or found.current < 0:
        raise StoreError(f"{path} is damaged (current is {found.current!r}); restore a backup: swath restore")
    return found


def write_generations(root: Path, generations: Generations) -> None:
    """Put another document in place of the one there is, in one rename.

    Raises:
        StoreError: The index cannot be written; the old one holds then.
    """
    replace_document(root / GENERATION, {"format": _FORMAT, **asdict(generations)})


def generation_folder(root: Path, number: int) -> Path:
    """Return the folder of a generation, whether or not it is there."""
    return root / GENERATIONS / str(number) if number else root


@overload
def home_of(root: Path) -> Path: ...
@overload
def home_of(root: Place) -> Place: ...
def home_of(root: Place) -> Place:
    """Return the folder of the generation in use; an index in a bucket has one only.

    Raises:
        StoreError: What names it is damaged.
    """
    return root if isinstance(root, BucketPath) else generation_folder(root, read_generations(root).current)


def generation_numbers(root: Path) -> tuple[int, ...]:
    """Return the numbers of the generations that have a folder, 0 among them, in rising order."""
    folder = root / GENERATIONS
    names = (entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else ()
    return (0, *sorted(int(name) for name in names if name.isdecimal() and int(name) > 0))


@contextmanager
def changing_generations(root: Path) -> Iterator[None]:
    """Hold the lock of whoever makes, switches or drops generations of an index.

    Raises:
        StoreError: Another process holds it, or the index cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = root / GENERATIONS
    try:
        folder.mkdir(exist_ok=True)
        lock = FileLock(folder / _LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(f"another swath reembed is at work on {root}; wait until it has finished") from None
    except OSError as error:
        raise StoreError(f"cannot write to the index {root}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
