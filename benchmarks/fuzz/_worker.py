"""One target in a process of its own: ``python -m benchmarks.fuzz._worker TARGET SEED FIRST LAST REPORT``.

Before an input is read its number is written to ``REPORT.at``, so that whoever finds this process dead knows which one
killed it. Two clocks kill it: processor time, which a busy machine does not stretch and which also runs in native code
that Python cannot interrupt, and the wall clock, for what waits for something that never comes.
"""

from __future__ import annotations

import faulthandler
import gc
import resource
import signal
import sys
import time
from pathlib import Path

from benchmarks.fuzz._mutate import mutated
from benchmarks.fuzz._target import Outcome, judge
from benchmarks.fuzz._targets import target_named

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


def main(name: str, seed: int, first: int, last: int, report: Path) -> None:
    """Read inputs ``first`` to ``last`` - 1; a line of the report for each: number, outcome, class, ms, MB, message."""
    target = target_named(name)
    seeds = list(target.seeds())
    outcomes = {judge(target, each).kind for each in [*seeds, *seeds]}
    if "fault" in outcomes:
        raise SystemExit(f"{name}: a seed is a fault: {[judge(target, each) for each in seeds]}")
    faulthandler.enable()
    for kind in (signal.SIGPROF, signal.SIGALRM):
        faulthandler.register(kind, chain=True)
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_LIMIT, DATA_LIMIT))
    at = report.with_suffix(".at")
    with report.open("a", encoding="utf-8") as lines:
        for number in range(first, last):
            data = mutated(target, seeds, seed=seed, number=number)
            at.write_text(str(number))
            resting = _megabytes("VmRSS")
            _PEAK.write_text("5")
            _arm(LIMIT_S, STUCK_S)
            started, processor = time.perf_counter(), time.process_time()
            outcome = judge(target, data)
            seconds, wall = time.process_time() - processor, time.perf_counter() - started
            _arm(0, 0)
            grown = _megabytes("VmHWM") - resting
            lines.write(_line(number, _limited(outcome, grown), seconds, wall, grown))
            lines.flush()
            if number % 500 == 499:
                gc.collect()
    at.unlink()


def _arm(processor: float, wall: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, processor)
    signal.setitimer(signal.ITIMER_REAL, wall)


def _limited(outcome: Outcome, grown: float) -> Outcome:
    if grown > LIMIT_MB:
        return Outcome(kind="fault", name="memory", message=f"{grown:.0f} MB for {outcome.kind} {outcome.name}")
    return outcome


def _line(number: int, outcome: Outcome, seconds: float, wall: float, grown: float) -> str:
    message = outcome.message if outcome.kind == "fault" else outcome.message[:120]
    told = (
        message.encode("ascii", "backslashreplace")
        .decode()[:500]
        .replace("\t", " ")
        .replace("\n", "\\n")
        .replace("\r", "\\r")
    )
    return f"{number}\t{outcome.kind}\t{outcome.name or '-'}\t{seconds * 1000:.2f}\t{wall * 1000:.2f}\t{grown:.1f}\t{told}\n"


def _megabytes(field: str) -> float:
    text = _STATUS.read_text()
    return int(text[text.index(field) :].split(maxsplit=2)[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
