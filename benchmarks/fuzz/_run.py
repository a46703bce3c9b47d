"""Runs targets in child processes, one after another, and keeps what they fell over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fuzz._mutate import mutated
from benchmarks.fuzz._target import Target

MOST_DEATHS = 50
"""Processes of one target that may die before it is given up: enough to see what kills them."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """What became of one input."""

    number: int
    """In the run."""
    kind: str
    """accepted, refused or fault."""
    name: str
    """Class of the error, or the signal that ended the process."""
    processor_ms: float
    """Of all threads."""
    wall_ms: float
    """Meanwhile, by the clock."""
    megabytes: float
    """By which resident memory grew at its peak."""
    message: str
    """Of the error, shortened."""


def run(target: Target, *, seed: int, first: int, last: int, work: Path) -> list[Read]:
    """Read inputs ``first`` to ``last`` - 1 of a target; inputs that are faults are written to ``work / "faults"``.

    Args:
        target: What reads them.
        seed: Of the run.
        first: Number of the first input.
        last: Number behind the last.
        work: Folder of reports; what was read there before is not read again.
    """
    report = work / f"{target.name}-{seed}.tsv"
    report.parent.mkdir(parents=True, exist_ok=True)
    done = list(reads(report))
    begin = max([first, *(read.number + 1 for read in done)])
    for _ in range(MOST_DEATHS):
        if begin >= last or (died := _process(target, seed, begin, last, report)) is None:
            break
        number, name = died
        with report.open("a", encoding="utf-8") as lines:
            lines.write(f"{number}\tfault\t{name}\t0\t0\t0\tthe process died\n")
        begin = number + 1
    found = [read for read in reads(report) if first <= read.number < last]
    _keep(target, seed, found, work / "faults")
    return found


def _process(target: Target, seed: int, first: int, last: int, report: Path) -> tuple[int, str] | None:
    """Return the input and the signal a process died of; None where it read all."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.fuzz._worker",
        target.name,
        str(seed),
        str(first),
        str(last),
        str(report),
    ]
    at = report.with_suffix(".at")
    at.unlink(missing_ok=True)
    same = {**os.environ, "PYTHONHASHSEED": "0"}
    with report.with_suffix(".log").open("ab") as log:
        code = subprocess.run(command, stdout=log, stderr=log, check=False, env=same).returncode  # noqa: S603  # ourselves
    if code == 0:
        return None
    if not at.exists():
        raise SystemExit(f"{target.name} does not start (status {code}); see {log.name}")
    return int(at.read_text()), signal.Signals(-code).name if code < 0 else f"exit {code}"


def reads(report: Path) -> Iterator[Read]:
    """Yield what a report says."""
    if not report.exists():
        return
    for line in report.read_text(encoding="utf-8").splitlines():
        number, kind, name, processor, wall, grown, message = line.split("\t", 6)
        yield Read(
            number=int(number), kind=kind, name=name, processor_ms=float(processor), wall_ms=float(wall),
            megabytes=float(grown), message=message
        )  # fmt: skip


def _keep(target: Target, seed: int, found: list[Read], folder: Path) -> None:
    faults = [read for read in found if read.kind == "fault"][:20]
    if not faults:
        return
    folder.mkdir(parents=True, exist_ok=True)
    seeds = list(target.seeds())
    for read in faults:
        (folder / f"{target.name}-{seed}-{read.number}-{read.name}").write_bytes(
            mutated(target, seeds, seed=seed, number=read.number)
        )
