"""The run: engines take turns at the same questions, so that whatever disturbs the machine disturbs them all alike.

A turn is one question that is not timed and TURN that are: the one before refills the caches that the other engines
have emptied. Before it the engine's files are brought back into memory, where the machine has taken pages of them. The
order of the engines is drawn anew for each turn.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.engine._archive import SEED
from benchmarks.engine._memory import drop_from_cache, read_into_cache
from benchmarks.engine._peer import ENTRIES
from benchmarks.engine._questions import POINTS, SHARES, Question
from benchmarks.engine._work import Work
from benchmarks.engine._worker import Answer, Worker

TURN = 10
"""Timed questions of a turn."""

DEPTHS = (10, 100)
"""Numbers of rows that are asked for."""

SETTLING = 100
"""Questions without a filter, and as many of all kinds, after which memory is read and turns begin."""

THROUGHPUT_SECONDS = 4.0
"""For each engine, number of threads and kind of question."""

MIXED_SHARES = SHARES[1:4]
"""Selectivities that are drawn from for throughput under filters: 10 to 0.1 %."""

Say = Callable[[str], None]


@contextmanager
def _worker(work: Work, name: str) -> Iterator[Worker]:
    worker = Worker(work, name)
    try:
        yield worker
    finally:
        worker.close()


def open_cold(work: Work, names: Sequence[str], say: Say) -> None:
    """Measure, for each engine, a first answer with nothing of it in memory, and its memory after some answers."""
    questions = work.questions()
    found = work.read_if_there("cold")
    for name in names:
        drop_from_cache(work.files(name))
        with _worker(work, name) as worker:
            start = time.perf_counter()
            took = worker.call("open")
            took["first"] = worker.call("ask", [0], 10)[0][0]
            took["process"] = time.perf_counter() - start
            worker.call("ask", _settling(questions)[:: ENTRIES[name].every], 10)
            found[name] = {"took": took, "memory": worker.call("memory")}
        work.write("cold", found)
        say(f"cold {name}: {took['open'] + took['first']:.2f} s")


def _make_ready(work: Work, name: str, worker: Worker, questions: Sequence[Question]) -> None:
    """Bring an engine where it is after hours of service: nothing waits for the disk or is done for the first time."""
    worker.call("open")
    read_into_cache(work.files(name))
    worker.call("settle", _settling(questions))


def _settling(questions: Sequence[Question]) -> list[int]:
    """Questions without a filter, and of all kinds."""
    draw = random.Random(SEED)  # noqa: S311  # a fixed draw
    return [*range(SETTLING), *draw.sample(range(len(questions)), SETTLING)]


def take_turns(work: Work, names: Sequence[str], say: Say, *, share: int = 1) -> None:
    """Ask every engine the questions of every point, for 10 rows and for 100, and keep times and rows found.

    Args:
        work: The benchmark's folder.
        names: Engines.
        say: Told of each point.
        share: Ask only every ``share``-th turn.
    """
    questions = work.questions()
    lines: list[dict[str, Any]] = []
    draw = random.Random(SEED)  # noqa: S311  # the order must be the same in every run
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_worker(work, name)) for name in names}
        for name, worker in workers.items():
            _make_ready(work, name, worker, questions)
        # One depth after the other: an engine that keeps what a filter let through has forgotten it by then.
        for depth, point in product(DEPTHS, POINTS):
            numbers = [place for place, question in enumerate(questions) if (question.family, question.share) == point]
            draw.shuffle(numbers)
            turns = [numbers[start : start + TURN] for start in range(0, len(numbers), TURN)]
            for name, place, answer in _ask(turns, depth, workers, draw, share):
                lines.append(_line(name, depth, place, questions[place], answer))
            say(f"asked for {depth}: {point[0]} {point[1]:.2%}")
        memory = {name: worker.call("memory") for name, worker in workers.items()}
    work.write("memory", memory)
    pq.write_table(pa.Table.from_pylist(lines), work.results / "answers.parquet")


def _ask(
    turns: Sequence[Sequence[int]], depth: int, workers: dict[str, Worker], draw: random.Random, share: int
) -> Iterator[tuple[str, int, Answer]]:
    """Yield engine, question and answer."""
    for number in range(0, len(turns), share):
        names = [name for name in workers if number // share % ENTRIES[name].every == 0]
        draw.shuffle(names)
        for name in names:
            numbers = turns[number][: ENTRIES[name].questions]
            workers[name].call("warm")
            answers = workers[name].call("ask", [turns[number - 1][0], *numbers], depth)[1:]
            yield from zip([name] * len(numbers), numbers, answers, strict=True)


def _line(name: str, depth: int, place: int, question: Question, answer: Answer) -> dict[str, Any]:
    seconds, rows = answer
    best = question.best[:depth]
    return {
        "peer": name,
        "k": depth,
        "question": place,
        "family": question.family,
        "share": question.share,
        "kind": question.kind,
        "seconds": seconds,
        "found": len(set(rows) & set(best)),
        "wanted": len(best),
        "returned": len(set(rows)),
    }


def throughput(work: Work, names: Sequence[str], say: Say) -> None:
    """Measure questions answered a second, without a filter and with many kinds, on one thread and on two."""
    questions = work.questions()
    draw = random.Random(SEED)  # noqa: S311  # a fixed draw
    plain = [place for place, question in enumerate(questions) if question.family == "none"]
    mixed = [place for place, question in enumerate(questions) if question.share in MIXED_SHARES]
    draw.shuffle(mixed)
    found = work.read_if_there("throughput")
    for name in (name for name in names if ENTRIES[name].parallel):
        with _worker(work, name) as worker:
            _make_ready(work, name, worker, questions)
            found[name] = {
                f"{kind} {threads}": _a_second(worker, numbers, threads)
                for kind, numbers in (("plain", plain), ("mixed", mixed))
                for threads in (1, 2)
            }
        work.write("throughput", found)
        say(f"throughput {name}: {found[name]}")


def _a_second(worker: Worker, numbers: Sequence[int], threads: int) -> float:
    worker.call("warm")
    answered: float = worker.call("throughput", numbers, 10, threads, THROUGHPUT_SECONDS)
    return answered
