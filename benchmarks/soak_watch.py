"""The server's process watched from outside: memory, file descriptors, threads, processor time, room on the disk."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.scale import disk

EVERY_S = 5.0
"""Seconds between two looks at the process."""

DISK_EVERY = 2
"""Looks at the process for one at the disk, which reads every folder of the index."""

TOLD_EVERY = 6
"""Looks for one line on the terminal."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look."""

    at: float
    """Seconds from the start."""
    anonymous: int
    """Bytes of the process's own memory: heaps and stacks, no pages of files."""
    rss: int
    """Bytes resident: its own, and pages of files that the system can drop at any time."""
    uss: int
    """Bytes resident that no other process has: its own, and pages of files that only it has mapped."""
    fds: int
    """Open file descriptors."""
    threads: int
    """Threads."""
    maps: int
    """Mapped areas of memory."""
    deleted: int
    """Bytes mapped of files that are deleted: room on the disk that is not free yet."""
    processor: float
    """Seconds of processor time of the server so far."""
    others: float
    """Seconds that the machine's processors worked so far for anything that is not the soak's."""


@dataclass(kw_only=True)
class Watcher:
    """Looks at a server until it is stopped."""

    process: psutil.Process
    """The server."""
    index: Path
    """The directory that it serves."""
    start: float
    """Of ``time.monotonic``."""
    samples: list[Sample] = field(default_factory=list)
    """Oldest first."""
    sizes: list[tuple[float, int]] = field(default_factory=list)
    """Seconds from the start, and bytes of the index's directory."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set to end it."""

    def run(self) -> None:
        """Look, again and again."""
        number = 0
        while True:
            self.samples.append(self._sample())
            if number % DISK_EVERY == 0:
                self.sizes.append((time.monotonic() - self.start, disk(self.index)))
            if number % TOLD_EVERY == 0:
                self._tell(self.samples[-1])
            number += 1
            if self.stop.wait(EVERY_S):
                return

    def _tell(self, sample: Sample) -> None:
        own, resident = sample.anonymous / 1e6, sample.rss / 1e6
        sys.stderr.write(
            f"{sample.at:.0f} s: {own:,.1f} MB of its own, {resident:,.1f} MB resident, {sample.fds} descriptors,"
            f" {sample.threads} threads, index {self.sizes[-1][1] / 1e6:,.1f} MB\n"
        )

    def _sample(self) -> Sample:
        memory, times = self.process.memory_full_info(), self.process.cpu_times()
        maps, deleted = mapped_files(self.process.pid)
        worked = times.user + times.system
        return Sample(
            at=time.monotonic() - self.start,
            anonymous=anonymous_bytes(self.process.pid),
            rss=memory.rss,
            uss=memory.uss,
            fds=self.process.num_fds(),
            threads=self.process.num_threads(),
            maps=maps,
            deleted=deleted,
            processor=worked,
            others=_busy() - worked - sum(os.times()[:4]),
        )


def anonymous_bytes(pid: int) -> int:
    """Return the bytes of a process's memory that are not pages of files."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this kernel does not tell which memory is not of files")


def mapped_files(pid: int) -> tuple[int, int]:
    """Return how many areas a process has mapped, and the bytes of those whose files are deleted."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    deleted = 0
    for line in lines:
        if line.endswith("(deleted)") and "/" in line:
            first, _, last = line.split()[0].partition("-")
            deleted += int(last, 16) - int(first, 16)
    return len(lines), deleted


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)
