"""Memory kept between steps: only ever a wish, and the wish is known to glibc alone."""

import ctypes
import platform
import subprocess
import sys
from typing import Any

import pytest

from embeddings.training import _memory

STEPS = """
import resource, sys
from embeddings.training._memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(30):
    b"x" * 64_000_000  # over the 32 MB up to which glibc learns by itself to keep a block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the request is glibc's own")
def test_pages_are_asked_for_once_and_not_at_every_step() -> None:
    faults = {}
    for how in ("keep", "return"):
        done = subprocess.run([sys.executable, "-c", STEPS, how], capture_output=True, text=True, check=True)
        faults[how] = int(done.stdout)
    assert faults["keep"] < faults["return"] / 3


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: Any) -> Any:
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", without)
    assert not _memory.keep_freed_memory()
