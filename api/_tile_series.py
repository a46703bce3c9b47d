"""The same place at other dates."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from api._search_answers import TileView, TileWriter
from core import QueryError, Record
from retriever import SearchRequest, tiles_over
from retriever._vector_index import Rows

MOST_SEEN = 1000
"""Most overlapping tiles that are looked through; where there are more, they are evenly chosen through time."""


class SeriesTile(TileView):
    """A tile of the place."""

    overlap: float = Field(description="Share of the asked tile's footprint that it covers, 0..1.")


class Series(BaseModel):
    """The place through time."""

    tile_id: str = Field(description="The tile that was asked for; it is not among the tiles.")
    datetime: str | None = Field(description="Its own date, RFC 3339, UTC.")
    matched: int = Field(description="Scenes of other dates that cover enough of it.")
    tiles: list[SeriesTile] = Field(description="One a scene, the one that covers most; oldest first.")


def series(rows: Rows, record: Record, writer: TileWriter, filters: SearchRequest, *, share: float, limit: int) -> Any:
    """Return the dated tiles of the place as `Series` describes them: one a scene, oldest first.

    Args:
        rows: One version of the tile table.
        record: The tile whose place it is.
        writer: Writes records.
        filters: Sensors wanted.
        share: Least share of the tile's footprint to be covered.
        limit: Most tiles; where there are more, those that cover most.

    Raises:
        QueryError: The tile has no place on the globe.
        StoreError: The index cannot be read.
    """
    if record.footprint is None:
        raise QueryError(f"tile {record.tile_id!r} has no place on the globe, so there are no other dates of it")
    found = tiles_over(rows, record.footprint, filters, limit=MOST_SEEN)
    best = _best_of_scenes(record, zip(found.records, found.measures, strict=True), share)
    chosen = sorted(best, key=lambda pair: -pair[1])[:limit]
    return {
        "tile_id": record.tile_id,
        "datetime": writer.record(record).get("datetime"),
        "matched": len(best),
        "tiles": [writer.record(tile) | {"overlap": min(1.0, covered)} for tile, covered in _by_date(chosen)],
    }


def _best_of_scenes(own: Record, pairs: Any, share: float) -> list[tuple[Record, float]]:
    """One tile a scene: that which covers most of the place."""
    best: dict[tuple[str, str], tuple[Record, float]] = {}
    for tile, covered in pairs:
        scene = (tile.collection, tile.scene_id)
        if covered < share or scene == (own.collection, own.scene_id):
            continue
        if scene not in best or covered > best[scene][1]:
            best[scene] = tile, covered
    return list(best.values())


def _by_date(pairs: list[tuple[Record, float]]) -> list[tuple[Record, float]]:
    return sorted(pairs, key=lambda pair: (pair[0].datetime, pair[0].tile_id))
