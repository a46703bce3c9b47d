"""What a filter becomes before rows are looked at, and what comes of looking at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retriever._expression import Area, Expression, Nearby


@dataclass(frozen=True, kw_only=True, eq=False)
class Boxes:
    """The footprint meets one of several areas."""

    areas: tuple[Area | Nearby, ...]
    """The exact tests; those that are areas say no ``disjoint``."""
    boxes: NDArray[np.float32]
    """(b, 4) west, south, east, north, rounded inward: compared with bounds that are rounded outward, they let every
    row of the areas pass."""
    plain: bool
    """Whether the areas are those boxes, so that the bounds of a rectangle decide."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """The date lies between two instants; rows without one fail."""

    condition: Expression
    """The exact test."""
    ranges: NDArray[np.int32]
    """(6,) first and last second that may pass, that pass whatever the fraction of the second, and that pass where the
    date is a whole second; all included."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Named:
    """The sensor, or the collection, is one of some."""

    condition: Expression
    """The exact test."""
    column: Literal["sensor", "collection"]
    """Which of the two."""
    table: NDArray[np.uint8]
    """(256,) 1 where rows with this place in the layout's names may pass."""
    places: NDArray[np.uint8]
    """The places where it is 1, rising."""
    wanted: NDArray[np.uint64]
    """(4,) the same as a set of 256 bits."""
    doubted: bool
    """Whether rows with the last place need the exact test: only some of the names after the 255th pass."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Percents:
    """The cloud share lies in a range; rows without one fail."""

    condition: Expression
    """The exact test."""
    ranges: NDArray[np.uint8]
    """(4,) least and greatest of ``Shard.cloud`` that may pass, and that pass for certain; all included."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CellRanges:
    """The centre cell lies in one of several ranges, which the order of rows decides."""

    first: NDArray[np.uint64]
    """(r,) first cell of each, rising."""
    last: NDArray[np.uint64]
    """(r,) last cell of each, included."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Either:
    """At least one of several filters is true."""

    sieves: tuple[Sieve, ...]
    """At least one; each tests a column."""


Test = Boxes | Moments | Named | Percents | CellRanges | Either
"""A test of columns."""


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
    sensors: Named | None
    """Test of the sensor."""
    collections: Named | None
    """Test of the collection."""
    cloud: Percents | None
    """Test of the cloud share."""
    cells: tuple[CellRanges, ...]
    """Tests of the centre cell."""
    either: tuple[Either, ...]
    """Filters of which some must be true."""
    residual: tuple[Expression, ...]
    """Conditions that only the table's own columns decide, cheap ones first."""

    @property
    def everything(self) -> bool:
        """Whether every row passes."""
        return not (self.never or self.tests or self.residual)

    @property
    def tests(self) -> tuple[Test, ...]:
        """The tests of columns, those first whose order of rows leaves fewest blocks."""
        named = (self.moments, self.sensors, self.collections, self.cloud)
        return (*self.cells, *self.boxes, *(test for test in named if test is not None), *self.either)


@dataclass(frozen=True, kw_only=True, eq=False)
class ListTest:
    """What the kernels of inverted lists test by themselves in one shard."""

    first: int
    """First second a row may have; UNDATED where rows without a date may pass."""
    last: int
    """Last second a row may have."""
    sensors: NDArray[np.uint8] | None
    """(256,) 1 where rows of this place in the layout's sensors may pass; None for all."""
    exact: bool
    """Whether these two decide the whole filter for every row of the shard."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How many rows of a shard pass, as far as zones and a sample tell."""

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
    """Rising numbers of the blocks that hold a row of ``words``."""
    count: int
    """Rows in ``words``."""
    sure: bool
    """Whether ``words`` holds exactly the rows that pass; else it may hold others, and misses none."""
