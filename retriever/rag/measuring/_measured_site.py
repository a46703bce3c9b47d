"""Where something is measured, and on which dates: scenes of one sensor that show the same ground.

The tiles of an evidence set are pieces of scenes, and pieces of different dates need not overlap. So the whole of the
scenes that they were cut from is measured, as far as it is in the index and in the plan's place, on the ground that
all of their dates have in common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import shapely
from shapely.geometry.base import BaseGeometry

from core import PixelWindow, Record
from indexer import scene_key
from retriever._expression import Column, OneOf
from retriever._pushdown import pushed_down
from retriever._vector_index import Rows
from retriever.rag._types import EvidenceTile
from retriever.rag._wording import day, only_years

SAME_GROUND = 0.5
"""Least share of the smaller of two scenes that the other covers, for them to be compared."""

COVERED = 0.8
"""Least share of a site that a date must cover to be measured there."""

_COLUMNS = ("scene_key", "footprint", "col_off", "row_off", "width", "height", "cloud")


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """One indexed tile of a scene, in the evidence or not."""

    footprint: BaseGeometry
    """lon, lat."""
    window: PixelWindow
    """In the scene's grid."""
    cloud: float | None
    """Fraction 0..1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenScene:
    """A scene of the evidence."""

    record: Record
    """One of its tiles in the evidence."""
    numbers: tuple[int, ...]
    """Numbers of all of them."""
    pieces: tuple[Piece, ...]
    """All of its tiles in the index."""
    area: BaseGeometry
    """What they cover, in the place asked about; lon, lat."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteDate:
    """A site on one day."""

    day: date
    """UTC."""
    scenes: tuple[SeenScene, ...]
    """At least one."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Tiles that can be cited for it."""
        return tuple(sorted(number for scene in self.scenes for number in scene.numbers))

    @property
    def area(self) -> BaseGeometry:
        """What its scenes cover, lon, lat."""
        return shapely.union_all([scene.area for scene in self.scenes])


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """Ground that scenes of one sensor show on several dates."""

    area: BaseGeometry
    """What every date covers, lon, lat."""
    dates: tuple[SiteDate, ...]
    """Oldest first."""
    skipped: tuple[date, ...]
    """Days that cover too little of it."""
    years: bool
    """Whether dates tell the year only."""


def sites(tiles: Sequence[EvidenceTile], place: BaseGeometry | None, rows: Rows) -> tuple[Site, ...]:
    """Return where the tiles of an evidence set can be measured, the largest site first.

    Args:
        tiles: The evidence.
        place: Area asked about, lon, lat; None for the whole of the scenes.
        rows: The index they are from.

    Raises:
        StoreError: The index cannot be read.
    """
    groups = _groups(_scenes(tiles, place, rows))
    found = (_site(group) for group in groups)
    return tuple(sorted(filter(None, found), key=lambda site: (-len(site.dates), -site.area.area)))


def _scenes(tiles: Sequence[EvidenceTile], place: BaseGeometry | None, rows: Rows) -> list[SeenScene]:
    shown: dict[str, list[EvidenceTile]] = defaultdict(list)
    for tile in tiles:
        if can_be_placed(tile.record):
            shown[scene_key(tile.record.collection, tile.record.scene_id)].append(tile)
    pieces = _pieces(rows, tuple(shown))
    seen = (_scene(mine, _meeting(pieces.get(key, ()), place), place) for key, mine in shown.items())
    return [scene for scene in seen if scene is not None]


def _scene(tiles: Sequence[EvidenceTile], pieces: tuple[Piece, ...], place: BaseGeometry | None) -> SeenScene | None:
    whole = shapely.union_all([piece.footprint for piece in pieces])
    area = whole if place is None or not place.area else whole.intersection(place)
    mine = [tile for tile in tiles if tile.record.footprint is not None and tile.record.footprint.intersects(area)]
    if not area.area or not mine:
        return None
    return SeenScene(record=mine[0].record, numbers=tuple(tile.number for tile in mine), pieces=pieces, area=area)


def _meeting(pieces: Iterable[Piece], place: BaseGeometry | None) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if place is None or piece.footprint.intersects(place))


def can_be_placed(record: Record) -> bool:
    """Return whether a tile has a date and a place this side of the antimeridian, beyond which no grid is followed."""
    if record.datetime is None or record.footprint is None:
        return False
    west, _, east, _ = record.footprint.bounds
    return bool(east - west < 180)


def _pieces(rows: Rows, keys: tuple[str, ...]) -> Mapping[str, list[Piece]]:
    """Every indexed tile of these scenes."""
    found: dict[str, list[Piece]] = defaultdict(list)
    if not keys:
        return found
    where = pushed_down(OneOf(value=Column(name="scene_key", kind="text"), choices=keys))
    for batch in rows.scan(_COLUMNS, where):
        for row in batch.select(_COLUMNS).to_pylist():
            if row["scene_key"] in keys and row["footprint"] is not None:
                window = PixelWindow(**{name: row[name] for name in ("col_off", "row_off", "width", "height")})
                footprint = shapely.from_wkb(row["footprint"])
                found[row["scene_key"]].append(Piece(footprint=footprint, window=window, cloud=row["cloud"]))
    return found


def _groups(scenes: Sequence[SeenScene]) -> list[list[SeenScene]]:
    """Scenes of one sensor that show the same ground, in a chain or directly."""
    groups: list[list[SeenScene]] = []
    for scene in scenes:
        near = [group for group in groups if any(_same_ground(scene, other) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([scene, *(other for group in near for other in group)])
    return groups


def _same_ground(first: SeenScene, second: SeenScene) -> bool:
    if first.record.sensor != second.record.sensor:
        return False
    smaller = min(first.area.area, second.area.area)
    return bool(first.area.intersection(second.area).area >= SAME_GROUND * smaller)


def _site(scenes: Sequence[SeenScene]) -> Site | None:
    """The dates that cover most of the ground, and what they have in common."""
    by_day: dict[date, list[SeenScene]] = defaultdict(list)
    for scene in scenes:
        if scene.record.datetime is not None:
            by_day[day(scene.record.datetime)].append(scene)
    dates = [SiteDate(day=when, scenes=tuple(by_day[when])) for when in sorted(by_day)]
    areas = [each.area for each in dates]
    largest = max(areas, key=lambda area: float(area.area))
    covers = [largest.intersection(area).area >= COVERED * largest.area for area in areas]
    kept = [each for each, enough in zip(dates, covers, strict=True) if enough]
    common = shapely.intersection_all([each.area for each in kept])
    if not common.area:
        return None
    return Site(
        area=common,
        dates=tuple(kept),
        skipped=tuple(each.day for each, enough in zip(dates, covers, strict=True) if not enough),
        years=only_years(scene.record.datetime for scene in scenes if scene.record.datetime),
    )
