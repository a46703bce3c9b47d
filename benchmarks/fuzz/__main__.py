"""Run ``python -m benchmarks.fuzz [--scale 1] [--seed 1] [--work fuzz-work] [--out FILE] [TARGET ...]``; or ``--list``.

Every target reads its share of mutated inputs, times the scale, in a process of its own with a clock and a limit of
memory. The exit code is 1 where one of them is a fault. A run that was cut off goes on where it stopped; inputs are the
same for the same seed, and one is read again, in a debugger if need be, with ``--again TARGET NUMBER``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.fuzz._mutate import mutated
from benchmarks.fuzz._report import table
from benchmarks.fuzz._run import Read, run
from benchmarks.fuzz._target import judge
from benchmarks.fuzz._targets import TARGETS, target_named


def main() -> None:
    """Run what the command line says."""
    given = _arguments()
    if given.list:
        for target in TARGETS:
            print(f"{target.name:20} {target.kind:6} {target.share:6,}")  # noqa: T201
        return
    if given.again:
        _again(given.again[0], int(given.again[1]), given.seed)
        return
    found: dict[str, list[Read]] = {}
    for target in map(target_named, given.targets) if given.targets else TARGETS:
        last = max(1, round(target.share * given.scale))
        found[target.name] = run(target, seed=given.seed, first=0, last=last, work=given.work)
        print(table({target.name: found[target.name]}, head=len(found) == 1), flush=True)  # noqa: T201
    text = table(found, total=True)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")
    print(text.splitlines()[-1])  # noqa: T201
    sys.exit(any(read.kind == "fault" for reads in found.values() for read in reads))


def _again(name: str, number: int, seed: int) -> None:
    target = target_named(name)
    data = mutated(target, list(target.seeds()), seed=seed, number=number)
    print(f"{data[:2_000]!r}\n{len(data):,} bytes\n{judge(target, data)}")  # noqa: T201
    target.read(data)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="Targets; all where none is named.")
    parser.add_argument("--scale", type=float, default=1.0, help="Of the inputs of a full run.")
    parser.add_argument("--seed", type=int, default=1, help="Other seeds make other inputs.")
    parser.add_argument(
        "--work", type=Path, default=Path("fuzz-work"), help="Folder of reports and of inputs that are faults."
    )
    parser.add_argument("--out", type=Path, help="File for the table.")
    parser.add_argument("--list", action="store_true", help="Name the targets and their shares.")
    parser.add_argument(
        "--again", nargs=2, metavar=("TARGET", "NUMBER"), help="Read one input again, with its traceback."
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
