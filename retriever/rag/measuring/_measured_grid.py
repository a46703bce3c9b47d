"""Every date of a site on one grid of pixels, and what those pixels measure on the ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.features import geometry_mask
from rasterio.warp import Resampling, reproject, transform_bounds, transform_geom
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from core import PixelWindow, Sensor, SwathError
from indexer import Georeference, Original, Reach, reread
from retriever.rag.measuring._measured_kinds import Bands, Kind, wanted
from retriever.rag.measuring._measured_site import SeenScene, Site, SiteDate

MAX_SIDE = 1536
"""Longer side of what is read of a scene, in pixels: 38 MB of four float32 bands. Larger scenes are averaged to it."""

MIN_PIXELS = 64
"""Fewest pixels of a site; of fewer no share is worth telling."""

CLOUDED = 0.2
"""Share of cloud from which a date is left out: nobody can see what lies below."""

_ROWS = 17
"""Rows of a grid whose pixels are measured on the ellipsoid; those between are interpolated."""


class UnmeasurableError(SwathError):
    """A date of a site cannot be measured; the message says why, without paths."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Pixels that all dates of a site share."""

    crs: str
    """EPSG code or WKT2."""
    transform: Affine
    """From column, row to the CRS."""
    inside: NDArray[np.bool_]
    """(h, w), True inside the site."""
    row_km2: NDArray[np.float64]
    """(h, 1) square kilometres of a pixel of each row, on the ellipsoid."""
    pixel_m: tuple[float, float]
    """Width and height in metres of the pixel in the middle."""

    def km2(self, mask: NDArray[np.bool_]) -> float:
        """Return the area of the pixels that are True."""
        return float((mask * self.row_km2).sum())

    def lonlat(self, col: float, row: float) -> tuple[float, float]:
        """Return lon, lat of a pixel coordinate, whose whole numbers are the corners of pixels."""
        return Georeference(CRS.from_user_input(self.crs), self.transform).point(col, row)


def read_date(site: Site, date: SiteDate, kind: Kind, grid: Grid | None, reach: Reach | None) -> tuple[Grid, Dated]:
    """Return one date on the grid of its site, which the first date that can be read lays.

    Raises:
        UnmeasurableError: Clouds, no such bands, or nothing that can be opened.
    """
    cloud = cloud_over(date, site.area)
    if cloud is not None and cloud > CLOUDED:
        raise UnmeasurableError(f"{cloud:.0%} cloud")
    found: Dated | None = None
    for scene in date.scenes:
        original = _read(scene, site.area, kind, reach)
        grid = grid or _grid(original, site.area)
        warped = _warped(original, kind, grid)
        found = warped if found is None else found.filled(warped)
    if grid is None or found is None:
        raise UnmeasurableError("no scene")
    return grid, found


@dataclass(frozen=True, kw_only=True, eq=False)
class Dated:
    """One date of a site on its grid."""

    bands: Bands
    """(h, w) by role."""
    valid: NDArray[np.bool_]
    """(h, w), True where there are data inside the site."""
    raw: bool
    """Whether they are raw numbers rather than reflectance."""

    def filled(self, other: Dated) -> Dated:
        """Return it with what another scene of the day adds."""
        # A file may lack a band that only makes it surer; the day is then told without it.
        shared = [role for role in self.bands if role in other.bands]
        bands = {role: np.where(self.valid, self.bands[role], other.bands[role]) for role in shared}
        return replace(self, bands=bands, valid=self.valid | other.valid, raw=self.raw or other.raw)


def cloud_over(date: SiteDate, area: BaseGeometry) -> float | None:
    """Return the share of cloud, 0..1, of a date's pieces that meet an area; None where no piece tells."""
    told = [p.cloud for s in date.scenes for p in s.pieces if p.cloud is not None and p.footprint.intersects(area)]
    return sum(told) / len(told) if told else None


def _read(scene: SeenScene, area: BaseGeometry, kind: Kind, reach: Reach | None) -> Original:
    record = replace(scene.record, window=_window(scene, area))
    try:
        original = reread(record, lambda sensor, there: _chosen(sensor, there, kind), side=MAX_SIDE, reach=reach)
    except UnmeasurableError:
        raise
    except SwathError:
        raise UnmeasurableError("the original pixels cannot be opened") from None
    if original.transform is None or original.tile.crs is None:
        raise UnmeasurableError("the original pixels have no grid on the ground")
    return original


def _chosen(sensor: Sensor, there: tuple[str, ...], kind: Kind) -> tuple[str, ...]:
    bands = wanted(sensor, kind, there)
    if not bands:
        raise UnmeasurableError(f"{sensor.name} has no bands for {kind.noun}")
    return tuple(dict.fromkeys(bands.values()))


def _window(scene: SeenScene, area: BaseGeometry) -> PixelWindow:
    """The smallest square round the pieces inside the area; what sticks out of the scene is no data."""
    windows = [piece.window for piece in scene.pieces if piece.footprint.intersects(area)]
    if len(windows) == 1:
        return windows[0]
    left, top = min(each.col_off for each in windows), min(each.row_off for each in windows)
    right = max(each.col_off + each.width for each in windows)
    bottom = max(each.row_off + each.height for each in windows)
    side = max(right - left, bottom - top)
    return PixelWindow(col_off=left, row_off=top, width=side, height=side)


def _grid(original: Original, area: BaseGeometry) -> Grid:
    """The pixels of one scene that lie in an area."""
    crs, transform = CRS.from_user_input(original.tile.crs), original.transform or Affine.identity()
    left, bottom, right, top = transform_bounds("EPSG:4326", crs, *area.bounds)
    corners = [~transform @ corner for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
    cols, rows = zip(*corners, strict=True)
    height, width = original.tile.mask.shape
    first_col, first_row = max(0, int(np.floor(min(cols)))), max(0, int(np.floor(min(rows))))
    wide = min(width, int(np.ceil(max(cols)))) - first_col
    high = min(height, int(np.ceil(max(rows)))) - first_row
    if min(wide, high) < 1:
        raise UnmeasurableError("too few pixels")
    placed = transform @ Affine.translation(first_col, first_row)
    shape = transform_geom("EPSG:4326", crs, mapping(area))
    inside = geometry_mask([shape], (high, wide), placed, invert=True)
    if inside.sum() < MIN_PIXELS:
        raise UnmeasurableError("too few pixels")
    return _measured_grid(str(original.tile.crs), placed, inside)


def _measured_grid(crs: str, transform: Affine, inside: NDArray[np.bool_]) -> Grid:
    ground, (height, width) = Georeference(CRS.from_user_input(crs), transform), inside.shape
    at = np.linspace(0.5, height - 0.5, _ROWS)
    sizes = np.array([ground.pixel_size(width / 2, float(row)) for row in at])
    row_km2 = np.interp(np.arange(height) + 0.5, at, sizes.prod(axis=1) / 1e6)[:, np.newaxis]
    middle = sizes[_ROWS // 2]
    return Grid(
        crs=crs, transform=transform, inside=inside, row_km2=row_km2, pixel_m=(float(middle[0]), float(middle[1]))
    )


def _warped(original: Original, kind: Kind, grid: Grid) -> Dated:
    """A scene on the grid, each pixel the nearest: the same grid gives the same numbers."""
    tile = original.tile
    named: Mapping[str, str] = wanted(tile.sensor, kind, tile.bands)
    if not named:
        raise UnmeasurableError(f"{tile.sensor.name} has no bands for {kind.noun}")
    planes = np.stack([tile.pixels[tile.bands.index(name)] for name in named.values()] + [tile.mask])
    placed = np.zeros((len(planes), *grid.inside.shape), np.float32)
    reproject(
        planes.astype(np.float32),
        placed,
        src_transform=original.transform,
        src_crs=CRS.from_user_input(tile.crs),
        dst_transform=grid.transform,
        dst_crs=CRS.from_user_input(grid.crs),
        resampling=Resampling.nearest,
    )
    bands = dict(zip(named, placed[:-1], strict=True))
    raw = any(tile.sensor.band(name).unit != "reflectance" for name in named.values())
    return Dated(bands=bands, valid=(placed[-1] > 0.5) & grid.inside, raw=raw)
