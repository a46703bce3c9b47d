"""The k best are the same in whatever chunks they come."""

import numpy as np
import pyarrow as pa
import pytest

from retriever._top_k import TopK

DIM = 32


def best(vectors: np.ndarray, query: np.ndarray, k: int, chunk: int, order: np.ndarray) -> list[str]:
    keeper = TopK(query, k)
    for start in range(0, len(order), chunk):
        rows = order[start : start + chunk]
        names = pa.array([f"t{row:05d}" for row in rows])
        keeper.offer(pa.array(rows.astype(np.uint64)), names, vectors[rows])
    ids, row_ids, scores = keeper.result()
    assert [f"t{row:05d}" for row in row_ids] == list(ids)
    assert (np.diff(scores) <= 0).all()
    return list(ids)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("k", [1, 10, 999, 3000])
def test_chunks_and_order_do_not_matter(dtype: type, k: int) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2000, DIM))
    # Every fourth is a copy and every fifth differs in the last bit, so that rounding would show.
    vectors[::4] = vectors[0]
    vectors[1::5] = vectors[0] * (1 + 1e-7 * rng.normal(size=(400, 1)))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(dtype)
    query = vectors[0].astype(np.float32)
    scores = (vectors.astype(np.float64) * query.astype(np.float64)).sum(axis=1).astype(np.float32)
    expected = [f"t{row:05d}" for row in sorted(range(2000), key=lambda row: (-scores[row], row))][:k]
    for chunk in (7, 256, 2000):
        assert best(vectors, query, k, chunk, rng.permutation(2000)) == expected
