"""Room and rights where Swath writes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from swath._doctor_check import Check, State, bounded

LEAST_FREE_GIB = 1
"""Room on a disk below which the next ingest is likely to fill it: 150,000 tiles of 6 kB."""

ANSWER_S = 10.0
"""Seconds for a file system to answer; a network drive that is gone never does."""


def disks() -> Iterator[Check]:
    """Look at the working directory, at temporary files and at caches."""
    for name, place, needed in _places():
        yield bounded(
            name, partial(_disk, name, place, needed), advice=f"is {place} on a drive that is gone?", seconds=ANSWER_S
        )


def _places() -> Iterator[tuple[str, Path, bool]]:
    """Name, folder, and whether nothing works without it."""
    from core import Settings

    settings, home = Settings(), Path.home() / ".cache" / "swath"
    yield "disk", Path(), True
    yield "temporary files", Path(tempfile.gettempdir()), True
    yield "weights folder", Path(settings.weights_dir) if settings.weights_dir else home / "weights", False
    yield "index cache", Path(settings.index_cache) if settings.index_cache else home / "indexes", False
    yield "scene cache", Path(settings.scene_cache) if settings.scene_cache else home / "scenes", False


def _disk(name: str, place: Path, needed: bool) -> Check:
    there = next(folder for folder in (place.absolute(), *place.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free / 2**30
    bad: State = "fail" if needed else "warn"
    if free <= LEAST_FREE_GIB:
        return Check(name=name, state=bad, found=f"{free:.1f} GiB free at {place}", advice=_more_room(name))
    # Of the working directory nothing is written but what a command is told to write.
    if name != "disk" and not os.access(there, os.W_OK | os.X_OK):
        return Check(name=name, state=bad, found=f"{there} cannot be written", advice=_elsewhere(name))
    return Check(name=name, state="ok", found=f"{free:.1f} GiB free at {place}")


def _more_room(name: str) -> str:
    return f"delete what is not needed, or {_elsewhere(name)}"


def _elsewhere(name: str) -> str:
    variables = {
        "temporary files": "TMPDIR",
        "weights folder": "SWATH_WEIGHTS_DIR",
        "index cache": "SWATH_INDEX_CACHE",
        "scene cache": "SWATH_SCENE_CACHE",
    }
    return f"set {variables[name]} to another folder" if name in variables else "work on another disk"
