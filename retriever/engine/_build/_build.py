"""Builds a snapshot of one version of the tile table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import InputError, rfc3339
from indexer import tile_schema, vector_matrix
from retriever._vector_index import Rows
from retriever.engine._arrays import SHARED, shared_arrays
from retriever.engine._build._folders import new_folder
from retriever.engine._build._lists import lists_for, train
from retriever.engine._build._shard import write_shard
from retriever.engine._build._write import write_array, write_layout
from retriever.engine._layout import FORMAT, Layout
from retriever.engine._open import centroid_scale
from retriever.engine._shard import Shared

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""

SHARD_ROWS = 4_000_000
"""Most rows of a shard."""

_SAMPLE = 262_144

_CLIPPED = 0.99995
"""Share of numbers that fit a byte of ``sq8``; the rest is clipped (measured with the prototype)."""


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
    progress: Progress | None = None,
) -> Layout:
    """Write a snapshot of these rows and make it the current one of the index.

    Args:
        rows: One version of the tile table.
        index_path: The index directory.
        shard_rows: Most rows of a shard.
        lists: Inverted lists, at most 65,535; None for as many as suit the number of rows.
        seed: Of the rotation and of the training.
        progress: Called with rows done and rows in all.

    Raises:
        StoreError: The rows cannot be read or the snapshot cannot be written; an older one stays in place.
    """
    table = _in_geographic_order(_all(rows))
    layout, shared = _plan(rows, table, lists, seed)
    with new_folder(index_path, rows.version) as folder:
        _write_shared(folder, layout, shared)
        entries = []
        for number, start in enumerate(range(0, len(table), shard_rows)):
            home = folder / f"{number:03d}"
            home.mkdir()
            entries.append(write_shard(home, table.slice(start, shard_rows), layout, shared))
            if progress:
                progress(min(start + shard_rows, len(table)), len(table))
        layout = replace(layout, shards=tuple(entries))
        write_layout(folder, layout)
    return layout


def _all(rows: VersionedRows) -> pa.Table:
    schema = tile_schema(rows.space, "float16")
    batches = list(rows.scan([name for name in schema.names if name != "preview"]))
    if not batches:
        raise InputError("there are no tiles to make a search snapshot of")
    return pa.Table.from_batches(batches)


def _in_geographic_order(table: pa.Table) -> pa.Table:
    cells = pc.fill_null(table["h3"], 0).to_numpy()
    dates = pc.fill_null(table["datetime"].cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
    return table.take(pa.array(np.lexsort((table["_rowid"].to_numpy(), dates, cells)))).combine_chunks()


def _plan(rows: VersionedRows, table: pa.Table, lists: int | None, seed: int) -> tuple[Layout, Shared]:
    vectors = vector_matrix(table["vector"])
    chosen = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:_SAMPLE])
    sample = vectors[chosen].astype(np.float32)
    lists = min(lists_for(len(table)) if lists is None else lists, len(sample))
    centroids = train(sample, lists, seed=seed)
    layout = Layout(
        format=FORMAT,
        version=rows.version,
        rows=len(table),
        dim=rows.space.dim,
        dtype=str(vectors.dtype),
        encoder=rows.space.encoder,
        revision=rows.space.revision,
        words=-(-rows.space.dim // 64),
        lists=lists,
        scale=float(127 / np.quantile(np.abs(sample), _CLIPPED)),
        sensors=_names(table["sensor"]),
        collections=_names(table["collection"]),
        shards=(),
        costs={},
        recall={},
        built=rfc3339(datetime.now(UTC)),
    )
    return layout, _shared(centroids, seed)


def _names(column: pa.ChunkedArray) -> tuple[str, ...]:
    """Distinct names, the most frequent first: those that do not fit a byte are the rare ones."""
    counts = column.value_counts().to_pylist()
    return tuple(entry["values"] for entry in sorted(counts, key=lambda entry: (-entry["counts"], entry["values"])))


def _shared(centroids: NDArray[np.float32], seed: int) -> Shared:
    from retriever.engine._kernels import rotation

    signs, shuffles = rotation(centroids.shape[1], seed)
    scale = centroid_scale(centroids)
    small = np.rint(centroids * scale).astype(np.int8)
    return Shared(centroids=centroids, centroids_i8=small, centroid_scale=scale, signs=signs, shuffles=shuffles)


def _write_shared(folder: Path, layout: Layout, shared: Shared) -> None:
    (folder / SHARED).mkdir()
    for name, spec in shared_arrays(layout, rounds=len(shared.signs)).items():
        write_array(folder / SHARED, name, getattr(shared, name), spec)
