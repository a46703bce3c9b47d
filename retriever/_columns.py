"""The columns a filter may name, and what each holds."""

from __future__ import annotations

import pyarrow as pa

from core import FilterError, VectorSpace
from indexer import tile_schema
from retriever._expression import Column, Kind

GEOMETRY_NAMES = ("geometry", "footprint")
"""What the footprint is called in spatial functions."""

LISTS = ("captions", "h3_cover")
"""Columns that hold several values a tile; ``label`` and ``--h3`` are there to filter by."""

_ALIASES = {"id": "tile_id"}
_ARROW_KINDS: tuple[tuple[pa.DataType, Kind], ...] = (
    (pa.string(), "text"),
    (pa.float64(), "number"),
    (pa.int64(), "number"),
    (pa.timestamp("us", tz="UTC"), "instant"),
    (pa.uint64(), "cell"),
)


def _scalar_columns() -> dict[str, Kind]:
    """Every plain column of the tile table; its lists, its footprint and its vector are not compared with values."""
    layout = tile_schema(VectorSpace(encoder="", revision="", dim=1), "float32")
    return {field.name: kind for field in layout for known, kind in _ARROW_KINDS if field.type == known}


COLUMNS = _scalar_columns()
"""Column name to what it holds, in the order of the table."""


def column(name: str) -> Column:
    """Return the column of that name.

    Raises:
        FilterError: No such column; the message lists them.
    """
    known = _ALIASES.get(name, name)
    if known in COLUMNS:
        return Column(name=known, kind=COLUMNS[known])
    if name in LISTS:
        raise FilterError(
            f"{name} is a list, which filters cannot compare; known are id, geometry, {', '.join(COLUMNS)}"
        )
    if name in GEOMETRY_NAMES:
        raise FilterError(f"the filter uses {name} as a value; use it in s_intersects, s_within and the like")
    raise FilterError(f"the filter names an unknown column {name!r}; known are id, geometry, {', '.join(COLUMNS)}")
