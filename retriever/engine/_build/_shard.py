"""Writes the files of one shard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer import vector_matrix
from retriever.engine._arrays import padded, shard_arrays
from retriever.engine._build._columns import Columns, columns_of_rows
from retriever.engine._build._lists import ListOrder, assign, list_order
from retriever.engine._build._write import scalars_of, write_array, write_scalars
from retriever.engine._build._zones import zones
from retriever.engine._layout import UNDATED, UNKNOWN, Layout, ShardEntry
from retriever.engine._shard import Shared

_LAST = 2**31 - 1
_ENCODED_AT_ONCE = 65_536


def write_shard(folder: Path, rows: pa.Table, layout: Layout, shared: Shared) -> ShardEntry:
    """Write a shard of rows in geographic order to a folder; return what the planner sees of it."""
    columns = columns_of_rows(rows, sensors=layout.sensors, collections=layout.collections)
    vectors = vector_matrix(rows["vector"])
    codes, list_of, small = _codes(vectors, layout, shared)
    order = list_order(list_of, columns.seconds, layout.lists)
    entry = _entry(folder.name, columns, layout, slots=int(order.starts[-1]))
    arrays = _geographic(columns, codes, list_of) | _listed(columns, codes, order)
    arrays |= {
        "by_time": np.argsort(columns.seconds, kind="stable").astype(np.int32),
        "sq8": small,
        "vectors": vectors,
        "row_ids": rows["_rowid"].to_numpy(),
        "cells": columns.cells,
    }
    for name, spec in shard_arrays(layout, entry).items():
        write_array(folder, name, arrays[name], spec)
    write_scalars(folder, scalars_of(rows, {"sensor": layout.sensors, "collection": layout.collections}))
    return entry


def _codes(
    vectors: NDArray[Any], layout: Layout, shared: Shared
) -> tuple[dict[str, NDArray[Any]], NDArray[np.uint16], NDArray[np.int8]]:
    from retriever.engine._kernels import encode

    parts, lists, small = [], [], []
    for start in range(0, len(vectors), _ENCODED_AT_ONCE):
        part = vectors[start : start + _ENCODED_AT_ONCE].astype(np.float32)
        lists.append(assign(part, shared.centroids))
        parts.append(encode(part, lists[-1], shared))
        small.append(np.clip(np.rint(part * layout.scale), -127, 127).astype(np.int8))
    codes = [np.concatenate(column) for column in zip(*parts, strict=True)]
    named = dict(zip(("codes", "factors", "errors", "ones"), codes, strict=True))
    return named, np.concatenate(lists), np.concatenate(small)


def _geographic(
    columns: Columns, codes: dict[str, NDArray[Any]], list_of: NDArray[np.uint16]
) -> dict[str, NDArray[Any]]:
    from retriever.engine._kernels import interleave

    rows = len(columns.seconds)
    length = padded(rows)
    filters: dict[str, NDArray[Any]] = {
        "seconds": _pad(columns.seconds, length, UNDATED),
        "sensor": _pad(columns.sensor, length, UNKNOWN),
        "collection": _pad(columns.collection, length, UNKNOWN),
        "cloud": _pad(columns.cloud, length, UNKNOWN),
        "flags": _pad(columns.flags, length, 0),
        "bounds": np.stack([_pad(side, length, np.nan) for side in columns.bounds]),
    }
    ranked = {name: _pad(values, length, 0) for name, values in codes.items()}
    ranked["codes"] = interleave(ranked["codes"])
    zoned = zones(**filters, cells=_pad(columns.cells, length, 0), rows=rows)
    return filters | ranked | zoned | {"list_of": _pad(list_of, length, 0)}


def _listed(columns: Columns, codes: dict[str, NDArray[Any]], order: ListOrder) -> dict[str, NDArray[Any]]:
    from retriever.engine._kernels import interleave

    there = order.rows >= 0
    source = codes | {"seconds": columns.seconds, "sensor": columns.sensor}
    empty = {"seconds": _LAST, "sensor": UNKNOWN}
    arrays = {
        f"list_{name}": _ordered(values, order.rows, there, empty.get(name, 0)) for name, values in source.items()
    }
    arrays["list_codes"] = interleave(arrays["list_codes"])
    return arrays | {"list_starts": order.starts, "list_sizes": order.sizes, "list_rows": order.rows}


def _ordered(values: NDArray[Any], rows: NDArray[np.int32], there: NDArray[np.bool_], empty: int) -> NDArray[Any]:
    found = np.full((len(rows), *values.shape[1:]), empty, values.dtype)
    found[there] = values[rows[there]]
    return found


def _pad(values: NDArray[Any], length: int, filling: float) -> NDArray[Any]:
    found = np.full((length, *values.shape[1:]), filling, values.dtype)
    found[: len(values)] = values
    return found


def _entry(name: str, columns: Columns, layout: Layout, *, slots: int) -> ShardEntry:
    dated = columns.seconds[columns.seconds != UNDATED]
    return ShardEntry(
        folder=name,
        rows=len(columns.seconds),
        slots=slots,
        bounds=_around(columns.bounds[:, ~np.isnan(columns.bounds[0])]),
        seconds=(int(dated.min()), int(dated.max())) if len(dated) else None,
        dated=len(dated),
        sensors=_counts(columns.sensor, len(layout.sensors)),
        collections=_counts(columns.collection, len(layout.collections)),
    )


def _around(bounds: NDArray[np.float32]) -> tuple[float, float, float, float] | None:
    if not bounds.shape[1]:
        return None
    west, south, east, north = bounds
    low, high = float(south.min()), float(north.max())
    if (west > east).any():
        return -180.0, low, 180.0, high
    return float(west.min()), low, float(east.max()), high


def _counts(places: NDArray[np.uint8], names: int) -> tuple[int, ...]:
    """Rows at each place; where there are more names than places, the last counts those of all others."""
    return tuple(np.bincount(places, minlength=min(names, UNKNOWN + 1)).tolist())
