"""Starts the program that runs commands under faults, and asks it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("faults.c")


class Mode(IntEnum):
    """What happens at the chosen call; as in faults.c."""

    COUNT = 0
    KILL = 1
    TEAR = 2
    FAIL_ONCE = 3
    FAIL_FROM = 4


class Kind(IntFlag):
    """Which calls count; as in faults.c."""

    DATA = 1
    SYNC = 2
    NAME = 4
    GONE = 8
    ALL = 15


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong, and when: at the n-th call that changes a file, or after so many seconds."""

    mode: Mode = Mode.COUNT
    at: int = 0
    kinds: Kind = Kind.ALL
    error: int = errno.EIO
    after: float | None = None

    def __str__(self) -> str:
        when = f"after {self.after:.3f} s" if self.after is not None else f"at call {self.at} of {self.kinds!r}"
        return f"{self.mode.name} {when}, {errno.errorcode[self.error]}"


NONE = Fault()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int | None
    """Exit code; None where it was killed."""
    signal: int | None
    """That it was killed with."""
    hung: bool
    """Whether it had to be killed because it took too long."""
    seconds: float
    """That it took."""
    seen: int
    """Calls that changed a file, where it came to its end."""
    hit: str
    """The call at which it happened."""
    stdout: str
    stderr: str
    acknowledged: frozenset[str]
    """Ids of scenes whose commit had returned."""

    def __str__(self) -> str:
        return f"code {self.code}, signal {self.signal}, hung {self.hung}, hit {self.hit!r}, said {self.stderr!r}"


def needs_compiler() -> pytest.MarkDecorator:
    """Skip where the faults cannot be built."""
    missing = sys.platform != "linux" or shutil.which("gcc") is None
    return pytest.mark.skipif(missing, reason="faults are made by a C library: Linux and gcc are needed")


class Forge:
    """The program that runs commands under faults; a context manager.

    Args:
        folder: For what it writes down; outside what is watched.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calls = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        library = self._folder / "faults.so"
        build = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(build, check=True, capture_output=True)
        environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.server"], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._answer() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the program that forks has ended"
        return line.strip()

    def run(self, args: list[str], *, under: Path, fault: Fault = NONE, **options: Any) -> Ended:
        """Run a command to its end, or to its fault.

        Args:
            args: Of ``swath``.
            under: Folder in which calls are counted.
            fault: What goes wrong.
            **options: ``merge_limit``, ``environment``, ``limit`` in seconds.
        """
        self._calls += 1
        out = Path(tempfile.mkdtemp(dir=self._folder))
        arm = {"mode": fault.mode, "kinds": fault.kinds, "at": fault.at, "errno": fault.error}
        asked = {"args": args, "under": str(under), "out": str(out), "arm": arm, "after": fault.after, **options}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._answer())
        shutil.rmtree(out)
        told["acknowledged"] = frozenset(told["acknowledged"].split("\n")[:-1])
        return Ended(**told | {"seen": int(told["seen"] or 0)})
