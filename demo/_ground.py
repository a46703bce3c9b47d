"""The landscape on pixels of 5 m: cover codes a date, and the fields that give covers their texture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine, from_origin
from shapely.geometry.base import BaseGeometry

from demo._covers import CROPS, FOREST, Cover, grain
from demo._noise import Image, blur, fractal, ramp, stream
from demo._shapes import Paint
from demo._world import SCENE_M, WORLD_M, World, flood_reach, world_grid

Codes = NDArray[np.uint8]
Number = TypeVar("Number", bound=np.generic)

FINE_M = 5.0
"""Pixel of the cover map: half a Sentinel-2 pixel, so that edges mix."""

FINE = int(SCENE_M / FINE_M)
"""Pixels a side of the cover map."""

_BURNABLE = (*FOREST, Cover.GRASS, Cover.SCRUB, *CROPS)
_FLOODABLE = (*CROPS, Cover.GRASS, Cover.SCRUB, Cover.TRAIL, Cover.SAND)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """One scene's ground."""

    covers: tuple[Codes, Codes, Codes]
    """(h, w) of 5 m, one a date."""
    grains: tuple[Image, Image]
    """(h, w) of 5 m: standard deviations along the two directions of variation, for an untouched ground."""
    shade: Image
    """(h, w) of 10 m: brightness from the slope towards the sun."""


@dataclass(frozen=True, kw_only=True)
class _Site:
    """What events and textures of one scene depend on."""

    world: World
    grid: Affine
    patches: Image  # (h, w) of 5 m
    detail: Image
    objects: NDArray[np.uint16]  # number of the stroke that painted each pixel


def ground(world: World, *, column: int, row: int, seed: int) -> Ground:
    """Return the ground of the scene in that column and row (row 0 in the north)."""
    west, north = column * SCENE_M, WORLD_M - row * SCENE_M
    grid = from_origin(west, north, FINE_M, FINE_M)
    height, patches, detail = (world_grid(values, column, row) for values in world.fields)
    codes, objects = _painted(world.paints, grid, _natural(height, patches, detail))
    site = _Site(world=world, grid=grid, patches=_twice(patches), detail=_twice(detail), objects=objects)
    codes[_shallows(site, stream(seed, "shallows", column, row)) & (codes == Cover.SEA)] = Cover.SHALLOWS
    return Ground(
        covers=(codes.copy(), _season(site, codes, 1), _season(site, codes, 2)),
        grains=_grains(site, codes, stream(seed, "grain", column, row)),
        shade=_shade(height, west, north),
    )


def _twice(values: NDArray[Number]) -> NDArray[Number]:
    return values.repeat(2, axis=0).repeat(2, axis=1)


def _natural(height: Image, patches: Image, detail: Image) -> Codes:
    """Return what grows where nobody farms or builds: forest, conifers higher up, clearings, rock on the tops."""
    codes = np.full(height.shape, Cover.BROADLEAF, dtype=np.uint8)
    rough = patches + 0.22 * detail
    codes[height + 0.5 * patches + 0.2 * detail > 0.25] = Cover.CONIFER
    codes[rough > 0.95] = Cover.SCRUB
    codes[rough > 1.25] = Cover.GRASS
    codes[height + 0.12 * detail > 1.75] = Cover.BARE
    return _twice(codes)


def _painted(paints: tuple[Paint, ...], grid: Affine, codes: Codes) -> tuple[Codes, NDArray[np.uint16]]:
    """Return cover codes and, for each pixel, the number of the stroke that painted it."""
    packed = [
        (paint.geometry, int(paint.cover) + 256 * (index + 1))
        for index, paint in enumerate(paints)
        if paint.epochs == (0, 1, 2)
    ]
    burnt_in = _rasterize(packed, grid)
    painted = burnt_in > 0
    objects = np.where(painted, burnt_in // 256, 0).astype(np.uint16)
    # Where something is built later, today's texture must not give it away.
    sites = _rasterize([(paint.geometry, 1) for paint in paints if paint.epochs != (0, 1, 2)], grid)
    objects[sites > 0] = len(paints) + 1
    return np.where(painted, burnt_in % 256, codes).astype(np.uint8), objects


def _rasterize(shapes: list[tuple[BaseGeometry, int]], grid: Affine) -> NDArray[np.int32]:
    view = shapely.box(grid.c, grid.f - SCENE_M, grid.c + SCENE_M, grid.f)
    seen = [pair for pair in shapes if pair[0].intersects(view)]
    if not seen:
        return np.zeros((FINE, FINE), dtype=np.int32)
    return np.asarray(rasterize(seen, out_shape=(FINE, FINE), transform=grid, fill=0, dtype="int32"))


def _season(site: _Site, codes: Codes, epoch: int) -> Codes:
    """Return the cover of a later date: what is built then, what has burnt, what is under water."""
    passing = [
        (paint.geometry, int(paint.cover))
        for paint in site.world.paints
        if paint.epochs != (0, 1, 2) and epoch in paint.epochs
    ]
    strokes = _rasterize(passing, site.grid)
    result = np.where(strokes > 0, strokes, codes).astype(np.uint8)
    burnt = _burn(site) & np.isin(result, _BURNABLE)
    result[burnt] = Cover.BURNT if epoch == 1 else Cover.RECOVERING
    if epoch == 2:
        result[_flood(site) & np.isin(result, _FLOODABLE)] = Cover.FLOOD
    return result


def _shallows(site: _Site, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return where the sea is shallow or muddy: along the shore and off the river mouth, scattered at the edge."""
    shore = site.world.shore
    mouth = shapely.get_parts(shore.intersection(site.world.river_line))[0]
    shapes = [(mouth.buffer(2100.0 - 250 * step), step) for step in range(8)]
    shapes += [(shore.buffer(60.0 * step), 8 - step) for step in range(7, 0, -1)]
    rings = _rasterize(shapes, site.grid)
    scatter = rng.uniform(-3, 3, rings.shape).astype(np.float32)
    return np.asarray((rings > 0) & (rings - 4.0 + 1.4 * site.patches + 0.7 * site.detail + scatter > 0))


def _burn(site: _Site) -> NDArray[np.bool_]:
    """Return where the fire went: its outline frayed by the wind, with unburnt islands."""
    outline = site.world.burn
    rings = _rasterize([(outline.buffer(-80.0 * step), step + 1) for step in range(8)], site.grid)
    return np.asarray((rings > 0) & (rings - 2.6 + 1.6 * site.patches + 0.9 * site.detail > 0))


def _flood(site: _Site) -> NDArray[np.bool_]:
    """Return where the river left its bed: by distance, by the lie of the land, and field by field."""
    reach = flood_reach(site.world.river_line)
    rings = _rasterize([(reach.buffer(80.0 * step), 15 - step) for step in range(14, 0, -1)], site.grid)
    field = np.random.default_rng(11).normal(0, 1.6, 65536).astype(np.float32)[site.objects]
    return np.asarray((rings > 0) & (rings - 7.0 + field + 2.6 * site.patches + 0.8 * site.detail > 0))


def _grains(site: _Site, codes: Codes, rng: np.random.Generator) -> tuple[Image, Image]:
    """Return the two texture fields: each cover takes its shares of object, patch and pixel noise."""
    shares = grain()
    own = fractal(rng, codes.shape[0] // 2, exponent=1.1, coarsest=0.2)
    fields = []
    for slow in (0.75 * site.detail + 0.5 * site.patches, _twice(own)):
        thing = rng.standard_normal(65536, dtype=np.float32)[site.objects]
        speck = rng.standard_normal(codes.shape, dtype=np.float32)
        total = shares[:, 0][codes] * thing + shares[:, 1][codes] * slow + shares[:, 2][codes] * speck
        fields.append(np.clip(total, -2.2, 2.6).astype(np.float32))
    fields[0] += _rows(codes, site.objects, rng)
    return fields[0], fields[1]


def _rows(codes: Codes, objects: NDArray[np.uint16], rng: np.random.Generator) -> Image:
    """Return stripes along each field: drill rows and tramlines as wide as machines."""
    angle = rng.uniform(0, np.pi, 65536).astype(np.float32)
    pitch = rng.uniform(18, 45, 65536).astype(np.float32)
    along = np.arange(codes.shape[0], dtype=np.float32) * np.float32(FINE_M)
    crossing = along[None, :] * (np.cos(angle) / pitch)[objects] + along[:, None] * (np.sin(angle) / pitch)[objects]
    stripes = np.float32(0.22) * np.sin(np.float32(2 * np.pi) * crossing)
    return np.asarray(np.where(np.isin(codes, CROPS), stripes, 0), dtype=np.float32)


def _shade(height: Image, west: float, north: float) -> Image:
    """Return the slope's brightness: the sun stands in the south-east, and only the uplands have slopes."""
    smooth = height
    for _ in range(4):
        smooth = blur(smooth, 0.25)
    down, right = np.gradient(smooth)
    step = SCENE_M / height.shape[0]
    x = west + step * (np.arange(height.shape[1], dtype=np.float32) + 0.5)
    y = north - step * (np.arange(height.shape[0], dtype=np.float32) + 0.5)
    away = np.hypot(x[None, :] - 4300, y[:, None] - 17400).astype(np.float32)
    relief = 1 - ramp(away, 4200, 7500)
    return np.asarray(1 + relief * np.clip(-(right + 1.2 * down) * 4.2, -0.4, 0.4), dtype=np.float32)
