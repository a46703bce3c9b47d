"""Local files, in the order of their names, one folder at a time, safe against link loops."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape, has_magic
from pathlib import Path

from core import BadScene, SceneError, SourceError
from indexer.sources._names import shown

RASTER_ENDINGS = (".tif", ".tiff", ".jp2")
"""Endings of georeferenced rasters."""

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")
"""Endings of plain pictures."""

STAC_FILES = ("catalog.json", "collection.json")
"""What, at its top, makes a folder a STAC catalog."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a path or glob pattern stands for."""

    root: Path
    """Absolute folder that names are relative to."""
    pattern: str | None
    """Glob pattern below ``root``; None for everything."""
    endings: tuple[str, ...]
    """Lower-case endings of the files wanted."""

    def files(self) -> Iterator[Path | BadScene]:
        """Yield the files in the order of names, and a BadScene for a folder that cannot be listed.

        Hidden files and folders are left out.
        """
        if self.pattern is None:
            yield from _walk(self.root, self.endings, set())
        else:
            yield from self._expanded(self.pattern)

    def _expanded(self, pattern: str) -> Iterator[Path]:
        for path in sorted(self.root.glob(pattern)):
            hidden = any(part.startswith(".") for part in path.relative_to(self.root).parts)
            if not hidden and path.name.lower().endswith(self.endings) and not path.is_dir():
                yield path


def find(text: str, endings: tuple[str, ...]) -> Found:
    """Return what a path or glob pattern stands for.

    Raises:
        SourceError: Nothing is there, or no file with one of the endings.
    """
    found = _find(Path(text).expanduser(), endings)
    if next(found.files(), None) is None:
        raise SourceError(f"{text!r} holds no file that can be read; endings that can are {' '.join(endings)}")
    return found


def first_file(path: Path, endings: tuple[str, ...]) -> Path | BadScene | None:
    """Return the first file a path or glob pattern stands for, or None."""
    return next(_find(path, endings).files(), None)


def _find(path: Path, endings: tuple[str, ...]) -> Found:
    if path.is_dir():
        return Found(root=path.resolve(), pattern=None, endings=endings)
    if path.exists() or path.is_symlink() or not has_magic(str(path)):
        return Found(root=path.parent.resolve(), pattern=escape(path.name), endings=endings)
    fixed = next(number for number, part in enumerate(path.parts) if has_magic(part))
    root = Path(*path.parts[:fixed])
    return Found(root=root.resolve(), pattern=str(path.relative_to(root)), endings=endings)


def _walk(folder: Path, endings: tuple[str, ...], seen: set[tuple[int, int]]) -> Iterator[Path | BadScene]:
    """Links to folders are followed, each folder once."""
    try:
        status = folder.stat()
        if (key := (status.st_dev, status.st_ino)) in seen:
            return
        seen.add(key)
        with os.scandir(folder) as entries:
            listed = sorted((entry.name, _is_folder(entry)) for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        yield BadScene(shown(folder), SceneError(f"folder cannot be listed: {error.strerror}"))
        return
    for name, is_folder in listed:
        if is_folder:
            yield from _walk(folder / name, endings, seen)
        elif name.lower().endswith(endings):
            yield folder / name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that loops: kept as a file, so that opening it reports why
        return False
