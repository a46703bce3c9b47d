"""Recall, latency and cost of the search engine beside its peers.

``python -m benchmarks.engine --rows 1000000 --dim 384 --work DIR --out docs/benchmarks/engine-384.md``

Stages, each of which can be run alone and is not repeated where its result is there: ``data`` (the archive),
``truth`` (questions and exact answers), ``table`` (the archive as a Swath index), ``build`` (every engine's index),
then what is measured anew each time: ``machine``, ``turns``, ``cold`` (after ``turns``, so that what an engine
compiles once for a machine is there), ``throughput``, ``append``, and ``report``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.engine._append import append
from benchmarks.engine._archive import make_archive
from benchmarks.engine._building import build
from benchmarks.engine._machine import machine
from benchmarks.engine._peer import ENTRIES, SWATH
from benchmarks.engine._questions import make_questions
from benchmarks.engine._report import write_report
from benchmarks.engine._running import open_cold, take_turns, throughput
from benchmarks.engine._table import fill
from benchmarks.engine._work import Work


def main() -> None:
    """Run the stages."""
    options = _options()
    work = Work(path=Path(options.work) / f"{options.rows}x{options.dim}")
    names = options.peers.split(",")
    stages: dict[str, Callable[[], None]] = {
        "data": lambda: make_archive(work.data, options.rows, options.dim),
        "truth": lambda: _truth(work),
        "table": lambda: _table(work),
        "build": lambda: _build(work, names),
        "machine": lambda: work.write("machine", machine()),
        "turns": lambda: take_turns(work, names, _say, share=options.share),
        "cold": lambda: open_cold(work, names, _say),
        "throughput": lambda: throughput(work, names, _say),
        "append": lambda: work.write("append", append(work)) if SWATH in names else None,
        "report": lambda: write_report(work, Path(options.out)),
    }
    for stage in _chosen(options.stages, list(stages)):
        start = time.perf_counter()
        stages[stage]()
        took = time.perf_counter() - start
        work.write("stages", work.read_if_there("stages") | {stage: took})
        _say(f"{stage}: {took:.1f} s")


def _chosen(text: str, stages: list[str]) -> list[str]:
    """The stages that are meant; ``prepare`` is those up to ``build``, ``run`` those after it."""
    first = stages.index("build") + 1
    groups = {"all": stages, "prepare": stages[:first], "run": stages[first:]}
    chosen = [stage for name in text.split(",") for stage in groups.get(name, [name])]
    unknown = [stage for stage in chosen if stage not in stages]
    if unknown:
        raise SystemExit(f"there is no stage {unknown[0]!r}; there are {', '.join([*groups, *stages])}")
    return chosen


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--work", required=True, help="folder for data and indexes: about 14 GB at 1,000,000 x 384")
    parser.add_argument("--out", required=True, help="Markdown file; pictures are put beside it")
    parser.add_argument("--stages", default="all", help="some of them, with commas; prepare and run are groups")
    parser.add_argument("--peers", default=",".join(ENTRIES), help="some of them, with commas")
    parser.add_argument("--share", type=int, default=1, help="ask only every n-th turn")
    return parser.parse_args()


def _truth(work: Work) -> None:
    if not work.questions_file.exists():
        make_questions(work.archive(), work.questions_file)


def _table(work: Work) -> None:
    filled = work.data / "index.filled"
    if not filled.exists():
        archive = work.archive()
        shutil.rmtree(archive.table, ignore_errors=True)
        fill(archive, archive.table)
        filled.touch()


def _build(work: Work, names: list[str]) -> None:
    for name in names:
        build(work, name)
        _say(f"built {name}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201  # progress of a command


if __name__ == "__main__":
    main()
