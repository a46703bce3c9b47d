"""One engine in one process: opened once, then asked over a pipe, a turn at a time."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks.engine._memory import Memory, keep_in_memory, memory, read_into_cache
from benchmarks.engine._peer import ENTRIES, Peer
from benchmarks.engine._questions import Question
from benchmarks.engine._work import Work

ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "RAYON", "NUMBA", "LANCE_CPU", "LANCE_IO")
"""Libraries whose threads are limited through the environment, as NAME_NUM_THREADS or NAME_THREADS."""

Answer = tuple[float, list[int]]
"""Seconds and rows."""


class Worker:
    """A process that answers for one engine, in which everything runs on one thread unless asked otherwise.

    Args:
        work: The benchmark's folder.
        name: Of the peer.
    """

    def __init__(self, work: Work, name: str) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        with _one_thread():
            self._process = context.Process(target=_serve, args=(theirs, work, name), daemon=True)
            self._process.start()
        theirs.close()

    def call(self, order: str, *values: Any) -> Any:
        """Carry out a method of ``_Session`` there.

        Raises:
            RuntimeError: The process ended.
        """
        self._pipe.send((order, values))
        try:
            return self._pipe.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"an engine's process ended with exit code {self._process.exitcode}") from None

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=30)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


@contextmanager
def _one_thread() -> Any:
    """Limit libraries to one thread in processes started meanwhile."""
    names = [f"{library}_{ending}" for library in ONE_THREAD for ending in ("NUM_THREADS", "THREADS")]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection, work: Work, name: str) -> None:
    session = _Session(work, name)
    while True:
        try:
            order, values = pipe.recv()
        except EOFError:
            return
        pipe.send(getattr(session, order)(*values))


class _Session:
    """What can be asked of a worker; each public method is an order."""

    def __init__(self, work: Work, name: str) -> None:
        self._work = work
        self._name = name
        self._peer: Peer
        self._empty: Memory

    def open(self) -> dict[str, float]:
        """Import the library, open the index; return the seconds of each."""
        start = time.perf_counter()
        self._peer = ENTRIES[self._name].make()
        imported = time.perf_counter()
        self._archive = self._work.archive()
        self._questions = self._work.questions()
        self._empty = memory()
        ready = time.perf_counter()
        self._peer.open(self._archive, self._work.index(self._name))
        opened = time.perf_counter()
        return {"import": imported - start, "open": opened - ready}

    def settle(self, numbers: Sequence[int]) -> None:
        """Answer questions that are not timed, and keep the garbage collector from looking at what was opened."""
        self.ask(numbers, 10)
        gc.collect()
        gc.freeze()

    def warm(self) -> None:
        """Bring the files of the index into memory: those that are mapped, or those that are read at each search."""
        files = self._work.files(self._name)
        if not keep_in_memory(files) and ENTRIES[self._name].reads:
            read_into_cache(files)

    def ask(self, numbers: Sequence[int], k: int) -> list[Answer]:
        """Answer questions, one after the other."""
        return [self._ask(self._questions[number], k) for number in numbers]

    def memory(self) -> dict[str, int]:
        """Bytes beyond those of this process before it opened the index."""
        return memory().beyond(self._empty)

    def throughput(self, numbers: Sequence[int], k: int, threads: int, seconds: float) -> float:
        """Questions answered a second by some threads that each take the next one."""
        stop = time.perf_counter() + seconds
        places = count()

        def work() -> int:
            done = 0
            while time.perf_counter() < stop:
                self._ask(self._questions[numbers[next(places) % len(numbers)]], k)
                done += 1
            return done

        start = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            done = sum(future.result() for future in [pool.submit(work) for _ in range(threads)])
        return done / (time.perf_counter() - start)

    def _ask(self, question: Question, k: int) -> Answer:
        query = self._archive.queries[question.query]
        start = time.perf_counter()
        rows = self._peer.search(query, k, question.where)
        return time.perf_counter() - start, np.asarray(rows).tolist()
