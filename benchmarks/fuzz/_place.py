"""One folder of this process for the files that inputs become; removed at its end."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def workplace() -> Path:
    """Return the folder."""
    folder = Path(tempfile.mkdtemp(prefix="swath-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def placed(name: str, data: bytes) -> Path:
    """Write an input under a name in the folder, and return where."""
    path = workplace() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
