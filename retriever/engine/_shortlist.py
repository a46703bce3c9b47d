"""From candidates to an answer: exact scores of the stored vectors, ties by tile id.

Kernels score in float32 and round as they like, so their scores only choose candidates, with a margin wider than their
error; what stays is scored again in double precision as a flat index does it, and so comes out the same bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retriever._top_k import exact_scores, rounding_margin
from retriever.engine._shard import Shard

FEW_NAMES = 256
"""Names up to which reading them one by one is faster than Arrow: 5 microseconds instead of 40 for ten."""

EXACT_AT_ONCE = 8192
"""Rows scored in double precision at once: 50 MB of 768-d float64."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Rows of one shard that may be among the best."""

    shard: Shard
    """Where they are."""
    rows: NDArray[np.int32]
    """(n,) places in geographic order, in no order."""
    scores: NDArray[np.float32]
    """(n,) of the stored vectors, within ``rounding_margin``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shortlist:
    """The best rows, best first; equal scores by rising tile id."""

    rows: NDArray[np.int64]
    """(n,) ``Shard.first`` + place in geographic order."""
    row_ids: NDArray[np.uint64]
    """(n,) of the table."""
    tile_ids: tuple[str, ...]
    """n of them."""
    scores: NDArray[np.float32]
    """(n,) exact."""


def near_best(scores: NDArray[np.float32], k: int, margin: float) -> NDArray[np.intp]:
    """Return the places of the scores that may be among the k best, each being off by at most ``margin``."""
    if len(scores) <= k:
        return np.arange(len(scores))
    floor = np.partition(scores, len(scores) - k)[len(scores) - k] - 2 * margin
    return np.flatnonzero(scores >= floor)


def margin_of(query: NDArray[np.float32]) -> float:
    """Return a bound of the error of a float32 score of unit vectors with a query, whatever its length."""
    return rounding_margin(len(query)) * max(1.0, math.sqrt(query @ query))


def best_of(parts: Sequence[Candidates], query: NDArray[np.float32], k: int) -> Shortlist:
    """Return the k best of the candidates of all shards, scored exactly."""
    parts = [part for part in parts if len(part.rows)]
    if not parts:
        return _nothing()
    rough = parts[0].scores if len(parts) == 1 else np.concatenate([part.scores for part in parts])
    near = near_best(rough, k, margin_of(query))
    chosen = _split(parts, near)
    scores = np.concatenate([stored_scores(shard, rows, query) for shard, rows in chosen])
    return _ordered(chosen, scores, k)


def stored_scores(shard: Shard, rows: NDArray[np.int32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (n,) exact scores of rows, a part at a time."""
    if len(rows) <= EXACT_AT_ONCE:
        return exact_scores(shard.vectors[rows], query)
    starts = range(0, len(rows), EXACT_AT_ONCE)
    return np.concatenate([exact_scores(shard.vectors[rows[at : at + EXACT_AT_ONCE]], query) for at in starts])


def names_of(shard: Shard, rows: NDArray[np.int32]) -> list[str]:
    """Return the tile ids of rows."""
    column = shard.scalars.column("tile_id")
    if len(rows) <= FEW_NAMES and column.num_chunks == 1 and column.type == pa.string():
        return _read_names(column.chunk(0), rows.tolist())
    names: list[str] = column.take(pa.array(rows)).to_pylist()
    return names


def _read_names(column: pa.StringArray, rows: Sequence[int]) -> list[str]:
    _, places, texts = column.buffers()
    ends, bytes_ = memoryview(places).cast("i"), memoryview(texts)
    first = column.offset
    return [str(bytes_[ends[first + row] : ends[first + row + 1]], "utf-8") for row in rows]


def _split(parts: Sequence[Candidates], near: NDArray[np.intp]) -> list[tuple[Shard, NDArray[np.int32]]]:
    """The chosen places of the joined candidates as rows of each shard."""
    if len(parts) == 1:
        return [(parts[0].shard, parts[0].rows[near])]
    ends = np.cumsum([len(part.rows) for part in parts])
    places = np.split(near, np.searchsorted(near, ends[:-1]))
    starts = ends - [len(part.rows) for part in parts]
    return [(part.shard, part.rows[place - start]) for part, place, start in zip(parts, places, starts, strict=True)]


def _ordered(chosen: Sequence[tuple[Shard, NDArray[np.int32]]], scores: NDArray[np.float32], k: int) -> Shortlist:
    """The k best; names are read only of rows that are kept, or stand at the cut."""
    if len(scores) > k:
        kept = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
        chosen = _split([Candidates(shard=shard, rows=rows, scores=scores) for shard, rows in chosen], kept)
        scores = scores[kept]
    names = [name for shard, rows in chosen if len(rows) for name in names_of(shard, rows)]
    order = _order(scores, names)[:k]
    numbers = np.concatenate([rows.astype(np.int64) + shard.first for shard, rows in chosen])
    row_ids = np.concatenate([shard.row_ids[rows] for shard, rows in chosen])
    return Shortlist(
        rows=numbers[order],
        row_ids=row_ids[order],
        tile_ids=tuple([names[place] for place in order.tolist()]),
        scores=scores[order],
    )


def _order(scores: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.intp]:
    order = np.argsort(-scores)
    sorted_scores = scores[order]
    if not (sorted_scores[1:] == sorted_scores[:-1]).any():
        return order
    return np.array(sorted(range(len(names)), key=lambda place: (-scores[place], names[place])), dtype=np.intp)


def _nothing() -> Shortlist:
    return Shortlist(
        rows=np.array([], np.int64),
        row_ids=np.array([], np.uint64),
        tile_ids=(),
        scores=np.array([], np.float32),
    )
