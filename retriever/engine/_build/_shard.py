"""Writes the files of one shard from rows that arrive in geographic order.

What is as long as a vector goes to its file at once; what is a few bytes a row is gathered in memory, about 150 bytes a
row at 384 numbers, and written in both orders at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import StoreError
from retriever.engine._arrays import array_file, padded, shard_arrays
from retriever.engine._build._codes import Coder
from retriever.engine._build._columns import Columns, columns_of_rows
from retriever.engine._build._entry import entry_of
from retriever.engine._build._lists import ListOrder, list_order
from retriever.engine._build._scalars import ScalarsWriter
from retriever.engine._build._spool import Piece
from retriever.engine._build._write import append_array, write_array
from retriever.engine._build._zones import zones
from retriever.engine._layout import UNDATED, UNKNOWN, Layout, ShardEntry
from retriever.engine._sums import write_sums

_Arrays = dict[str, NDArray[Any]]

_LAST_SECOND = 2**31 - 1
"""In the padding of a list, so that its seconds rise to the end."""

_CODED = ("codes", "factors", "offsets", "ones")
_STREAMED = ("vectors", "row_ids", "cells")


class ShardWriter:
    """Writes a shard.

    Args:
        folder: Made here; its name is the shard's.
        layout: Of the snapshot; its shards are not looked at.
        coder: For its vectors.
    """

    def __init__(self, folder: Path, layout: Layout, coder: Coder) -> None:
        folder.mkdir()
        self._folder = folder
        self._layout = layout
        self._coder = coder
        self._columns: list[Columns] = []
        self._coded: list[_Arrays] = []
        self._streams = {name: array_file(folder, name).open("wb") for name in _STREAMED}
        self._scalars = ScalarsWriter(folder, {"sensor": layout.sensors, "collection": layout.collections})

    def add(self, piece: Piece) -> None:
        """Add rows that come after those already there."""
        columns = columns_of_rows(piece.columns, sensors=self._layout.sensors, collections=self._layout.collections)
        coded = self._coder.code(piece.vectors)
        streamed = (piece.vectors, piece.columns["_rowid"].to_numpy(), columns.cells)
        for name, values in zip(_STREAMED, streamed, strict=True):
            append_array(self._streams[name], values)
        self._scalars.add(piece.columns)
        self._columns.append(columns)
        self._coded.append({name: getattr(coded, name) for name in (*_CODED, "list_of")})

    def finish(self) -> ShardEntry:
        """Write what was gathered; return what the planner sees of the shard."""
        for stream in self._streams.values():
            stream.close()
        self._scalars.finish()
        columns = Columns.joined(self._columns)
        coded = {name: np.concatenate([part[name] for part in self._coded]) for name in self._coded[0]}
        order = list_order(coded["list_of"], columns.seconds, self._layout.lists)
        entry = entry_of(self._folder.name, columns, self._layout, slots=int(order.starts[-1]))
        specs = shard_arrays(self._layout, entry)
        for arrays in (_filters(columns), _ranked(coded, len(columns)), _listed(columns, coded, order)):
            for name, values in arrays.items():
                write_array(self._folder, name, values, specs.pop(name))
        self._check_streams(specs)
        write_sums(self._folder)
        return entry

    def _check_streams(self, specs: dict[str, Any]) -> None:
        """Whatever was not written at the end must have been written on the way."""
        for name, spec in specs.items():
            size = array_file(self._folder, name).stat().st_size
            if name not in _STREAMED or size != spec.nbytes:
                raise StoreError(f"{name} was written with {size:,} bytes instead of {spec.nbytes:,}")


def _filters(columns: Columns) -> _Arrays:
    rows = len(columns)
    length = padded(rows)
    arrays: _Arrays = {
        "seconds": _pad(columns.seconds, length, UNDATED),
        "sensor": _pad(columns.sensor, length, UNKNOWN),
        "collection": _pad(columns.collection, length, UNKNOWN),
        "cloud": _pad(columns.cloud, length, UNKNOWN),
        "flags": _pad(columns.flags, length, 0),
        "bounds": np.stack([_pad(side, length, np.nan) for side in columns.bounds]),
    }
    by_time = np.argsort(columns.seconds, kind="stable").astype(np.int32)
    return arrays | zones(**arrays, cells=_pad(columns.cells, length, 0), rows=rows) | {"by_time": by_time}


def _ranked(coded: _Arrays, rows: int) -> _Arrays:
    from retriever.engine._kernels import interleave

    arrays = {name: _pad(values, padded(rows), 0) for name, values in coded.items()}
    return arrays | {"codes": interleave(arrays["codes"])}


def _listed(columns: Columns, coded: _Arrays, order: ListOrder) -> _Arrays:
    from retriever.engine._kernels import interleave

    source = {name: coded[name] for name in _CODED} | {"seconds": columns.seconds, "sensor": columns.sensor}
    filling = {"seconds": _LAST_SECOND, "sensor": UNKNOWN}
    arrays = {f"list_{name}": _ordered(values, order.rows, filling.get(name, 0)) for name, values in source.items()}
    arrays["list_codes"] = interleave(arrays["list_codes"])
    return arrays | {"list_starts": order.starts, "list_sizes": order.sizes, "list_rows": order.rows}


def _ordered(values: NDArray[Any], rows: NDArray[np.int32], filling: int) -> NDArray[Any]:
    found = values.take(np.maximum(rows, 0), axis=0)
    found[rows < 0] = filling
    return found


def _pad(values: NDArray[Any], length: int, filling: float) -> NDArray[Any]:
    found = np.full((length, *values.shape[1:]), filling, values.dtype)
    found[: len(values)] = values
    return found
