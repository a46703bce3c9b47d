"""Runs targets in child processes, one after another, and keeps what they fell over."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.fuzz._target import Target
from benchmarks.fuzz._worker import work_through

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
        if begin >= last or (died := _process(target, seed, range(begin, last), report)) is None:
            break
        number, name = died
        with report.open("a", encoding="utf-8") as lines:
            lines.write(f"{number}\tfault\t{name}\t0\t0\t0\tthe process died\n")
        begin = number + 1
    found = [read for read in reads(report) if first <= read.number < last]
    if faults := [read.number for read in found if read.kind == "fault"][:MOST_DEATHS]:
        _process(target, seed, range(0), report, keep=faults)
    return found


def _process(
    target: Target, seed: int, numbers: range, report: Path, *, keep: Sequence[int] = ()
) -> tuple[int, str] | None:
    """Return the input and the signal a process died of; None where it read all.

    The process is a fork of this one, which has imported everything and used nothing, so that it starts at once.
    """
    at = report.with_suffix(".at")
    at.unlink(missing_ok=True)
    process = get_context("fork").Process(target=work_through, args=(target, seed, numbers, report, keep))
    process.start()
    process.join()
    code = process.exitcode or 0
    if code == 0:
        return None
    if not at.exists():
        raise SystemExit(f"{target.name} does not start (status {code}); see {report.with_suffix('.log')}")
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
