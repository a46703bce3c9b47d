"""What the searches of a snapshot cost: each route timed at several sizes, when the snapshot is built."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import bitmap_of, rows_in
from retriever.engine._costs import FIELDS, Work
from retriever.engine._fit_probes import LEAST, Asking, fit_probes
from retriever.engine._layout import BLOCK
from retriever.engine._plan import Route
from retriever.engine._query import Query
from retriever.engine._recall import KS as KS_ASKED
from retriever.engine._recall import Exam, exams, marks
from retriever.engine._routes import Chosen, Reached, blocks_route, exact_route, probe, slice_route
from retriever.engine._sample_queries import left_out, text_queries
from retriever.engine._shard import Shard
from retriever.engine._sieve import ListTest, list_test

if TYPE_CHECKING:
    from retriever.engine._engine import Engine, Snapshot

QUERIES = 256
"""Of each kind, to see where the best rows lie: 2,560 of the 10 best ones, of which 5 may be missed."""

EXAMINED = 64
"""Of each kind, to see whether what was fitted finds enough."""

ENOUGH = 0.995
"""Recall that is aimed at in the worst case: more than TRUSTED, since other queries find a little less."""

WIDER = {"doubt": 1.1, "worth": 0.6, "probes": 1.15}
"""By how much the doubt, or what is worth a probe and how many those are, is multiplied where it does not find enough:
from 2.8e-4 to 2e-6, ten times this, the lists of 1 M x 384 grew from 55 to 193."""

TRIES = 8
"""How often it is."""

TIMED = 3
"""Queries each size of a route is timed with; the quickest counts, since others are disturbed."""

KS = (10, 100, 1_000)
"""Hits asked for where routes are timed."""

COUNTS = (100, 1_000, 10_000, 50_000)
"""Rows that pass where routes are timed."""

WINDOWS = (0.1, 0.01)
"""Parts of all time in which lists are timed."""

PROBES = (8, 32, 128, 512)
"""Lists opened where the route is timed."""

_Samples = dict[Route, list[tuple[Work, float]]]
"""Work that was done, and the nanoseconds it took."""


def fit_costs(engine: Engine, seed: int = 0) -> dict[str, float]:
    """Return what to write into ``Layout.costs``; see ``_costs.py``.

    Args:
        engine: Of the snapshot.
        seed: Of the queries and filters drawn.
    """
    rng = np.random.default_rng(seed)
    layout, shared = engine.snapshot.layout, engine.snapshot.shared
    if not layout.rows:
        return {}
    largest = max(range(len(layout.shards)), key=lambda number: layout.shards[number].rows)
    shard = engine.snapshot.shard(largest)
    vectors, others = left_out(shard, QUERIES, rng)
    some = [engine.query(each, 10) for each in vectors]
    texts = [engine.query(each, 10) for each in text_queries(shard, shared, QUERIES, rng)]
    asked = [Asking(queries=some, alive=others), Asking(queries=texts, alive=None)]
    test = list_test(some[0].sieve, shard)
    fitted = _widened(engine, fit_probes(asked, shard), rng) if layout.lists else {}
    samples: _Samples = {"exact": [], "slice": [], "blocks": [], "lists": []}
    for route, work, took in _timings(some, shard, test, rng):
        samples[route].append((work, took))
    for route, timed in samples.items():
        fitted |= _line(route, timed)
    return fitted


def _widened(engine: Engine, fitted: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    """Return doubt and what is worth a probe, multiplied until the routes find enough."""
    from retriever.engine._engine import Engine as Search  # which is built on what is fitted here

    asked = exams(engine, EXAMINED, rng)
    for _ in range(TRIES):
        search = Search(_Changed(engine.snapshot, fitted))
        narrow = [_too_narrow(marks(search, [exam]), exam) for exam in asked]
        asked = [exam for exam, depths in zip(asked, narrow, strict=True) if depths]
        if not asked:
            break
        fitted |= _multiplied(fitted, set().union(*narrow))
    return fitted


def _multiplied(fitted: Mapping[str, float], depths: set[int]) -> dict[str, float]:
    """The doubt (depth 0), or what was fitted for the nearest depths, a step wider."""
    known = [int(name.partition("@")[2]) for name in fitted if name.startswith("worth@")]
    near = {min(known, key=lambda other: abs(other - depth)) for depth in depths - {0}}
    names = {f"{name}@{depth}" for depth in near for name in ("worth", "probes")} | (
        {"doubt"} if 0 in depths else set()
    )
    wider = {name: fitted[name] * WIDER[name.partition("@")[0]] for name in names}
    return {name: max(value, LEAST) if name.startswith("worth") else value for name, value in wider.items()}


def _too_narrow(found: dict[str, float], exam: Exam) -> set[int]:
    """Return the depths at which lists miss too much; 0 where blocks, which look everywhere, do: it is the doubt."""
    depths: set[int] = set()
    for k in KS_ASKED:
        if found[f"blocks@{k}"] < ENOUGH:
            depths.add(0)
        elif found[f"lists@{k}"] < ENOUGH:
            depths.add(round(k / exam.share))
    return depths


class _Changed:
    """A snapshot that costs other than it says."""

    def __init__(self, snapshot: Snapshot, costs: dict[str, float]) -> None:
        self._snapshot = snapshot
        self.shared = snapshot.shared
        self.layout = replace(snapshot.layout, costs=costs)

    def shard(self, number: int) -> Shard:
        """Return the same shard."""
        return self._snapshot.shard(number)


def _timings(
    queries: list[Query], shard: Shard, test: ListTest, rng: np.random.Generator
) -> Iterator[tuple[Route, Work, float]]:
    """Each route at several sizes."""
    counts = sorted({min(count, shard.rows) for count in COUNTS})
    for count in counts:
        chosen = _scattered(shard, count, test, rng)
        yield "exact", *_timed(queries, partial(_exactly, shard, chosen))
        yield "slice", *_timed(queries, partial(_sliced, shard, _rows(chosen)))
    every = Chosen(words=None, blocks=None, count=shard.rows, sure=True, lists=test)
    areas = [every, *(_area(shard, count, test, rng) for count in counts)]
    for k in KS:
        for chosen in areas:
            yield "blocks", *_timed(queries, partial(_blocked, shard, chosen, k))
        for window in (every, *_windows(shard, test)):
            for lists in sorted({min(lists, queries[0].lists) for lists in PROBES} - {0}):
                yield "lists", *_timed(queries, partial(_listed, shard, window, k, lists))


def _windows(shard: Shard, test: ListTest) -> Iterator[Chosen]:
    """Ranges of time, which make lists short."""
    for share in WINDOWS:
        first, last = (int(shard.seconds[shard.by_time[int(shard.rows * at)]]) for at in (0.5 - share, 0.5))
        window = replace(test, first=first, last=last)
        yield Chosen(words=None, blocks=None, count=round(shard.rows * share), sure=True, lists=window)


def _exactly(shard: Shard, chosen: Chosen, query: Query) -> Reached:
    return exact_route(query, shard, chosen)


def _sliced(shard: Shard, rows: NDArray[np.int32], query: Query) -> Reached:
    return slice_route(query, shard, rows)


def _blocked(shard: Shard, chosen: Chosen, k: int, query: Query) -> Reached:
    return blocks_route(query.wider(k), shard, chosen)


def _listed(shard: Shard, chosen: Chosen, k: int, lists: int, query: Query) -> Reached:
    return probe(query.wider(k), shard, chosen, lists, 1.0)


def _rows(chosen: Chosen) -> NDArray[np.int32]:
    return np.empty(0, np.int32) if chosen.words is None else rows_in(chosen.words)


def _timed(queries: list[Query], run: Callable[[Query], Reached]) -> tuple[Work, float]:
    """The quickest of a few runs with different queries, after one that loads what it reads."""
    best, work = np.inf, Work()
    for query in queries[: TIMED + 1]:
        _ = query.prepared  # what all routes need is not timed
        start = time.perf_counter_ns()
        reached = run(query)
        took = time.perf_counter_ns() - start
        if query is not queries[0] and took < best:
            best, work = took, reached.work
    return work, float(best)


def _scattered(shard: Shard, count: int, test: ListTest, rng: np.random.Generator) -> Chosen:
    """Rows from everywhere, as a filter on time leaves them."""
    rows = rng.choice(shard.rows, count, replace=False)
    return _chosen(shard, rows, count, test)


def _area(shard: Shard, count: int, test: ListTest, rng: np.random.Generator) -> Chosen:
    """Rows side by side, as an area holds them."""
    start = int(rng.integers(0, shard.rows - count + 1))
    return _chosen(shard, np.arange(start, start + count), count, test)


def _chosen(shard: Shard, rows: NDArray[np.int64], count: int, test: ListTest) -> Chosen:
    words = bitmap_of(rows, -(-shard.rows // BLOCK) * BLOCK)
    blocks = np.unique(rows // BLOCK).astype(np.int32)
    return Chosen(words=words, blocks=blocks, count=count, sure=True, lists=test)


def _line(route: Route, timed: list[tuple[Work, float]]) -> dict[str, float]:
    """The constant and slopes whose relative errors are least; none is negative."""
    if not timed:
        return {}
    took = np.array([time for _, time in timed])
    columns = {"": np.ones(len(timed))} | {
        f".{name}": np.array([getattr(work, name) for work, _ in timed], float) for name in FIELDS
    }
    used = [name for name, column in columns.items() if column.any()]
    while used:
        matrix = np.stack([columns[name] / took for name in used], axis=1)
        slopes = np.linalg.lstsq(matrix, np.ones(len(timed)), rcond=None)[0]
        if (slopes >= 0).all():
            return {f"{route}{name}": 0.0 for name in columns} | {
                f"{route}{name}": float(slope) for name, slope in zip(used, slopes, strict=True)
            }
        used.pop(int(slopes.argmin()))
    return {}
