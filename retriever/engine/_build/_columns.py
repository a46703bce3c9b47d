"""The columns that filters test, as arrays: rounded outward where they are narrower than the table's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retriever.engine._build._boxes import shape_flags
from retriever.engine._layout import LOCATED, UNDATED, UNKNOWN, WHOLE

_PERCENTS = np.arange(101) / 100
_LAST_SECOND = 2**31 - 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """Of n rows; see the arrays of the same names in Shard."""

    bounds: NDArray[np.float32]
    """(4, n)"""
    seconds: NDArray[np.int32]
    """(n,); a date that does not fit is the nearest that does, and WHOLE is not set."""
    sensor: NDArray[np.uint8]
    """(n,)"""
    collection: NDArray[np.uint8]
    """(n,)"""
    cloud: NDArray[np.uint8]
    """(n,) the greatest p for which p / 100 <= cloud in double precision; 0 below 0."""
    flags: NDArray[np.uint8]
    """(n,)"""
    cells: NDArray[np.uint64]
    """(n,)"""

    def __len__(self) -> int:
        return len(self.seconds)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the columns of several parts as one."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in names})


def columns_of_rows(rows: pa.Table, *, sensors: Sequence[str], collections: Sequence[str]) -> Columns:
    """Return the filter columns of rows of the tile table."""
    sides = np.stack([_numbers(rows[name]) for name in ("west", "south", "east", "north")])
    seconds, whole = _seconds(rows["datetime"])
    located = ~np.isnan(sides).any(axis=0) & _valid(rows["footprint"])
    sides[:, ~located] = np.nan
    return Columns(
        bounds=_outward(sides),
        seconds=seconds,
        sensor=_places(rows["sensor"], sensors),
        collection=_places(rows["collection"], collections),
        cloud=_percents(rows["cloud"]),
        flags=(shape_flags(rows["footprint"], sides) | located * LOCATED | whole * WHOLE).astype(np.uint8),
        cells=pc.fill_null(rows["h3"], 0).to_numpy(),
    )


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """As float64, NaN where null."""
    numbers: NDArray[np.float64] = column.to_numpy().astype(np.float64)
    return numbers


def _valid(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    valid: NDArray[np.bool_] = pc.is_valid(column).to_numpy()
    return valid


def _outward(sides: NDArray[np.float64]) -> NDArray[np.float32]:
    rounded = sides.astype(np.float32)
    least, greatest = rounded[:2], rounded[2:]
    high, low = least > sides[:2], greatest < sides[2:]  # NumPy compares in float64
    least[high] = np.nextafter(least[high], np.float32(-np.inf))
    greatest[low] = np.nextafter(greatest[low], np.float32(np.inf))
    return rounded


def _seconds(dates: pa.ChunkedArray) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Seconds, and whether they are the whole truth."""
    dated = _valid(dates)
    micros = pc.fill_null(dates.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()), 0).to_numpy()
    seconds = micros // 1_000_000
    fitting = np.clip(seconds, UNDATED + 1, _LAST_SECOND)
    whole = dated & (micros % 1_000_000 == 0) & (seconds == fitting)
    return np.where(dated, fitting, UNDATED).astype(np.int32), whole


def _places(names: pa.ChunkedArray, known: Sequence[str]) -> NDArray[np.uint8]:
    places = pc.index_in(names.cast(pa.string()), value_set=pa.array(known, pa.string())).to_numpy()
    found: NDArray[np.uint8] = np.minimum(places, UNKNOWN).astype(np.uint8)
    return found


def _percents(clouds: pa.ChunkedArray) -> NDArray[np.uint8]:
    fractions = _numbers(clouds)
    percents = np.clip(np.searchsorted(_PERCENTS, fractions, side="right") - 1, 0, 100)
    return np.where(np.isnan(fractions), UNKNOWN, percents).astype(np.uint8)
