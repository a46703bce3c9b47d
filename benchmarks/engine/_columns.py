"""The filter columns of engines that take a mask and leave filtering to their caller."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine._archive import Archive
from benchmarks.engine._questions import Filter


class Columns:
    """Columns as small as they can be, in memory: what such a caller would keep.

    Args:
        archive: Whose rows are filtered.
    """

    def __init__(self, archive: Archive) -> None:
        self._lon = archive.lon.astype(np.float32)
        self._lat = archive.lat.astype(np.float32)
        self._seconds = archive.seconds.astype(np.int32)
        self._sensor = archive.sensor

    @property
    def nbytes(self) -> int:
        """Bytes of the columns."""
        return self._lon.nbytes + self._lat.nbytes + self._seconds.nbytes + self._sensor.nbytes

    def mask(self, where: Filter) -> NDArray[np.bool_]:
        """Return (rows,) whether each row passes."""
        return self._passes(where, slice(None))

    def passes(self, where: Filter, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return (n,) whether each of these rows passes."""
        return self._passes(where, rows)

    def _passes(self, where: Filter, rows: NDArray[np.int64] | slice) -> NDArray[np.bool_]:
        parts: list[NDArray[np.bool_]] = []
        if where.box is not None:
            west, south, east, north = (np.float32(edge) for edge in where.box)
            lon, lat = self._lon[rows], self._lat[rows]
            parts += [lon >= west, lon <= east, lat >= south, lat <= north]
        if where.span is not None:
            seconds = self._seconds[rows]
            parts += [seconds >= where.span[0], seconds <= where.span[1]]
        if where.sensor is not None:
            parts.append(self._sensor[rows] == where.sensor)
        mask = parts[0]
        for part in parts[1:]:
            mask &= part
        return mask
