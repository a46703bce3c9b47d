"""The kernels of the search engine beside those of FAISS and SimSIMD: the same work on the same random rows.

    python -m benchmarks.kernels --rows 1000000 --dim 512

Prints a table in Markdown: nanoseconds a row, least of many runs in processor time of the thread, so that other
programs disturb little. Needs ``pip install 'swath[bench]'``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels import Prepared, encode, interleave, prepare, rotation, scan_blocks, score
from retriever.engine._layout import BLOCK, FORMAT, Layout
from retriever.engine._shard import Shard, Shared

CANDIDATES = 300
"""Rows rescored at once: as many as a search for ten keeps."""

_RUNS = 40
_AT_ONCE = 50_000


def main() -> None:
    """Make rows, time every kernel, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    chosen = parser.parse_args()
    sys.stdout.write("| work | kernel | ns a row |\n|---|---|--:|\n")
    for work, kernel, nanoseconds in measured(chosen.rows, chosen.dim):
        sys.stdout.write(f"| {work} | {kernel} | {nanoseconds:.2f} |\n")


def measured(rows: int, dim: int) -> Iterator[tuple[str, str, float]]:
    """Yield what was done, by what, and nanoseconds a row."""
    vectors = np.random.default_rng(0).standard_normal((rows, dim), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    query = vectors[7] + vectors[8]
    shard, prepared = _shard(vectors, query)
    yield "1-bit scan", "Swath (numba)", least(lambda: scan_blocks(prepared, shard, None, None, CANDIDATES)) / rows
    for name, scan in _faiss_scans(vectors, query):
        yield "1-bit scan", name, least(scan, runs=5) / rows
    yield from _rescoring(shard, prepared)


def least(work: Callable[[], Any], runs: int = _RUNS) -> float:
    """Return the least nanoseconds of several runs."""
    taken = []
    for _ in range(runs):
        start = time.thread_time_ns()
        work()
        taken.append(time.thread_time_ns() - start)
    return min(taken)


def _rescoring(shard: Shard, prepared: Prepared) -> Iterator[tuple[str, str, float]]:
    """Rows all over the column, others every time: they come from memory, not from a cache."""
    import simsimd

    random = np.random.default_rng(1)
    small, halves_of_query = _bytes(shard.vectors), prepared.query.astype(np.float16)[None]
    bytes_of_query = _bytes(prepared.query[None])

    def rows() -> NDArray[np.int32]:
        return random.choice(shard.rows, CANDIDATES, replace=False).astype(np.int32)

    kernels: list[tuple[str, str, Callable[[NDArray[np.int32]], Any]]] = [
        ("300 rows of bytes", "SimSIMD, gathered by numpy",
         lambda some: simsimd.cdist(bytes_of_query, small[some], metric="inner")),
        ("300 rows of halves", "Swath (numba)", lambda some: score(prepared, shard, some)),
        ("300 rows of halves", "SimSIMD, gathered by numpy",
         lambda some: simsimd.cdist(halves_of_query, shard.vectors[some], metric="inner")),
        ("300 rows of halves", "numpy in float32", lambda some: shard.vectors[some].astype("f4") @ prepared.query),
    ]  # fmt: skip
    for work, name, kernel in kernels:
        chosen = [rows() for _ in range(_RUNS)]
        taken = [least(lambda some=some, kernel=kernel: kernel(some), runs=1) for some in chosen]  # type: ignore[misc]
        yield work, name, float(np.median(taken)) / CANDIDATES


def _faiss_scans(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Flat scans of codes about as small as ours."""
    import faiss

    faiss.omp_set_num_threads(1)
    dim = vectors.shape[1]
    for name, kind in (("FAISS RaBitQ", "RaBitQ"), ("FAISS PQ fast scan, a bit a number", f"PQ{dim // 4}x4fs")):
        index = faiss.index_factory(dim, kind, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors[:_AT_ONCE])
        for start in range(0, len(vectors), _AT_ONCE):
            index.add(vectors[start : start + _AT_ONCE])
        yield name, lambda index=index: index.search(query[None], CANDIDATES)  # type: ignore[misc]


def _shard(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> tuple[Shard, Prepared]:
    """What the kernels need of a snapshot, in memory: one list, its centroid the mean."""
    rows, dim = vectors.shape
    signs, shuffles = rotation(dim)
    mean = vectors.mean(axis=0, keepdims=True)
    scale = 127 / float(np.abs(mean).max())
    shared = Shared(
        centroids=mean, centroids_i8=np.rint(mean * scale).astype(np.int8), centroid_scale=scale,
        spreads=np.zeros(1, np.float32), signs=signs, shuffles=shuffles,
    )  # fmt: skip
    codes, factors, offsets, ones = encode(vectors, np.zeros(rows, np.uint16), shared)
    length = -(-rows // BLOCK) * BLOCK
    columns: dict[str, Any] = dict.fromkeys(Shard.__dataclass_fields__, np.empty(0))
    columns |= {
        "rows": rows, "first": 0, "factors": np.resize(factors, length), "offsets": np.resize(offsets, length),
        "ones": np.resize(ones, length), "list_of": np.zeros(length, np.uint16),
        "codes": interleave(np.resize(codes, (length, codes.shape[1]))), "vectors": vectors.astype(np.float16),
    }  # fmt: skip
    layout = Layout(
        format=FORMAT, version=1, rows=rows, dim=dim, dtype="float16", encoder="", revision="", words=-(-dim // 64),
        lists=0, sensors=(), collections=(), shards=(), costs={}, recall={}, built="",
    )  # fmt: skip
    return Shard(**columns), prepare(query.astype(np.float32), shared, layout)


def _bytes(vectors: NDArray[np.floating[Any]]) -> NDArray[np.int8]:
    """The same vectors in 8 bits a number."""
    fine = 127 / float(np.quantile(np.abs(vectors[:_AT_ONCE]), 0.9999))
    small: NDArray[np.int8] = np.clip(np.rint(vectors * fine), -127, 127).astype(np.int8)
    return small


if __name__ == "__main__":
    main()
