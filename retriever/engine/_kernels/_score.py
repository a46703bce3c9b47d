"""Scores of given rows, or of all that pass, from the stored vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._columns import columns, fixed
from retriever.engine._kernels._dots import dot_stored, fetch_row
from retriever.engine._kernels._intrinsics import kernel, trailing_zeros
from retriever.engine._kernels._prepare import Prepared
from retriever.engine._kernels._scan import Found, Words, chosen_blocks, some_words
from retriever.engine._kernels._select import keep_largest, key_score, sort_key, unpack
from retriever.engine._layout import BLOCK
from retriever.engine._shard import Shard

_AHEAD = 6
"""Rows that are asked for before they are needed: about as many as memory delivers while one is scored."""


def score(prepared: Prepared, shard: Shard, rows: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the (n,) scores of (n,) rows by the stored vectors, in single precision."""
    scores = np.empty(len(rows), np.float32)
    score_stored(columns(shard).stored, prepared.query, fixed(rows), scores)
    return scores


def score_matrix(
    vectors: NDArray[np.floating[Any]], query: NDArray[np.float32], rows: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the (n,) scores of (n,) rows of a matrix, in single precision."""
    stored = fixed(vectors.view(np.uint16) if vectors.dtype == np.float16 else vectors)
    scores = np.empty(len(rows), np.float32)
    score_stored(stored, fixed(query), fixed(rows), scores)
    return scores


def score_all(
    prepared: Prepared,
    shard: Shard,
    words: Words | None,
    blocks: NDArray[np.int32] | None,
    *,
    keep: int,
    margin: float = 0.0,
) -> Found:
    """Score every row that passes by its stored vector, and return the best, best first.

    Args:
        prepared: The query.
        shard: Where to look.
        words: (n / 64,) bit r % 64 of word r // 64 tells whether row r passes; None: all do.
        blocks: Numbers of the blocks to look at; None: all.
        keep: Rows to return, at least 1; fewer only where fewer pass.
        margin: Rows within it of the last of those are returned too, however many they are: twice the rounding error of
            a score, and none is missed that is as good in exact arithmetic.

    Returns:
        Row numbers (int32) and scores (float32).
    """
    stored, bits, chosen = columns(shard).stored, some_words(words), chosen_blocks(blocks)
    keys = _score_all(stored, prepared.query, shard.rows, *chosen, bits, keep, np.float32(margin))
    rows, scores = np.empty(len(keys), np.int32), np.empty(len(keys), np.float32)
    unpack(keys, len(keys), rows, scores)
    return rows, scores


@kernel
def score_stored(stored, query, rows, scores):
    """Write the float32 score of each row."""
    for place in range(min(_AHEAD, rows.size)):
        fetch_row(stored, np.int64(rows[place]))
    for place in range(rows.size):
        if place + _AHEAD < rows.size:
            fetch_row(stored, np.int64(rows[place + _AHEAD]))
        scores[place] = dot_stored(stored, rows[place], query)


@kernel
def _score_all(stored, query, rows, chosen, every, words, keep, margin):
    keys = np.empty(2 * max(keep, BLOCK) + BLOCK, np.uint64)
    batch, scores = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.float32)
    count, threshold = 0, np.float32(-np.inf)
    for place in range((rows + BLOCK - 1) // BLOCK if every else chosen.size):
        block = place if every else np.int64(chosen[place])
        passing = rows_passing(words, block, rows, batch)
        score_stored(stored, query, batch[:passing], scores)
        for i in range(passing):
            if scores[i] >= threshold:
                keys[count] = sort_key(scores[i], batch[i])
                count += 1
        if count > keys.size - BLOCK:
            count, threshold = trim(keys, count, keep, margin)
            if count > keys.size - 2 * BLOCK:
                keys = _doubled(keys)
    count, threshold = trim(keys, count, keep, margin)
    return keys[:count]


@kernel
def rows_passing(words, block, rows, batch):
    """Write the numbers of the rows of a block that are there and pass; return how many."""
    begin, end, count = block * BLOCK, min((block + 1) * BLOCK, rows), 0
    if not words.size:
        for row in range(begin, end):
            batch[row - begin] = row
        return max(end - begin, 0)
    for word in range(begin >> 6, (end + 63) >> 6):
        bits = words[word]
        while bits:
            row = (word << 6) + np.int64(trailing_zeros(bits))
            bits &= bits - np.uint64(1)
            if row < rows:
                batch[count] = row
                count += 1
    return count


@kernel
def trim(keys, count, keep, margin):
    """Keep the ``keep`` best and those within ``margin`` of the last; return how many and the least score kept."""
    if count <= keep:
        return count, np.float32(-np.inf)
    keep_largest(keys, count, keep)
    threshold = key_score(keys[keep - 1]) - margin
    kept = keep
    for place in range(keep, count):
        if key_score(keys[place]) >= threshold:
            keys[kept] = keys[place]
            kept += 1
    return kept, threshold


@kernel
def _doubled(keys):
    wider = np.empty(2 * keys.size, np.uint64)
    wider[: keys.size] = keys
    return wider
