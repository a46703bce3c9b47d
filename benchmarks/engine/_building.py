"""Building a peer's index in a process of its own, and what that took."""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from multiprocessing import get_context

from benchmarks.engine._peer import ENTRIES
from benchmarks.engine._work import BUILT, Work, size_of


def build(work: Work, name: str) -> None:
    """Build a peer's index; nothing is done where it is complete.

    Raises:
        RuntimeError: The build failed; its own error was printed.
    """
    if work.is_built(name):
        return
    shutil.rmtree(work.index(name), ignore_errors=True)
    process = get_context("spawn").Process(target=_build, args=(work, name))
    process.start()
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"building {name} failed with exit code {process.exitcode}")


def _build(work: Work, name: str) -> None:
    folder = work.index(name)
    folder.mkdir(parents=True)
    peer, archive = ENTRIES[name].make(), work.archive()
    wall, cpu = time.perf_counter(), time.process_time()
    stages = peer.build(archive, folder)
    took = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "cores": len(os.sched_getaffinity(0)),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "stages": stages,
        "bytes": size_of(folder),
    }
    (folder / BUILT).write_text(json.dumps(took, indent=1))
