"""What a filter becomes before rows are looked at, and what comes of looking at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retriever._expression import Expression

EARLIEST = -(2**31) + 1
"""The first second that ``Shard.seconds`` can hold; earlier dates are written as it."""

LATEST = 2**31 - 1
"""The last second that ``Shard.seconds`` can hold; later dates are written as it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Boxes:
    """The footprint meets one of several areas, of which boxes are tested first."""

    condition: Expression
    """The exact test."""
    boxes: NDArray[np.float32]
    """(b, 4) west, south, east, north; compared with bounds that are rounded outward, no row of the area fails."""
    plain: bool
    """Whether the areas are those boxes, so that bounds of a rectangle decide."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """The date lies between two instants; rows without one fail."""

    condition: Expression
    """The exact test."""
    first: int
    """Microseconds since 1970, included."""
    last: int
    """Microseconds since 1970, included; less than ``first`` is never true."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """The sensor, or the collection, is one of some."""

    condition: Expression
    """The exact test."""
    table: NDArray[np.uint8]
    """(256,) 1 where rows with this place in the layout's names may pass."""
    exact: bool
    """Whether they do; not where only some of the names after the 255th pass."""


@dataclass(frozen=True, kw_only=True)
class Cloudiness:
    """The cloud share is known and lies between two percentages."""

    condition: Expression
    """The exact test."""
    first: int
    """Least of ``Shard.cloud`` that may pass."""
    last: int
    """Greatest of ``Shard.cloud`` that may pass."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CellRanges:
    """The centre cell lies in one of several ranges: always decided by the order of rows."""

    ranges: NDArray[np.uint64]
    """(r, 2) first and last cell, both included; sorted, none overlapping."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Either:
    """At least one of several filters is true."""

    sieves: tuple[Sieve, ...]
    """At least one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sieve:
    """A filter as tests of columns, all of which a row must pass, and what no column decides."""

    where: Expression | None
    """The filter; None for all rows."""
    never: bool
    """Whether no row can pass."""
    boxes: tuple[Boxes, ...]
    """Tests of bounds."""
    moments: Moments | None
    """Test of the date."""
    sensors: Places | None
    """Test of the sensor."""
    collections: Places | None
    """Test of the collection."""
    cloud: Cloudiness | None
    """Test of the cloud share."""
    cells: CellRanges | None
    """Test of the centre cell."""
    either: tuple[Either, ...]
    """Filters of which some must be true."""
    residual: tuple[Expression, ...]
    """Conditions that only the table's own columns decide."""

    @property
    def everything(self) -> bool:
        """Whether every row passes."""
        return not (self.never or self.tests or self.residual)

    @property
    def tests(self) -> tuple[Boxes | Moments | Places | Cloudiness | CellRanges | Either, ...]:
        """The tests of columns, cheapest first."""
        single = (self.cells, self.moments, self.sensors, self.collections, self.cloud)
        return (*self.boxes, *(test for test in single if test is not None), *self.either)


@dataclass(frozen=True, kw_only=True, eq=False)
class ListTest:
    """What the kernels of inverted lists test by themselves in one shard."""

    first: int
    """First second a row may have, UNDATED where rows without a date may pass."""
    last: int
    """Last second a row may have."""
    sensors: NDArray[np.uint8] | None
    """(256,) 1 where rows of this place in the layout's sensors may pass; None for all."""
    exact: bool
    """Whether these two decide the whole filter for every row of the shard."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How many rows of a shard pass, as far as zones tell."""

    low: int
    """At least so many pass."""
    likely: int
    """Thought to pass."""
    high: int
    """At most so many pass."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Passing:
    """The rows of a shard that pass. Shared between threads: its arrays must not be changed."""

    words: NDArray[np.uint64]
    """(n / 64,) bit r % 64 of word r // 64 is row r; n is rows padded to a multiple of BLOCK, padding never passes."""
    blocks: NDArray[np.int32]
    """Rising numbers of the blocks that hold a row that passes."""
    count: int
    """Rows in ``words``."""
    sure: bool
    """Whether ``words`` holds exactly the rows that pass; else it may hold others, and misses none."""
