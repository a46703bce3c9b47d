"""A disk of a few megabytes that can be filled, made larger, and taken away."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

FILLER = ".filler"


def needs_mounts() -> pytest.MarkDecorator:
    """Skip where nothing can be mounted."""
    unable = sys.platform != "linux" or os.geteuid() != 0
    return pytest.mark.skipif(unable, reason="a small disk is mounted for this: Linux and root are needed")


@dataclass(frozen=True)
class SmallDisk:
    """A mounted tmpfs."""

    path: Path

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    @property
    def used(self) -> int:
        """Bytes."""
        found = os.statvfs(self.path)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def fill(self, *, leaving: int) -> None:
        """Take up all of it but so many bytes."""
        self.empty()
        with (self.path / FILLER).open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, max(self.free - leaving, 1))

    def empty(self) -> None:
        """Give back what was taken up."""
        (self.path / FILLER).unlink(missing_ok=True)

    def remount(self, options: str) -> None:
        """Change it while it is in use: ``size=64m``, ``ro``."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True, capture_output=True)


@contextmanager
def small_disk(path: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a disk; skip the test where that is not allowed after all, as in a container."""
    path.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True, capture_output=True)
