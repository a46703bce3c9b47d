"""What is truly where: cover fractions, things and captions of every 224-pixel tile, known because they were drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from core import rfc3339
from demo._covers import GROUPS, Cover
from demo._scenes import NOTICE, OPTICAL_TIMES, RADAR_TIMES, SEASONS, SceneFrame, to_lonlat
from demo._shapes import Landmark
from demo._world import SCENE_M, TILE_M

TILES = int(SCENE_M / TILE_M)
"""Tiles along a side of a scene."""

SCL_CLOUD = (8, 9, 10)
"""Cloud of medium and high probability, and thin cloud."""

ENOUGH_OF_TILE, ENOUGH_OF_THING = 0.1, 0.3
"""A caption names a thing that fills so much of the tile, or shows so much of itself in it."""

ENOUGH_RIVER = 0.02
"""A river is long and thin: 100 m of width across a tile of 2.24 km fill 0.045 of it."""

SMALLEST_M2 = 90_000.0
"""Things under 30 by 30 pixels are not named: nobody would call a tile after them."""

_SENTENCES = {
    "water": "open water",
    "flooded": "flooded fields under muddy water",
    "forest": "a dense forest",
    "grassland": "grassland and scrub",
    "crops": "farmland with many fields",
    "bare": "bare ground",
    "built-up": "a built-up area with streets and houses",
    "solar": "rows of solar panels",
    "burnt": "dark burnt ground after a fire",
}


@dataclass(frozen=True, kw_only=True)
class TileTruth:
    """One tile of one acquisition."""

    collection: str
    """STAC collection id."""
    item: str
    """STAC item id."""
    row: int
    """Tile row from the top."""
    column: int
    """Tile column from the left."""
    instant: datetime
    """UTC."""
    cover: dict[str, float]
    """Share of each cover group, 0..1, without clouds; groups under 0.001 are left out."""
    things: tuple[str, ...]
    """Kinds of things that a caption may name."""
    cloud: float
    """Share under cloud, 0..1; 0 for radar."""
    captions: tuple[str, ...]
    """True sentences, the most telling first."""

    @property
    def tile_id(self) -> str:
        """The id an index gives this tile with the default tile size and no overlap."""
        return f"{self.collection}~{self.item}~r{self.row:04d}c{self.column:04d}"

    def to_json(self) -> str:
        """Return one line of ``captions.jsonl``."""
        return json.dumps(
            {
                "tile_id": self.tile_id,
                "collection": self.collection,
                "item": self.item,
                "row": self.row,
                "col": self.column,
                "datetime": rfc3339(self.instant),
                "cover": self.cover,
                "objects": list(self.things),
                "cloud": self.cloud,
                "captions": list(self.captions),
                "synthetic": True,
            }
        )


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """One sensor over one scene on one date."""

    frame: SceneFrame
    """The scene."""
    epoch: int
    """0, 1 or 2."""
    collection: str
    """STAC collection id."""
    item: str
    """STAC item id."""
    instant: datetime
    """UTC."""


def tile_truths(
    acquisition: Acquisition,
    covers: NDArray[np.uint8],
    landmarks: Sequence[Landmark],
    scl: NDArray[np.uint8] | None = None,
) -> Iterator[TileTruth]:
    """Yield the truth of each tile of one acquisition, row by row.

    Args:
        acquisition: Which.
        covers: (h, w) cover codes on 5 m.
        landmarks: The landscape's things.
        scl: (h, w) scene classification on 20 m; None for radar, which sees through clouds.
    """
    frame, epoch = acquisition.frame, acquisition.epoch
    present = [thing for thing in landmarks if epoch in thing.epochs and thing.outline.intersects(frame.local)]
    for row in range(TILES):
        for column in range(TILES):
            cover = fractions(_cut(covers, row, column))
            things = [thing for thing in present if _shows(thing, frame.tile(row, column), cover)]
            cloud = 0.0 if scl is None else round(float(np.isin(_cut(scl, row, column), SCL_CLOUD).mean()), 4)
            yield TileTruth(
                collection=acquisition.collection,
                item=acquisition.item,
                row=row,
                column=column,
                instant=acquisition.instant,
                cover=cover,
                things=tuple(dict.fromkeys(thing.kind for thing in things)),
                cloud=cloud,
                captions=tuple(_captions(things, cover, cloud, SEASONS[epoch])),
            )


_EVENTS = {"flood": "flooded", "burnt area": "burnt"}
"""Things drawn with a generous outline count only where their cover is found."""


def _cut(image: NDArray[np.uint8], row: int, column: int) -> NDArray[np.uint8]:
    size = image.shape[0] // TILES
    return image[row * size : (row + 1) * size, column * size : (column + 1) * size]


def fractions(covers: NDArray[np.uint8]) -> dict[str, float]:
    """Return the share of each cover group, largest first; groups under 0.001 are left out."""
    counts = np.bincount(covers.ravel(), minlength=max(Cover) + 1) / covers.size
    shares = {name: round(float(sum(counts[code] for code in codes)), 4) for name, codes in GROUPS.items()}
    return {name: share for name, share in sorted(shares.items(), key=lambda pair: -pair[1]) if share >= 0.001}


def _shows(thing: Landmark, tile: BaseGeometry, cover: dict[str, float]) -> bool:
    """Return whether a caption of the tile may name the thing."""
    if thing.kind in _EVENTS and cover.get(_EVENTS[thing.kind], 0) <= 0.03:
        return False
    shared = thing.outline.intersection(tile).area
    if thing.kind == "river":
        return bool(shared >= ENOUGH_RIVER * tile.area)
    enough = shared >= ENOUGH_OF_TILE * tile.area or shared >= ENOUGH_OF_THING * thing.outline.area
    return bool(enough and shared > SMALLEST_M2)


def _captions(things: Sequence[Landmark], cover: dict[str, float], cloud: float, season: str) -> Iterator[str]:
    if cloud > 0.9:
        yield "thick clouds"
        return
    yield from dict.fromkeys(thing.caption for thing in sorted(things, key=lambda thing: thing.outline.area))
    ranked = [_SENTENCES[name] for name, share in cover.items() if share > 0.08]
    yield f"{' and '.join(ranked[:2]) or 'mixed land'} in {season}"
    if cloud > 0.1:
        yield "partly covered by clouds"


def landmark_features(landmarks: Sequence[Landmark], scenes: Sequence[SceneFrame]) -> dict[str, Any]:
    """Return ``truth.geojson``: every thing with its outline, box and the dates on which it is there."""
    features = []
    for number, thing in enumerate(landmarks):
        seen = [scene for scene in scenes if thing.outline.intersects(scene.local)]
        visible = thing.outline.intersection(shapely.union_all([scene.local for scene in scenes]))
        if not seen or visible.is_empty:
            continue
        outline = to_lonlat(visible.simplify(5.0))
        features.append(
            {
                "type": "Feature",
                "id": number,
                "bbox": list(outline.bounds),
                "geometry": mapping(outline),
                "properties": {
                    "kind": thing.kind,
                    "caption": thing.caption,
                    "scenes": [scene.name for scene in seen],
                    "dates": [
                        times[epoch].date().isoformat()
                        for times in (OPTICAL_TIMES, RADAR_TIMES)
                        for epoch in thing.epochs
                    ],
                    "synthetic": True,
                },
            }
        )
    return {"type": "FeatureCollection", "description": NOTICE, "features": features}
