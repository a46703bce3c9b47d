"""Counts over all rows that pass, from a snapshot: what ``retriever._facets`` counts by reading the table.

Cells are counted as runs, because rows lie in their order; names by their places; dates and shares bin by bin.
Where scores are needed every passing row is scored in single precision, and those too near a limit again in double.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retriever._expression import Expression
from retriever._facet_tallies import Cells, Dates, Names, Shares, Tally, Times, parent_bits
from retriever._facets import FacetRequest, Facets, Scoring, tally_rows
from retriever._top_k import exact_scores
from retriever.engine._least import least_scores
from retriever.engine._shard import Shard
from retriever.engine._shortlist import margin_of
from retriever.engine._sieve import Sieve, may_match, passing, sieve_of
from retriever.engine._state import State

if TYPE_CHECKING:
    from retriever.engine._kernels import Prepared

_LATEST = 2**63 - 1


@dataclass(frozen=True, kw_only=True, eq=False)
class _Counted:
    """The rows of a shard that are to be counted."""

    shard: Shard
    """Where they are."""
    rows: NDArray[np.int32]
    """(n,) rising."""
    words: NDArray[np.uint64]
    """The same as a bitmap."""
    scores: NDArray[np.float32] | None
    """(n,) within -1 to 1; None where nothing was asked for."""


def count_in_state(state: State, wanted: FacetRequest, where: Expression | None, scoring: Scoring | None) -> Facets:
    """Count the tiles of one version of the table that pass a filter: those of the snapshot, and newer ones.

    Args:
        state: The snapshot as seen from that version.
        wanted: What is to be counted.
        where: A filter; None for all tiles.
        scoring: What to score tiles against; None reads no vectors.

    Raises:
        QueryError: More cells than one answer holds.
        StoreError: The index cannot be read.
    """
    snapshot, tallies = state.opened.engine.snapshot, wanted.tallies()
    sieve, matched = sieve_of(where, snapshot.layout), 0
    prepared = None if scoring is None else _prepared(state, scoring)
    for number, entry in enumerate(snapshot.layout.shards):
        if may_match(sieve, entry):
            alive = None if state.alive is None else state.alive[number]
            found = _passing(sieve, snapshot.shard(number), alive)
            found = found if scoring is None or prepared is None else _good_enough(found, scoring, prepared)
            matched += len(found.rows)
            for tally in tallies.values():
                _feed(tally, found)
    matched += tally_rows(state.delta, tallies, where, scoring)
    return Facets(matched=matched, counted={name: tally.result() for name, tally in tallies.items()})


def _prepared(state: State, scoring: Scoring) -> Prepared:
    from retriever.engine._kernels import prepare  # imports numba

    snapshot = state.opened.engine.snapshot
    return prepare(scoring.vector, snapshot.shared, snapshot.layout)


def _passing(sieve: Sieve, shard: Shard, alive: NDArray[np.uint64] | None) -> _Counted:
    from retriever.engine._kernels._sieve import listed  # imports numba

    found = passing(sieve, shard, exact=True, alive=alive)
    rows = np.empty(found.count, dtype=np.int32)
    listed(found.words, rows)
    return _Counted(shard=shard, rows=rows, words=found.words, scores=None)


def _good_enough(found: _Counted, scoring: Scoring, prepared: Prepared) -> _Counted:
    """The rows whose score is good enough; those near the least one are scored again in full, as a search does."""
    from retriever.engine._kernels import score
    from retriever.engine._kernels._facets import judge
    from retriever.engine._kernels._sieve import mark

    shard, rows = found.shard, found.rows
    scores = score(prepared, shard, rows)
    if scoring.keeps is None:
        return _Counted(shard=shard, rows=rows, words=found.words, scores=np.clip(scores, -1, 1))
    names, places = _names(shard, "sensor")
    least = least_scores(scoring.keeps, names, np.flatnonzero(_counts(places, rows, len(names))))
    verdicts = np.empty(len(rows), dtype=np.uint8)
    judge(scores, rows, places, least, np.float32(margin_of(scoring.vector)), verdicts)
    doubtful = np.flatnonzero(verdicts == 1)
    scores[doubtful] = exact_scores(shard.vectors[rows[doubtful]], scoring.vector)
    verdicts[doubtful] = scores[doubtful] >= least[places[rows[doubtful]]]
    kept = np.flatnonzero(verdicts)
    words = np.zeros_like(found.words)
    mark(rows[kept], words)
    return _Counted(shard=shard, rows=rows[kept], words=words, scores=np.clip(scores[kept], -1, 1))


def _feed(tally: Tally, found: _Counted) -> None:
    """Count rows by one of their properties."""
    column = found.shard.scalars[tally.column]
    if isinstance(tally, Times):
        _feed_times(tally, found)
    elif isinstance(tally, Cells):
        _feed_cells(tally, found)
    elif isinstance(tally, Shares):
        _feed_shares(tally, found)
    elif isinstance(tally, Names) and pa.types.is_dictionary(column.type):
        names, places = _names(found.shard, tally.column)
        counts = _counts(places, found.rows, len(names))
        present = np.flatnonzero(counts)
        tally.put([names[place] for place in present], counts[present].tolist(), unknown=0)
    else:
        tally.add(_taken(column, found.rows), found.scores)


def _feed_times(tally: Times, found: _Counted) -> None:
    from retriever.engine._kernels._facets import count_bins, extremes

    values, known, rows = *_values(found.shard.scalars[tally.column], np.int64), found.rows
    ends = np.array([_LATEST, -_LATEST])
    unknown = extremes(values, known, rows, ends)

    def count(edges: NDArray[np.int64]) -> NDArray[np.int64]:
        counts = np.zeros(len(edges) - 1, dtype=np.int64)
        count_bins(values, known, rows, edges, counts)
        return counts

    first, last = ends.tolist()
    tally.defer(Dates(first=first, last=last, count=count) if unknown < len(rows) else None, unknown=unknown)


def _feed_shares(tally: Shares, found: _Counted) -> None:
    from retriever.engine._kernels._facets import count_bins

    values, known = _values(found.shard.scalars[tally.column], np.float64)
    counts = np.zeros(len(tally.edges) - 1, dtype=np.int64)
    unknown = count_bins(values, known, found.rows, tally.edges, counts)
    tally.put(counts, unknown=unknown)


def _values(column: pa.ChunkedArray, dtype: type[np.generic]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The numbers of a column as they lie in memory, and whether each is one."""
    whole = _whole(column)
    numbers = np.frombuffer(whole.buffers()[1] or b"", dtype=dtype)[whole.offset : whole.offset + len(whole)]
    return numbers, whole.is_valid().to_numpy(zero_copy_only=False)


def _feed_cells(tally: Cells, found: _Counted) -> None:
    from retriever.engine._kernels._facets import count_cells

    size, scored = len(found.rows), found.scores is not None
    cells, counts, best = np.empty(size, np.uint64), np.empty(size, np.int64), np.empty(size, np.float32)
    scores = found.scores if found.scores is not None else np.empty(0, np.float32)
    number, unknown = count_cells(
        found.shard.cells, found.rows, scores, *parent_bits(tally.resolution), cells, counts, best
    )
    tally.put(cells[:number], counts[:number], best[:number] if scored else None, unknown=unknown)


def _names(shard: Shard, column: str) -> tuple[list[str], NDArray[np.int32]]:
    """The names in a column, and each row's place among them."""
    whole = _whole(shard.scalars[column])
    names: list[str] = whole.dictionary.to_pylist()
    return names, whole.indices.to_numpy()


def _counts(places: NDArray[np.int32], rows: NDArray[np.int32], names: int) -> NDArray[np.int64]:
    from retriever.engine._kernels._facets import count_places

    counts = np.zeros(names, dtype=np.int64)
    count_places(places, rows, counts)
    return counts


def _taken(column: pa.ChunkedArray, rows: NDArray[np.int32]) -> pa.Array:
    whole = _whole(column)
    return whole if len(rows) == len(whole) else whole.take(pa.array(rows))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
