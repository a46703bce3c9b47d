"""The tiles of an evidence set, together as they lie together: by phrase, by period, by place, by date."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from pyproj import Geod

from indexer import is_level
from retriever.rag._types import EvidenceTile
from retriever.rag._wording import dated, day, only_years, point, shortened, span

NEAR_KM = 25.0
"""Tiles whose centres are this near are told as one place; large tiles are where they are two widths apart."""

DATES_LISTED = 8
"""Most dates of a place that are named one by one."""

_GEOD = Geod(ellps="WGS84")


@dataclass(kw_only=True, eq=False)
class Group:
    """Tiles of one place."""

    tiles: list[EvidenceTile] = field(default_factory=list)
    """In the order of their numbers."""

    @property
    def where(self) -> str | None:
        """Where it is, in words; None for plain pictures."""
        centres = [tile.record.centroid for tile in self.tiles if tile.record.centroid is not None]
        if not centres:
            return None
        west, lats = centres[0][0], [lat for _, lat in centres]
        east = [(lon - west + 180) % 360 - 180 for lon, _ in centres]  # so that 179 and -179 have 180 between them
        lon = (west + sum(east) / len(east) + 180) % 360 - 180
        return point(lon, sum(lats) / len(lats))

    @property
    def region(self) -> str | None:
        """Which part of one large scene it is, in words; None for tiles of an archive."""
        record = self.tiles[0].record
        if not is_level(record.collection):
            return None
        window = record.window
        columns = f"columns {window.col_off:,} to {window.col_off + window.width:,}"
        return f"{columns} and rows {window.row_off:,} to {window.row_off + window.height:,}"


def phrases(tiles: Sequence[EvidenceTile]) -> list[tuple[str | None, int | None, list[EvidenceTile]]]:
    """Return the tiles by what was sought and in which period, in the order in which they come."""
    found: dict[tuple[str | None, int | None], list[EvidenceTile]] = defaultdict(list)
    for tile in tiles:
        found[tile.sought, tile.period].append(tile)
    return [(sought, period, mine) for (sought, period), mine in found.items()]


def places(tiles: Sequence[EvidenceTile]) -> list[Group]:
    """Return the tiles by place, the place with the smallest number first."""
    groups: list[Group] = []
    for tile in tiles:
        home = next((group for group in groups if _together(group.tiles[0], tile)), None)
        if home is None:
            groups.append(home := Group())
        home.tiles.append(tile)
    return groups


def _together(first: EvidenceTile, second: EvidenceTile) -> bool:
    if is_level(first.record.collection):  # each region of a scene is told by itself
        return False
    here, there = first.record.centroid, second.record.centroid
    if here is None or there is None:
        return here is there
    metres = float(_GEOD.inv(*here, *there)[2])
    return metres <= max(NEAR_KM * 1000, 2 * _diagonal(first), 2 * _diagonal(second))


def _diagonal(tile: EvidenceTile) -> float:
    """Of a tile, in metres; 0 where its size on the ground is not known."""
    window, gsd = tile.record.window, tile.record.gsd
    return (
        0.0 if gsd is None or tile.record.bbox is None else math.hypot(*_sides(tile.record.bbox)) * (window.width > 0)
    )


def _sides(bbox: tuple[float, float, float, float]) -> tuple[float, float]:
    west, south, east, north = bbox
    middle = (south + north) / 2
    _, _, across = _GEOD.inv(west, middle, east, middle)
    _, _, along = _GEOD.inv(west, south, west, north)
    return float(across), float(along)


class Calendar:
    """Writes the dates of an evidence set: as years where a collection's dates tell no more."""

    def __init__(self, tiles: Sequence[EvidenceTile]) -> None:
        self._years = {
            name: only_years(tile.record.datetime for tile in tiles if _is_of(tile, name) and tile.record.datetime)
            for name in {tile.record.collection for tile in tiles}
        }

    @property
    def of_years(self) -> tuple[str, ...]:
        """Collections whose dates tell the year only, sorted."""
        return tuple(sorted(name for name, years in self._years.items() if years))

    def written(self, tile: EvidenceTile) -> str | None:
        """Return a tile's date; None where it has none."""
        instant = tile.record.datetime
        return None if instant is None else dated(day(instant), years=self._years[tile.record.collection])

    def dates(self, tiles: Iterable[EvidenceTile]) -> str:
        """Return the dates of tiles: ``1985, 1990 and 1995``, ``from 1985 to 2020``, ``without a date``."""
        found = sorted({(day(t.record.datetime), self.written(t) or "") for t in tiles if t.record.datetime})
        if not found:
            return "without a date"
        if len(found) <= DATES_LISTED:
            return shortened([text for _, text in found], DATES_LISTED)
        return f"on {len(found)} dates {_span(found)}"


def _span(found: Sequence[tuple[date, str]]) -> str:
    years = all(len(text) == 4 for _, text in found)
    return span(found[0][0], found[-1][0], years=years)


def _is_of(tile: EvidenceTile, collection: str) -> bool:
    return tile.record.collection == collection
