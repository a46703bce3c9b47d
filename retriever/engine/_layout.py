"""What lies in a snapshot folder, and the document that describes it.

```
INDEX/search/CURRENT             one line: the name of the newest complete snapshot folder
INDEX/search/<name>/layout.json  a Layout
INDEX/search/<name>/shared/      centroids and rotation, the same for every shard
INDEX/search/<name>/000/         a shard: one file for each array of Shard, raw little-endian, and scalars.arrow
```

A snapshot is written under a hidden name, synced, renamed, and then CURRENT is replaced: readers see the old one or the
new one. An array's file is its name with ``.bin``; its shape follows from the Layout.
"""

from __future__ import annotations

from dataclasses import dataclass

FORMAT = 3
"""Raised when an array changes meaning; a snapshot of another format is built anew."""

BLOCK = 256
"""Rows in geographic order that one zone speaks for. Arrays in geographic order are padded to a multiple of it."""

LANES = 32
"""Rows whose code words are interleaved: word w of 32 rows lies together, so that one instruction works on several."""

UNDATED = -(2**31)
"""Stands for no date in ``seconds``."""

UNKNOWN = 255
"""Stands for an unknown value in ``cloud``, and for "one of the others" in ``sensor`` and ``collection``."""

IS_BOX = 1
"""Bit of ``flags``: the footprint is the rectangle of its bounds, so a test of bounds is the exact test."""

LOCATED = 2
"""Bit of ``flags``: the tile has a footprint."""

WHOLE = 4
"""Bit of ``flags``: the date is a whole second, so ``seconds`` is exact."""

CONNECTED = 8
"""Bit of ``flags``: the footprint is one polygon that reaches all four sides of its bounds, so an area that spans it in
one direction and overlaps it in the other must meet it."""


@dataclass(frozen=True, kw_only=True)
class ShardEntry:
    """One shard, as the planner sees it before it is opened."""

    folder: str
    """Name below the snapshot's folder."""
    rows: int
    """Tiles in it."""
    slots: int
    """Length of the arrays in list order: rows, padded per list to a multiple of LANES."""
    bounds: tuple[float, float, float, float] | None
    """west, south, east, north round all footprints, rounded outward; -180 to 180 where one crosses the antimeridian,
    None where there is no footprint."""
    seconds: tuple[int, int] | None
    """First and last second since 1970, both included; None where nothing is dated."""
    dated: int
    """Tiles with a date."""
    sensors: tuple[int, ...]
    """Tiles of each sensor of ``Layout.sensors``; those after the 255th are counted under UNKNOWN."""
    collections: tuple[int, ...]
    """The same for ``Layout.collections``."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A snapshot: what it was made from, what is in it, and what its searches were measured to cost and to find."""

    format: int
    """See FORMAT."""
    version: int
    """Of the tile table it was made from."""
    rows: int
    """Tiles in all shards."""
    dim: int
    """Numbers in a vector."""
    dtype: str
    """Of the vectors: float16 or float32, as in the table."""
    encoder: str
    """See VectorSpace; a snapshot of another space is not used."""
    revision: str
    """See VectorSpace."""
    words: int
    """64-bit words in a code: ``ceil(dim / 64)``; bits after dim are 0."""
    lists: int
    """Inverted lists, at most 65,535; 0 where there are too few rows to be worth it."""
    sensors: tuple[str, ...]
    """Names; a row's ``sensor`` is the place in it."""
    collections: tuple[str, ...]
    """Names; a row's ``collection`` is the place in it."""
    shards: tuple[ShardEntry, ...]
    """In geographic order; those that were appended later come last and may lie anywhere."""
    costs: dict[str, float]
    """Measured nanoseconds, fitted when it was built; names in ``_costs.py``. Empty: built-in ones are used."""
    recall: dict[str, float]
    """Measured share of the true best that approximate routes found, by ``route@k``; empty where not measured."""
    built: str
    """When, RFC 3339."""
