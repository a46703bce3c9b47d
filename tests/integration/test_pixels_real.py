"""Tiles of real files against rasterio's own reading of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Geod
from rasterio.enums import Resampling
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from core import Scene, Tile, cover_cells, geometry_bbox, to_physical
from indexer._pixels import OpenScene
from indexer._preview import preview
from indexer._tiling import TilingOptions
from tests.integration.real import ROOT
from tests.rasters import plan, scene_of

S2_L2A = "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B11 B12"
S2_L1C = "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B10 B11 B12"


@dataclass(frozen=True, kw_only=True)
class Real:
    """A file under the real data, and what is in it."""

    file: str
    sensor: str
    bands: str


NAIP = Real(file="landsat_naip/naip/m_4709963_se_14_1_20100629.tif", sensor="naip", bands="R G B NIR")
FILES = [
    NAIP,
    Real(file="terramind/S1RTC/282D_485L_3_3.tif", sensor="sentinel-1-rtc/db", bands="VV VH"),
    Real(file="terramind/S2L2A/282D_485L_3_3.tif", sensor="sentinel-2-l2a/dn", bands=S2_L2A),
    Real(file="sen1floods11/S1/Spain_7370579_S1Hand.tif", sensor="sentinel-1-grd/db", bands="VV VH"),
    Real(file="sen1floods11/S2/Spain_7370579_S2Hand.tif", sensor="sentinel-2-l1c/dn", bands=S2_L1C),
]
OPTIONS = [
    TilingOptions(min_valid=0.0),
    TilingOptions(tile_size=100, overlap=0.3, min_valid=0.0),
]
LANDSAT = ROOT / "docs" / "examples" / "landsat-uint8-composite.toml"
FILES.append(Real(file="landsat_naip/landsat/1990.tif", sensor=str(LANDSAT), bands="SWIR1 NIR red green"))

each_file = pytest.mark.parametrize("real", FILES, ids=lambda real: real.file.rpartition("/")[2])


def scene(data: Path, real: Real) -> Scene:
    path = data / real.file
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return scene_of(str(path), real.sensor, real.bands)


def tiles(found: Scene, options: TilingOptions) -> list[Tile]:
    with OpenScene(found, options) as opened:
        read = [opened.read(row, col) for row in range(opened.rows) for col in range(opened.cols)]
    return [tile for tile in read if tile]


def boundless(found: Scene, tile: Tile) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Pixels and validity as rasterio alone reads them."""
    window = Window(tile.window.col_off, tile.window.row_off, tile.window.width, tile.window.height)
    indexes = list(found.assets[0].indexes)
    with rasterio.open(found.href) as dataset:
        pixels = dataset.read(indexes, window=window, boundless=True, fill_value=0)
        inside = dataset.read_masks(indexes, window=window, boundless=True).any(axis=0)
        cols, rows = np.meshgrid(np.arange(window.width) + window.col_off, np.arange(window.height) + window.row_off)
        inside &= (cols < dataset.width) & (rows < dataset.height)
    nodata = [found.sensor.band(name).nodata for name in tile.bands]
    blank = np.all([plane == value for plane, value in zip(pixels, nodata, strict=True)], axis=0)
    return pixels, inside & ~blank & np.isfinite(pixels).all(axis=0)


@each_file
@pytest.mark.parametrize("options", OPTIONS, ids=["plain", "overlap"])
def test_pixels_and_masks_equal_a_boundless_read(real_data: Path, real: Real, options: TilingOptions) -> None:
    found = scene(real_data, real)
    read = tiles(found, options)
    assert read
    for tile in read:
        stored, valid = boundless(found, tile)
        np.testing.assert_array_equal(tile.mask, valid)
        expected = np.where(valid, to_physical(stored, found.sensor, tile.bands, found.encoding, found.offset), 0)
        np.testing.assert_array_equal(tile.pixels, expected)
        assert tile.valid == pytest.approx(valid.mean())


@each_file
def test_places_equal_what_rasterio_and_pyproj_say(real_data: Path, real: Real) -> None:
    found = scene(real_data, real)
    with rasterio.open(found.href) as dataset:
        crs, transform, height, width = dataset.crs, dataset.transform, dataset.height, dataset.width
    for tile in tiles(found, TilingOptions(min_valid=0.0)):
        left, top = tile.window.col_off, tile.window.row_off
        right, bottom = min(width, left + 224), min(height, top + 224)
        (x0, y0), (x1, y1) = transform @ (left, top), transform @ (right, bottom)
        expected = transform_bounds(crs, "EPSG:4326", x0, y1, x1, y0, densify_pts=50)
        assert tile.footprint is not None
        assert tile.gsd is not None
        # Half a pixel is what a footprint may be off; a degree of longitude is less than 111 km.
        assert geometry_bbox(tile.footprint) == pytest.approx(expected, abs=0.6 * tile.gsd / 70_000)
        lon, lat = tile.centroid or (None, None)
        assert (lon, lat) == pytest.approx(
            ((expected[0] + expected[2]) / 2, (expected[1] + expected[3]) / 2), abs=tile.gsd / 70_000
        )
        assert tile.crs == f"EPSG:{crs.to_epsg()}"
        assert len(cover_cells(tile.footprint)) <= 16


def test_the_gsd_of_a_file_in_degrees_is_in_metres(real_data: Path) -> None:
    found = scene(real_data, FILES[3])
    tile = tiles(found, TilingOptions())[0]
    west, south, east, north = geometry_bbox(tile.footprint)  # type: ignore[arg-type]  # georeferenced
    geod = Geod(ellps="WGS84")
    _, _, width = geod.inv(west, (south + north) / 2, east, (south + north) / 2)
    _, _, height = geod.inv(west, south, west, north)
    assert tile.gsd == pytest.approx(np.sqrt(width / 224 * height / 224), rel=1e-3)
    assert tile.gsd == pytest.approx(8.9, abs=0.5)


def test_nan_borders_of_a_real_sar_chip_are_masked(real_data: Path) -> None:
    found = scene(real_data, FILES[3])
    with rasterio.open(found.href) as dataset:
        holes = ~np.isfinite(dataset.read()).all(axis=0)
    masked = np.zeros_like(holes)
    for tile in tiles(found, TilingOptions(min_valid=0.0)):
        assert np.isfinite(tile.pixels).all()
        rows, cols = (
            slice(tile.window.row_off, tile.window.row_off + 224),
            slice(tile.window.col_off, tile.window.col_off + 224),
        )
        part = masked[rows, cols]
        part |= ~tile.mask[: part.shape[0], : part.shape[1]]
    np.testing.assert_array_equal(masked, holes)


def test_a_coarser_gsd_equals_a_decimated_read_through_overviews(real_data: Path) -> None:
    found = scene(real_data, NAIP)
    options = TilingOptions(tile_size=112, gsd=20, min_valid=0.0)
    assert plan(found, options) == (2, 3)
    tile = tiles(found, options)[0]
    with rasterio.open(found.href) as dataset:
        window = Window(0, 0, 448, 448)
        expected = dataset.read(window=window, out_shape=(4, 112, 112), resampling=Resampling.average)
        full = dataset.read(window=window).astype("float32").reshape(4, 112, 4, 112, 4).mean(axis=(2, 4))
    assert tile.gsd == 20
    np.testing.assert_array_equal(tile.pixels, np.where(tile.mask, expected, 0))
    # The file's own overviews were made with another filter, so that block means are only close.
    assert abs(tile.pixels - full)[:, tile.mask].mean() < 4


def test_every_real_file_gives_a_picture_with_something_in_it(real_data: Path) -> None:
    for real in FILES:
        for tile in tiles(scene(real_data, real), TilingOptions()):
            assert 200 < len(preview(tile)) < 20_000
