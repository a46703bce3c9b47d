"""Memory that was freed goes back to the system while a server runs."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import threading, time
from pathlib import Path
import api._heap
api._heap.TRIM_S = 0.05

def own():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1024

def holes():
    # What stays keeps the heap from shrinking at its end; what goes leaves 66 MB of holes.
    kept = [bytes(60_000) for _ in range(2200)]
    return kept[1::2]

with api._heap.tidy_heap():
    before, kept = own(), holes()
    end = time.monotonic() + 20
    while own() > before + 100 and time.monotonic() < end:
        time.sleep(0.02)
    grown = own() - before
    names = [thread.name for thread in threading.enumerate()]
print(grown, names.count("swath-trim"), threading.active_count())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps holes in arenas")
def test_holes_in_the_heap_are_given_back_and_the_thread_ends() -> None:
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    grown, trimming, left = ran.stdout.split()
    # 66 MB of 132 are still in use.
    assert 50 < float(grown) < 100
    assert (trimming, left) == ("1", "1")
