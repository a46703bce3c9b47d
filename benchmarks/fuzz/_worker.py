"""The work of one process: a target reads inputs, each with a clock and a limit of memory.

Before an input is read its number is written to a file, so that whoever finds this process dead knows which one
killed it. Two clocks kill it: processor time, which a busy machine does not stretch and which also runs in native code
that Python cannot interrupt, and the wall clock, for what waits for something that never comes.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fuzz._mutate import mutated
from benchmarks.fuzz._target import Outcome, Target, judge

LIMIT_S = 2.0
"""Seconds of processor time for one input; ``SIGPROF`` ends the process behind it."""

STUCK_S = 30.0
"""Seconds by the wall clock; generous, because the machine may be busy with something else."""

LIMIT_MB = 500
"""Growth of resident memory over what the process holds between inputs."""

DATA_LIMIT = 4 * 2**30
"""Bytes of private memory (``RLIMIT_DATA``) at which allocations fail, so that the machine survives the finding."""

_STATUS = Path("/proc/self/status")
_PEAK = Path("/proc/self/clear_refs")


def work_through(target: Target, seed: int, numbers: range, report: Path, keep: Sequence[int]) -> None:
    """Read inputs; a line of the report for each: number, outcome, class, ms, ms by the clock, MB, message.

    Args:
        target: What reads them.
        seed: Of the run.
        numbers: Of the inputs.
        report: File that lines are added to; what is printed goes to a ``.log`` beside it.
        keep: Inputs that are not read but written to the folder ``faults`` beside the report.
    """
    _redirect(report.with_suffix(".log"))
    seeds = list(target.seeds())
    for number in keep:
        kept = report.parent / "faults" / f"{target.name}-{seed}-{number}"
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(mutated(target, seeds, seed=seed, number=number))
    if not numbers:
        return
    # What is compiled or loaded once is not of the first input.
    outcomes = [judge(target, each) for each in [*seeds, *seeds]]
    if any(outcome.kind == "fault" for outcome in outcomes):
        raise SystemExit(f"{target.name}: a seed is a fault: {outcomes}")
    faulthandler.enable(sys.__stderr__)
    for kind in (signal.SIGPROF, signal.SIGALRM):
        faulthandler.register(kind, sys.__stderr__, chain=True)
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_LIMIT, DATA_LIMIT))
    at = report.with_suffix(".at")
    with report.open("a", encoding="utf-8") as lines:
        for number in numbers:
            data = mutated(target, seeds, seed=seed, number=number)
            at.write_text(str(number))
            lines.write(f"{number}\t{_measured(target, data)}\n")
            lines.flush()
            if number % 500 == 499:
                gc.collect()
    at.unlink()


def _redirect(log: Path) -> None:
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)


def _measured(target: Target, data: bytes) -> str:
    resting = _megabytes("VmRSS")
    _PEAK.write_text("5")
    _arm(LIMIT_S, STUCK_S)
    started, processor = time.perf_counter(), time.process_time()
    outcome = judge(target, data)
    seconds, wall = time.process_time() - processor, time.perf_counter() - started
    _arm(0, 0)
    grown = _megabytes("VmHWM") - resting
    if grown > LIMIT_MB:
        outcome = Outcome(kind="fault", name="memory", message=f"{grown:.0f} MB for {outcome.kind} {outcome.name}")
    told = ascii(outcome.message[: 500 if outcome.kind == "fault" else 120])[1:-1]
    return f"{outcome.kind}\t{outcome.name or '-'}\t{seconds * 1000:.2f}\t{wall * 1000:.2f}\t{grown:.1f}\t{told}"


def _arm(processor: float, wall: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, processor)
    signal.setitimer(signal.ITIMER_REAL, wall)


def _megabytes(field: str) -> float:
    text = _STATUS.read_text()
    return int(text[text.index(field) :].split(maxsplit=2)[1]) / 1024
