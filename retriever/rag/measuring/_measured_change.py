"""What lies between two dates on one grid: area lost and gained, where most of it, and how far something moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from rasterio.features import shapes, sieve
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from retriever.rag.measuring._measured_grid import Grid
from retriever.rag.measuring._measured_kinds import Told

SPECK = 4
"""Pieces of fewer pixels are not looked at one by one; they count for the area."""

PIECES = 3
"""Most pieces that are looked at one by one."""

POINTS = 2_000
"""Most pixels whose distance is taken, evenly chosen among all."""

_GEOD = Geod(ellps="WGS84")

Place = tuple[float, float]
"""lon, lat."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A connected piece of something."""

    km2: float
    """Its area."""
    place: Place
    """A point inside it."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """How far and where to."""

    metres: float
    """On the ellipsoid."""
    azimuth: float
    """Degrees clockwise from north."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What lies between two dates, on pixels that are known on both."""

    before_km2: float
    """Area on the first date."""
    after_km2: float
    """Area on the second date."""
    lost_km2: float
    """There on the first date only."""
    gained_km2: float
    """There on the second date only."""
    both_km2: float
    """There on both."""
    losses: tuple[Piece, ...]
    """The largest pieces lost, the largest first; without specks."""
    gains: tuple[Piece, ...]
    """Likewise of what was gained."""
    centre: Moved | None
    """From the centre of all there was to the centre of all there is."""
    reach_m: tuple[float, float] | None
    """How far half, and a tenth, of what was gained lies from what there was, at least; None without one of them."""


def change(before: Told, after: Told, grid: Grid) -> Change:
    """Return what changed between two dates of one site."""
    known = before.known & after.known
    was, now = before.there & known, after.there & known
    lost, gained = was & ~now, now & ~was
    return Change(
        before_km2=grid.km2(was),
        after_km2=grid.km2(now),
        lost_km2=grid.km2(lost),
        gained_km2=grid.km2(gained),
        both_km2=grid.km2(was & now),
        losses=_largest(lost, grid),
        gains=_largest(gained, grid),
        centre=_moved(was, now, grid),
        reach_m=_reach(was, gained, grid),
    )


def _largest(mask: NDArray[np.bool_], grid: Grid) -> tuple[Piece, ...]:
    # Pieces that touch at a corner are one: a river a pixel wide runs diagonally, too.
    clean = sieve(mask.astype(np.uint8), SPECK, connectivity=8)
    found = [shape(outline) for outline, _ in shapes(clean, mask=(clean == 1) & mask, connectivity=8)]
    best = sorted(found, key=lambda piece: (-float(piece.area), piece.bounds))[:PIECES]
    return tuple(_piece(outline, grid) for outline in best)


def _piece(outline: BaseGeometry, grid: Grid) -> Piece:
    inside = shapely.point_on_surface(outline)
    pixel = float(grid.row_km2[min(int(inside.y), len(grid.row_km2) - 1), 0])
    return Piece(km2=outline.area * pixel, place=grid.lonlat(inside.x, inside.y))


def _moved(was: NDArray[np.bool_], now: NDArray[np.bool_], grid: Grid) -> Moved | None:
    if not (was.any() and now.any()):
        return None
    (lon, lat), (to_lon, to_lat) = (grid.lonlat(*_centre(mask)) for mask in (was, now))
    azimuth, _, metres = _GEOD.inv(lon, lat, to_lon, to_lat)
    return Moved(metres=float(metres), azimuth=float(azimuth) % 360)


def _centre(mask: NDArray[np.bool_]) -> tuple[float, float]:
    rows, cols = np.nonzero(mask)
    return float(cols.mean()) + 0.5, float(rows.mean()) + 0.5


def _reach(was: NDArray[np.bool_], gained: NDArray[np.bool_], grid: Grid) -> tuple[float, float] | None:
    """Distances of what was gained from the nearest pixel that there was, pixel centre to pixel centre."""
    if not (was.any() and gained.any()):
        return None
    old = shapely.STRtree(_points(was & ~_inner(was), grid))
    new = _points(gained, grid)
    chosen = new[np.unique(np.linspace(0, len(new) - 1, min(POINTS, len(new))).round().astype(int))]
    _, distances = old.query_nearest(chosen, return_distance=True, all_matches=False)
    half, tenth = np.quantile(distances, (0.5, 0.9))
    return float(half), float(tenth)


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels whose four neighbours are set as well."""
    padded = np.pad(mask, 1)
    return mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]


def _points(mask: NDArray[np.bool_], grid: Grid) -> NDArray[np.object_]:
    """The centres of pixels, in metres on the flat."""
    rows, cols = np.nonzero(mask)
    width, height = grid.pixel_m
    return np.asarray(shapely.points(cols * width, rows * height), dtype=np.object_)
