"""Where tiles are: footprint, centre, ground sample distance and the name of the CRS.

Pixel coordinates are col, row with 0, 0 at the outer corner of the top left pixel. Edges that are straight in the
scene's CRS are curved in lon, lat: vertices are added until the polygon is within half a pixel of the true edge, so a
UTM tile of 2 km keeps four vertices and a tile round a pole gets as many as it needs.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError, ProjError
from rasterio.crs import CRS as RasterCRS  # noqa: N811 - two libraries call their class CRS
from shapely.geometry.base import BaseGeometry

from core import SceneError, wrap_footprint

TOLERANCE_PIXELS = 0.5
"""Farthest a footprint's edge may be from the true edge, in pixels of the tile."""

NOMINAL_WITHIN = 0.01
"""A projection whose scale is this close to true gives its own unit: a 10 m UTM pixel is 10 m, not 10.004 m."""

# https://epsg.io/9801 onwards: a transverse Mercator zone stays within 0.1 %; Web Mercator at 45 degrees is 41 % off.

_METRES_PER_DEGREE = 111_195.08
"""Of a great circle on the IUGG mean sphere, 2 pi 6371.0088 km / 360."""

_MAX_ROUNDS = 12
"""Halvings of an edge at most; 4,096 vertices an edge are only met beside a pole, and there only locally."""

_GEOD = Geod(ellps="WGS84")
_LOCAL = threading.local()

POLE_SLACK = 1.0
"""Degrees a grid may reach beyond a pole: global grids whose pixel centres lie on it stick out by half a pixel."""


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """What a tile says of its place; see Tile."""

    gsd: float
    """Metres per tile pixel at the centre."""
    crs: str
    """``EPSG:32619`` or WKT2."""
    footprint: BaseGeometry
    """Polygon or MultiPolygon in lon, lat."""
    centroid: tuple[float, float]
    """lon, lat."""


class Georeference:
    """Places pixels of one scene on the globe. For use in the thread that made it.

    Args:
        crs: The scene's CRS, of any kind that can be turned into lon, lat.
        transform: From col, row to the CRS; may be rotated, sheared or south-up.

    Raises:
        SceneError: The CRS or transform cannot place pixels on the globe.
    """

    def __init__(self, crs: RasterCRS, transform: Affine) -> None:
        if transform.is_degenerate or transform == Affine.identity():
            raise SceneError("has a CRS but no usable geotransform; write one with gdal_edit -a_ullr")
        self.crs_text = crs_text(crs)
        self._transform = transform
        self._geographic = bool(crs.is_geographic)
        self._unit = float(crs.linear_units_factor[1]) if crs.is_projected else 0.0
        self._to_lonlat = _transformer(self.crs_text)

    def _project(
        self, cols: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        a, b, c, d, e, f = self._transform[:6]
        return a * cols + b * rows + c, d * cols + e * rows + f

    def lonlat(
        self, cols: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lon, lat in degrees of pixel coordinates; lon as projected, lat within -90..90.

        Raises:
            SceneError: A point lies where the projection cannot be undone.
        """
        x, y = self._project(cols, rows)
        lon, lat = self._to_lonlat.transform(x, y)
        if not (np.isfinite(lon).all() and (np.abs(lat) <= 90 + POLE_SLACK).all()):
            raise SceneError(f"has pixels outside the area of its CRS ({self.crs_text[:60]})")
        return lon, np.clip(lat, -90, 90)

    def point(self, col: float, row: float) -> tuple[float, float]:
        """Return lon (-180..180), lat of one pixel coordinate."""
        lon, lat = self.lonlat(np.array([col]), np.array([row]))
        return (float(lon[0]) + 180) % 360 - 180, float(lat[0])

    def pixel_size(self, col: float, row: float) -> tuple[float, float]:
        """Return the width and height in metres of the pixel centred on a pixel coordinate, on the ellipsoid."""
        lon, lat = self.lonlat(col + np.array([-0.5, 0.5, 0, 0]), row + np.array([0, 0, -0.5, 0.5]))
        _, _, true = _GEOD.inv(lon[::2], lat[::2], lon[1::2], lat[1::2])
        a, b, _, d, e, _ = self._transform[:6]
        nominal = (math.hypot(a, d) * self._unit, math.hypot(b, e) * self._unit)
        width, height = (_settle(float(t), n) for t, n in zip(true, nominal, strict=True))
        return width, height

    def gsd(self, col: float, row: float) -> float:
        """Return the side in metres of a square as large as the pixel centred on a pixel coordinate."""
        width, height = self.pixel_size(col, row)
        return math.sqrt(width * height)

    def whereabouts(self, left: float, top: float, right: float, bottom: float, *, coarser: float) -> Whereabouts:
        """Return what is known of a rectangle of pixel coordinates whose tile pixels are ``coarser`` scene pixels."""
        centre = ((left + right) / 2, (top + bottom) / 2)
        gsd = self.gsd(*centre) * coarser
        footprint = self.footprint(left, top, right, bottom, pixel=gsd)
        return Whereabouts(gsd=gsd, crs=self.crs_text, footprint=footprint, centroid=self.point(*centre))

    def footprint(self, left: float, top: float, right: float, bottom: float, *, pixel: float) -> BaseGeometry:
        """Return the polygon of a rectangle of pixel coordinates, in lon, lat, cut at the antimeridian.

        Args:
            left: First column.
            top: First row.
            right: Column after the last.
            bottom: Row after the last.
            pixel: Size of a tile pixel in metres: half of it is how far the polygon may be off.
        """
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
        at = self._first_vertices(corners)
        for _ in range(_MAX_ROUNDS):
            bent = self._bent(corners, at, TOLERANCE_PIXELS * pixel)
            if not bent.any():
                break
            at = np.union1d(at, (at[:-1] + at[1:])[bent] / 2)
        lon, lat = self._along(corners, at[:-1])
        return wrap_footprint(list(zip(lon.tolist(), lat.tolist(), strict=True)))

    def _first_vertices(self, corners: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions 0..4 along the ring: its corners, and vertices between so that none are over 90 degrees apart."""
        if not self._geographic:
            return np.arange(5.0)
        lon, _ = self._project(corners[:, 0], corners[:, 1])
        pieces = np.maximum(1, np.ceil(np.abs(np.diff(lon)) / 90)).astype(int)
        edges = [side + np.arange(count) / count for side, count in enumerate(pieces)]
        return np.concatenate([*edges, [4.0]])

    def _along(
        self, corners: NDArray[np.float64], at: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lon, lat at positions 0..4 along the ring."""
        sides = np.arange(5.0)
        return self.lonlat(np.interp(at, sides, corners[:, 0]), np.interp(at, sides, corners[:, 1]))

    def _bent(self, corners: NDArray[np.float64], at: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
        """Which segments of the ring leave their chord in lon, lat by more than the tolerance, in metres."""
        # Three points a segment, so that a curve that crosses its chord half-way is seen as well.
        steps = np.arange(4) / 4
        fine = np.append((at[:-1, None] + np.diff(at)[:, None] * steps).ravel(), at[-1])
        lon, lat = self._along(corners, fine)
        lon = np.unwrap(lon, period=360)
        chord_lon = lon[:-1:4, None] + (lon[4::4] - lon[:-1:4])[:, None] * steps
        chord_lat = lat[:-1:4, None] + (lat[4::4] - lat[:-1:4])[:, None] * steps
        lon, lat = lon[:-1].reshape(-1, 4), lat[:-1].reshape(-1, 4)
        east = (lon - chord_lon) * np.cos(np.radians(np.minimum(abs(lat), abs(chord_lat))))
        off = np.hypot(east, lat - chord_lat).max(axis=1) * _METRES_PER_DEGREE
        return np.asarray(off > tolerance)


def _settle(true: float, nominal: float) -> float:
    return nominal if nominal and abs(true / nominal - 1) < NOMINAL_WITHIN else true


def crs_text(crs: RasterCRS) -> str:
    """Return ``EPSG:32619``, or WKT2 where the CRS has no code."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt(version="WKT2_2019"))


def _transformer(text: str) -> Transformer:
    """Return the transformer to lon, lat; made once per thread, as pyproj's are not to be shared between threads."""
    known: dict[str, Transformer] = _LOCAL.__dict__.setdefault("transformers", {})
    if text not in known:
        try:
            known[text] = Transformer.from_crs(CRS.from_user_input(text), CRS.from_epsg(4326), always_xy=True)
        except (CRSError, ProjError) as error:
            raise SceneError(f"has a CRS that cannot be turned into lon, lat: {str(error)[:120]}") from None
    return known[text]
