"""Builds a snapshot of one version of the tile table: look, spread, train, then sort, code and write shard by shard.

Memory is bounded whatever the size of the archive: a few times what SPREAD_ROWS and a bucket hold, and about 150 bytes
for each row of one shard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core import rfc3339
from indexer import tile_schema
from retriever._vector_index import Rows
from retriever.engine._arrays import SHARED, shared_arrays
from retriever.engine._build._folders import new_folder
from retriever.engine._build._lists import LEAST_LISTED, LEAST_SAMPLE, Nearest, lists_for, sample_size, train
from retriever.engine._build._jobs import RunJobs, one_by_one, with_shards
from retriever.engine._build._spool import Spool, pieces
from retriever.engine._build._survey import BUCKET_ROWS, Survey, survey
from retriever.engine._build._write import write_array, write_layout
from retriever.engine._layout import FORMAT, Layout
from retriever.engine._open import centroid_scale, open_snapshot
from retriever.engine._shard import Shared
from retriever.engine._sums import write_sums

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""

SHARD_ROWS = 4_000_000
"""Most rows of a shard."""

class VersionedRows(Rows, Protocol):
    """Rows that know which version of the tile table they are."""

    @property
    def version(self) -> int:
        """Rises with every change."""
        ...


def build_snapshot(
    rows: VersionedRows,
    index_path: Path,
    *,
    shard_rows: int = SHARD_ROWS,
    lists: int | None = None,
    seed: int = 0,
    bucket_rows: int = BUCKET_ROWS,
    progress: Progress | None = None,
    run: RunJobs = one_by_one,
) -> Layout:
    """Write a snapshot of these rows and make it the current one of the index.

    Args:
        rows: One version of the tile table.
        index_path: The index directory.
        shard_rows: Most rows of a shard.
        lists: Inverted lists, at most 65,535; None for as many as suit the number of rows.
        seed: Of the rotation, the sample and the training.
        bucket_rows: Rows sorted in memory at once, about.
        progress: Called with rows done and rows in all; each row is counted twice, read and written.
        run: Writes the shards.

    Raises:
        InputError: There are no rows.
        StoreError: The rows cannot be read or the snapshot cannot be written; an older one stays in place.
    """
    seen = survey(rows, bucket_rows=bucket_rows)
    lists = min(lists_for(seen.rows) if lists is None else lists, seen.rows)
    report = Report(progress, 2 * seen.rows)
    with new_folder(index_path, rows.version) as folder:
        spool = Spool(folder / "spool", seen.borders)
        sample = spread(rows, spool, _chosen(seen.rows, sample_size(lists), seed), report.add)
        layout = _layout(rows, seen, sample, lists)
        shared = _shared(sample.astype(np.float32), lists, seed)
        _write_shared(folder, layout, shared)
        layout = with_shards(folder, spool.finish(), layout, shared, shard_rows=shard_rows, report=report.add, run=run)
        write_layout(folder, layout)
        if layout.rows >= LEAST_LISTED:
            layout = _measured(folder, layout, seed)
            write_layout(folder, layout)
    return layout


def _measured(folder: Path, layout: Layout, seed: int) -> Layout:
    """The layout with what searches of this snapshot cost on this machine, and how much they find."""
    from retriever.engine._engine import Engine
    from retriever.engine._fit import fit_costs
    from retriever.engine._recall import measure_recall

    fitted = replace(layout, costs=fit_costs(Engine(open_snapshot(folder)), seed))
    write_layout(folder, fitted)  # recall is measured along the routes that these costs choose
    return replace(fitted, recall=measure_recall(Engine(open_snapshot(folder)), seed))


class Report:
    """Adds up rows for the caller."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def add(self, rows: int) -> None:
        self._done += rows
        if self._progress:
            self._progress(self._done, self._total)


def stored_columns(rows: Rows) -> list[str]:
    """Return the columns of the tile table that a snapshot is made from."""
    return [name for name in tile_schema(rows.space, "float32").names if name != "preview"]


def _chosen(rows: int, number: int, seed: int) -> NDArray[np.int64]:
    """Row numbers of the sample, rising."""
    chosen: NDArray[np.int64] = np.sort(np.random.default_rng(seed).choice(rows, min(number, rows), replace=False))
    return chosen


def spread(
    rows: Rows, spool: Spool, chosen: NDArray[np.int64], report: Callable[[int], None]
) -> NDArray[np.floating[Any]]:
    """Spread all rows over a spool; return the vectors of those whose numbers, rising, are chosen."""
    sample, start = [], 0
    for piece in pieces(rows, stored_columns(rows)):
        spool.add(piece)
        first, last = np.searchsorted(chosen, [start, start + len(piece)])
        sample.append(piece.vectors[chosen[first:last] - start])
        start += len(piece)
        report(len(piece))
    return np.concatenate(sample)


def _layout(rows: VersionedRows, seen: Survey, sample: NDArray[np.floating[Any]], lists: int) -> Layout:
    return Layout(
        format=FORMAT,
        version=rows.version,
        rows=seen.rows,
        dim=rows.space.dim,
        dtype=str(sample.dtype),
        encoder=rows.space.encoder,
        revision=rows.space.revision,
        words=-(-rows.space.dim // 64),
        lists=lists,
        sensors=seen.sensors,
        collections=seen.collections,
        shards=(),
        costs={},
        recall={},
        built=rfc3339(datetime.now(UTC)),
    )


def _shared(sample: NDArray[np.float32], lists: int, seed: int) -> Shared:
    from retriever.engine._kernels import rotation, spreads

    centroids = train(sample, lists, seed=seed)
    signs, shuffles = rotation(centroids.shape[1], seed)
    scale = centroid_scale(centroids)
    return Shared(
        centroids=centroids,
        centroids_i8=np.rint(centroids * scale).astype(np.int8),
        centroid_scale=scale,
        spreads=spreads(sample, Nearest(centroids).of(sample), centroids),
        signs=signs,
        shuffles=shuffles,
    )


def _write_shared(folder: Path, layout: Layout, shared: Shared) -> None:
    (folder / SHARED).mkdir()
    for name, spec in shared_arrays(layout, rounds=len(shared.signs)).items():
        write_array(folder / SHARED, name, getattr(shared, name), spec)
    write_sums(folder / SHARED)
