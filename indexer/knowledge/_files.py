"""Which files are meant: paths, whole folders, patterns with ``*``."""

from __future__ import annotations

import glob
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from core import InputError
from indexer.knowledge._reading import READERS

MAX_FILES = 10_000
"""Most files of one call: a mistaken ``/`` ends soon."""


def chosen_files(files: Iterable[str | Path]) -> tuple[Path, ...]:
    """Return the files that are meant, sorted by name. Links inside a folder are not followed.

    Raises:
        InputError: One does not exist, a folder or a pattern holds nothing readable, two have the same name, or there
            are too many.
    """
    found: dict[str, set[Path]] = defaultdict(set)
    for given in files:
        for path in _meant(str(given)):
            found[path.name].add(path.absolute())
            if len(found) > MAX_FILES:
                raise InputError(f"more than {MAX_FILES:,} files; name a smaller folder")
    if not found:
        raise InputError("no file was named; give Markdown, text, CSV or GeoJSON files, or a folder of them")
    for name, paths in found.items():
        if len(paths) > 1:
            one, other = sorted(map(str, paths))[:2]
            raise InputError(
                f"two files are called {name} ({one}, {other}); passages are kept by file name: rename one"
            )
    return tuple(min(paths) for _, paths in sorted(found.items()))


def _meant(given: str) -> Iterator[Path]:
    path = Path(given)
    if path.is_dir():
        yield from _some(_inside(path), f"the folder {given}")
    elif path.exists() or not glob.has_magic(given):
        if not path.exists():
            raise InputError(f"{given} does not exist")
        yield path
    else:
        matches = [Path(match) for match in sorted(glob.glob(given, recursive=True))]  # noqa: PTH207  # may be absolute
        yield from _some((match for match in matches if _readable(match)), f"the pattern {given}")


def _inside(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (path for name in sorted(names) if _readable(path := Path(place) / name))


def _readable(path: Path) -> bool:
    return path.suffix.lower() in READERS and path.is_file() and not path.is_symlink()


def _some(paths: Iterator[Path], what: str) -> Iterator[Path]:
    empty = True
    for path in paths:
        empty = False
        yield path
    if empty:
        raise InputError(f"{what} holds no file ending in {', '.join(READERS)}")
