"""Window reads: the right pixels at the right place, and a mask that says which of them to believe."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from pyproj import Transformer
from rasterio.enums import ColorInterp, Resampling
from rasterio.io import DatasetReader
from rasterio.warp import reproject

from core import Asset, CloudMask, InputError, PixelWindow, Scene, SceneError, Settings, Tile
from indexer._pixels import OpenScene
from indexer._tiling import TilingOptions
from tests.rasters import ORIGIN, UTM, plan, scene_of, scene_of_assets, write_raster

# Plain pictures have no geotransform, which rasterio warns about at every open; pytest undoes the filter in _gdal.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

KEEP_ALL = TilingOptions(tile_size=64, min_valid=0.0)
RNG = np.random.default_rng(7)


def test_a_band_tagged_alpha_that_is_read_as_data_hides_nothing(tmp_path: Path) -> None:
    pixels = np.full((4, 16, 16), 100, np.uint8)
    pixels[3, :8] = 0
    href = write_raster(tmp_path / "naip.tif", pixels, photometric="RGB", alpha="YES")
    with OpenScene(scene_of(href, "naip", "R G B NIR"), TilingOptions(tile_size=16)) as opened:
        tile = opened.read(0, 0)
    assert tile is not None
    assert tile.valid == 1
    assert (tile.pixels[3, :8] == 0).all()


def noise(bands: int, height: int, width: int, dtype: str = "uint16") -> NDArray[Any]:
    return RNG.integers(1, 200, (bands, height, width)).astype(dtype)


def ramp(side: int, step: int, dtype: str = "float32") -> NDArray[Any]:
    """Pixels that hold how many metres their centre is east, and in a second band south, of the origin."""
    at = (np.arange(side) + 0.5) * step
    east, south = np.meshgrid(at, at)
    return np.stack([east, south]).astype(dtype)


def read(scene: Scene, row: int = 0, col: int = 0, options: TilingOptions = KEEP_ALL, **settings: Any) -> Tile:
    with OpenScene(scene, options, Settings(**settings)) as opened:
        tile = opened.read(row, col)
    assert tile is not None
    return tile


def rgb(path: Path, pixels: NDArray[Any], **profile: Any) -> Scene:
    return scene_of(write_raster(path, pixels, **profile), "rgb", "red green blue")


def sar(path: Path, pixels: NDArray[Any], **profile: Any) -> Scene:
    return scene_of(write_raster(path, pixels, **profile), "sentinel-1-rtc/db", "VV VH")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scene.tif"


# --- windows


def test_a_tile_holds_the_pixels_of_its_window(path: Path) -> None:
    pixels = noise(3, 200, 300, "uint8")
    tile = read(rgb(path, pixels), 1, 2)
    assert tile.window == PixelWindow(col_off=128, row_off=64, width=64, height=64)
    assert tile.tile_id == "test~scene~r0001c0002"
    assert tile.bands == ("red", "green", "blue")
    assert tile.pixels.dtype == np.float32
    np.testing.assert_array_equal(tile.pixels, pixels[:, 64:128, 128:192])
    assert tile.mask.all()
    assert (tile.valid, tile.gsd, tile.crs) == (1.0, 10.0, "EPSG:32630")


def test_the_bands_come_in_the_order_asked_for(path: Path) -> None:
    pixels = noise(3, 64, 64, "uint8")
    href = write_raster(path, pixels)
    scene = scene_of_assets((Asset(href=href, bands=("blue", "red"), indexes=(3, 1)),), "rgb")
    np.testing.assert_array_equal(read(scene).pixels, pixels[[2, 0]])


def test_an_edge_tile_is_padded_and_masked_and_its_footprint_ends_with_the_scene(path: Path) -> None:
    pixels = noise(3, 100, 80, "uint8")
    tile = read(rgb(path, pixels), 1, 1)
    assert tile.pixels.shape == (3, 64, 64)
    np.testing.assert_array_equal(tile.pixels[:, :36, :16], pixels[:, 64:, 64:])
    assert tile.mask[:36, :16].all()
    assert tile.mask.sum() == 36 * 16
    assert tile.valid == 36 * 16 / 64**2
    assert not tile.pixels[:, ~tile.mask].any()
    assert tile.window.width == tile.window.height == 64
    to_globe = Transformer.from_crs(32630, 4326, always_xy=True)
    east_south = to_globe.transform(400_000 + 800, 4_600_000 - 1000)
    assert tile.footprint is not None
    assert min(np.hypot(*(np.array(xy) - east_south)) for xy in tile.footprint.exterior.coords) < 1e-6  # type: ignore[attr-defined]
    assert tile.centroid == pytest.approx(to_globe.transform(400_000 + 720, 4_600_000 - 820), abs=1e-7)


def test_overlapping_tiles_share_their_pixels(path: Path) -> None:
    pixels = noise(3, 64, 160, "uint8")
    options = TilingOptions(tile_size=64, overlap=0.25)
    with OpenScene(rgb(path, pixels), options) as opened:
        tiles = [opened.read(0, col) for col in range(opened.cols)]
    assert [tile.window.col_off for tile in tiles if tile] == [0, 48, 96]
    assert tiles[0] is not None
    assert tiles[1] is not None
    np.testing.assert_array_equal(tiles[0].pixels[:, :, 48:], tiles[1].pixels[:, :, :16])


@pytest.mark.parametrize("transform", [ORIGIN @ Affine.rotation(20), Affine(10, 0, 400_000, 0, 10, 4_500_000)])
def test_turned_and_south_up_scenes_are_read_as_stored(path: Path, transform: Affine) -> None:
    pixels = noise(3, 64, 64, "uint8")
    tile = read(rgb(path, pixels, transform=transform))
    np.testing.assert_array_equal(tile.pixels, pixels)
    assert tile.gsd == pytest.approx(10, rel=1e-6)


def test_a_corner_of_an_enormous_scene_is_read_without_the_rest(path: Path) -> None:
    profile = {"driver": "GTiff", "width": 60_000, "height": 60_000, "count": 3, "dtype": "uint8", "tiled": True}
    with rasterio.open(path, "w", crs="EPSG:32630", transform=ORIGIN, SPARSE_OK=True, **profile) as dataset:
        dataset.write(noise(3, 32, 32, "uint8"), window=rasterio.windows.Window(59_968, 59_968, 32, 32))
    scene = scene_of(str(path), "rgb", "red green blue")
    assert plan(scene, KEEP_ALL) == (938, 938)
    assert read(scene, 937, 937).pixels[:, :32, :32].all()


def test_a_position_outside_the_grid_is_refused(path: Path) -> None:
    with OpenScene(rgb(path, noise(3, 64, 64, "uint8")), KEEP_ALL) as opened, pytest.raises(InputError, match="1 rows"):
        opened.read(1, 0)


# --- another ground sample distance


def test_a_coarser_gsd_averages(path: Path) -> None:
    pixels = noise(2, 200, 200, "float32")
    tile = read(sar(path, pixels), 0, 0, TilingOptions(tile_size=64, gsd=20))
    assert tile.window.width == 128
    assert tile.gsd == 20
    expected = pixels[:, :128, :128].reshape(2, 64, 2, 64, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(tile.pixels, expected, rtol=1e-6)


@pytest.mark.parametrize("gsd", [25.0, 33.0, 4.0, 10.7])
def test_every_tile_pixel_stays_in_its_place_at_any_gsd(path: Path, gsd: float) -> None:
    """A ramp in metres reads the same at every resolution; at the scene's edge as well."""
    scene = sar(path, ramp(300, 10))
    options = TilingOptions(tile_size=64, gsd=gsd, min_valid=0)
    with OpenScene(scene, options) as opened:
        tiles = [opened.read(row, col) for row in range(opened.rows) for col in range(opened.cols)]
    for tile in filter(None, tiles):
        step = tile.window.width * 10 / 64
        assert tile.gsd == pytest.approx(step)
        at = (np.arange(64) + 0.5) * step
        east, south = np.meshgrid(tile.window.col_off * 10 + at, tile.window.row_off * 10 + at)
        inner = tile.mask & (east > 10) & (south > 10) & (east < 2980) & (south < 2980)
        # Averaging whole pixels over a fractional window and interpolating are both off by under half a scene pixel.
        assert abs(tile.pixels[0] - east)[inner].max(initial=0) < 6
        assert abs(tile.pixels[1] - south)[inner].max(initial=0) < 6
        np.testing.assert_array_equal(tile.mask, (east + step / 2 <= 3000 + 1e-6) & (south + step / 2 <= 3000 + 1e-6))


def test_overviews_are_used(path: Path) -> None:
    """The overviews are made of other pixels than the file then holds, so what is read tells where it came from."""
    scene = sar(path, np.full((2, 256, 256), -5, "float32"), tiled=True, blockxsize=128, blockysize=128)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([4], Resampling.average)
    with rasterio.open(path, "r+") as dataset:
        dataset.write(np.full((2, 256, 256), -9, "float32"))
    assert (read(scene, options=TilingOptions(tile_size=64, gsd=40)).pixels == -5).all()
    assert (read(scene, options=TilingOptions(tile_size=64)).pixels == -9).all()


def test_nodata_only_the_sensor_knows_is_left_out_of_averages(path: Path) -> None:
    pixels = np.full((3, 128, 128), 2000, "uint16")
    pixels[:, :, :33] = 0
    scene = scene_of(write_raster(path, pixels), "sentinel-2-l2a/dn", "B02 B03 B04")
    tile = read(scene, options=TilingOptions(tile_size=64, gsd=20))
    assert not tile.mask[:, :16].any()
    assert tile.mask[:, 16:].all()
    np.testing.assert_allclose(tile.pixels[:, tile.mask], 0.2, rtol=1e-6)


# --- the mask


def test_the_nodata_of_the_file_is_masked_where_every_band_has_it(path: Path) -> None:
    pixels = noise(3, 64, 64, "uint8")
    pixels[:, :10] = 7
    pixels[0, 20] = 7
    tile = read(rgb(path, pixels, nodata=7))
    assert not tile.mask[:10].any()
    assert not tile.pixels[:, :10].any()
    assert tile.mask[10:].all() == (pixels[:, 10:] != 7).any(axis=0).all()
    assert tile.mask[20].all()
    assert tile.valid == 54 / 64


def test_the_nodata_of_the_sensor_is_masked_where_every_band_has_it(path: Path) -> None:
    pixels = noise(3, 64, 64)
    pixels[:, :32] = 0
    pixels[1, 40] = 0
    tile = read(scene_of(write_raster(path, pixels), "sentinel-2-l2a/dn", "B02 B03 B04"))
    assert not tile.mask[:32].any()
    assert tile.mask[32:].all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_in_any_band_masks_the_pixel(path: Path, bad: float) -> None:
    pixels = noise(2, 64, 64, "float32")
    pixels[1, 3, 4] = bad
    tile = read(sar(path, pixels))
    assert not tile.mask[3, 4]
    assert tile.mask.sum() == 64**2 - 1
    assert np.isfinite(tile.pixels).all()
    assert (tile.pixels[:, 3, 4] == 0).all()


def test_a_nan_nodata_and_a_very_negative_one_are_understood(path: Path) -> None:
    pixels = noise(2, 64, 64, "float32")
    pixels[:, :5] = np.finfo("float32").min
    assert read(sar(path, pixels, nodata=float(np.finfo("float32").min))).mask.sum() == 59 * 64
    pixels[:, :5] = np.nan
    assert read(sar(path, pixels, nodata=np.nan)).mask.sum() == 59 * 64


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_single_precision_cannot_hold_is_masked(path: Path) -> None:
    pixels = noise(2, 64, 64, "float64")
    pixels[:, :5] = np.finfo("float64").min
    tile = read(sar(path, pixels))
    assert not tile.mask[:5].any()
    assert tile.mask[5:].all()
    assert np.isfinite(tile.pixels).all()


def test_the_mask_of_the_file_is_used(path: Path) -> None:
    visible = np.ones((64, 64), bool)
    visible[5:9] = False
    np.testing.assert_array_equal(read(rgb(path, noise(3, 64, 64, "uint8"), mask=visible)).mask, visible)


def test_an_alpha_band_is_a_mask_and_no_band(path: Path) -> None:
    pixels = noise(4, 64, 64, "uint8")
    pixels[3] = 255
    pixels[3, :, 60:] = 0
    scene = rgb(path, pixels)
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    tile = read(scene)
    assert len(tile.pixels) == 3
    np.testing.assert_array_equal(tile.mask, pixels[3] == 255)


def test_a_tile_with_too_little_in_it_is_dropped(path: Path) -> None:
    pixels = noise(3, 64, 128, "uint8")
    pixels[:, :, 64:] = 0
    pixels[:, :6, 64:] = 9  # 6 of 64 rows: 9 %
    scene = rgb(path, pixels, nodata=0)
    with OpenScene(scene, TilingOptions(tile_size=64, min_valid=0.1)) as opened:
        assert opened.read(0, 0) is not None
        assert opened.read(0, 1) is None
    with OpenScene(scene, TilingOptions(tile_size=64, min_valid=0.09)) as opened:
        assert opened.read(0, 1) is not None


@pytest.mark.parametrize("min_valid", [0.0, 0.1])
def test_every_tile_of_an_empty_scene_is_dropped(path: Path, min_valid: float) -> None:
    scene = rgb(path, np.zeros((3, 100, 100), "uint8"), nodata=0)
    with OpenScene(scene, TilingOptions(tile_size=64, min_valid=min_valid)) as opened:
        assert [opened.read(row, col) for row in range(2) for col in range(2)] == [None] * 4


# --- units


def test_sar_in_double_precision_becomes_single_precision_decibel(path: Path) -> None:
    pixels = np.full((2, 64, 64), 0.01, "float64")
    scene = scene_of(write_raster(path, pixels), "sentinel-1-rtc/linear", "VV VH")
    tile = read(scene)
    assert tile.pixels.dtype == np.float32
    np.testing.assert_allclose(tile.pixels, -20, rtol=1e-5)
    assert tile.encoding == "linear"


# --- several files


@pytest.fixture
def sentinel(tmp_path: Path) -> Scene:
    """Files of 10, 20 and 60 m, the coarsest first; every pixel holds its own place."""
    assets = []
    for name, step in [("B01", 60), ("B11", 20), ("B04", 10)]:
        transform = Affine(step, 0, 400_000, 0, -step, 4_600_000)
        href = write_raster(tmp_path / f"{name}.tif", ramp(2400 // step, step, "uint16")[:1], transform=transform)
        assets.append(Asset(href=href, bands=(name,), indexes=(1,)))
    return scene_of_assets(tuple(assets), "sentinel-2-l2a/dn")


def test_files_of_several_resolutions_meet_on_the_finest_grid(sentinel: Scene) -> None:
    assert plan(sentinel, KEEP_ALL) == (4, 4)
    tile = read(sentinel, 1, 1)
    assert tile.bands == ("B01", "B11", "B04")
    assert tile.gsd == 10
    east = np.broadcast_to(640 + (np.arange(64) + 0.5) * 10, (64, 64))
    for plane in tile.pixels * 10_000:
        np.testing.assert_allclose(plane, east, atol=1)


def test_files_of_several_resolutions_keep_their_place_at_a_coarser_gsd(sentinel: Scene) -> None:
    tile = read(sentinel, 0, 0, TilingOptions(tile_size=64, gsd=30))
    east = np.broadcast_to((np.arange(64) + 0.5) * 30, (64, 64))
    for plane in tile.pixels * 10_000:
        np.testing.assert_allclose(plane[2:-2, 2:-2], east[2:-2, 2:-2], atol=8)


@pytest.mark.parametrize(("step", "shift", "nodata"), [(20, 0, 0), (20, 0, None), (60, 0, 0), (20, 10, 0), (10, 5, 0)])
def test_a_coarser_file_equals_what_rasterio_warps(tmp_path: Path, step: int, shift: int, nodata: int | None) -> None:
    """Across the borders of tiles as well: what lies beside a tile takes part in its interpolation."""
    fine = write_raster(tmp_path / "fine.tif", noise(1, 240, 240), nodata=nodata)
    side = 2520 // step
    coarse = noise(1, side, side)
    coarse[:, :, : side // 3] = 0
    transform = Affine(step, 0, 400_000 - shift, 0, -step, 4_600_000 + shift)
    other = write_raster(tmp_path / "coarse.tif", coarse, transform=transform, nodata=nodata)
    assets = (Asset(href=fine, bands=("B04",), indexes=(1,)), Asset(href=other, bands=("B11",), indexes=(1,)))
    expected = np.zeros((240, 240), "float32")
    reproject(coarse[0].astype("float32"), expected, src_crs=UTM, dst_crs=UTM, src_transform=transform,
              dst_transform=ORIGIN, src_nodata=0, resampling=Resampling.bilinear)  # fmt: skip
    with OpenScene(scene_of_assets(assets, "sentinel-2-l2a/dn"), TilingOptions(tile_size=80)) as opened:
        tiles = [opened.read(row, col) for row in range(3) for col in range(3)]
    got = np.block([[tile.pixels[1] for tile in tiles[row : row + 3] if tile] for row in (0, 3, 6)]) * 10_000
    np.testing.assert_allclose(got, expected, atol=0.51)  # stored as whole numbers


def test_a_file_in_another_crs_is_warped_to_the_grid(tmp_path: Path) -> None:
    to_globe = Transformer.from_crs(32630, 4326, always_xy=True)
    fine = write_raster(tmp_path / "fine.tif", np.full((1, 128, 128), -5, "float32"))
    west, north = to_globe.transform(399_000, 4_601_000)
    lon = west + (np.arange(300) + 0.5) * 0.0003
    coarse = np.broadcast_to(lon.astype("float32"), (1, 300, 300))
    other = write_raster(tmp_path / "other.tif", coarse, crs="EPSG:4326",
                         transform=Affine(0.0003, 0, west, 0, -0.0003, north))  # fmt: skip
    assets = (Asset(href=other, bands=("VV",), indexes=(1,)), Asset(href=fine, bands=("VH",), indexes=(1,)))
    tile = read(scene_of_assets(assets, "sentinel-1-rtc/db"), 1, 1)
    assert tile.crs == "EPSG:32630"
    assert tile.mask.all()
    cols, rows = np.meshgrid(64.5 + np.arange(64), 64.5 + np.arange(64))
    expected, _ = to_globe.transform(400_000 + cols * 10, 4_600_000 - rows * 10)
    np.testing.assert_allclose(tile.pixels[0], expected, atol=0.0003 / 4)


@pytest.mark.parametrize(
    "transform",
    [Affine(10, 0, 400_000, 0, 10, 4_600_000 - 1280), ORIGIN @ Affine.rotation(15)],
    ids=["south-up", "rotated"],
)
def test_files_that_are_turned_against_each_other_still_match(tmp_path: Path, transform: Affine) -> None:
    """The finer file is turned; the coarser one, north-up, is read along with it."""
    fine = write_raster(tmp_path / "fine.tif", np.full((1, 128, 128), -5, "float32"), transform=transform)
    around = Affine(20, 0, 399_000, 0, -20, 4_602_000)
    coarse = write_raster(tmp_path / "coarse.tif", ramp(250, 20)[1:], transform=around)
    assets = (Asset(href=fine, bands=("VV",), indexes=(1,)), Asset(href=coarse, bands=("VH",), indexes=(1,)))
    tile = read(scene_of_assets(assets, "sentinel-1-rtc/db"), 1, 0)
    cols, rows = np.meshgrid(0.5 + np.arange(64), 64.5 + np.arange(64))
    _, y = transform @ (cols, rows)
    np.testing.assert_allclose(tile.pixels[1], 4_602_000 - y, atol=3)


@pytest.mark.parametrize(
    ("sensor", "bands", "dtype"),
    [("sentinel-1-rtc/db", ("VV", "VH"), "float32"), ("rgb", ("red", "green"), "uint8")],
    ids=["with nodata", "without"],
)
def test_where_one_file_of_several_ends_nothing_is_valid(
    tmp_path: Path, sensor: str, bands: tuple[str, str], dtype: str
) -> None:
    whole = write_raster(tmp_path / "whole.tif", noise(1, 64, 64, dtype))
    half = write_raster(tmp_path / "half.tif", noise(1, 32, 16, dtype), transform=ORIGIN @ Affine.scale(2))
    assets = (Asset(href=whole, bands=bands[:1], indexes=(1,)), Asset(href=half, bands=bands[1:], indexes=(1,)))
    tile = read(scene_of_assets(assets, sensor))
    assert tile.mask[:, :31].all()
    assert not tile.mask[:, 33:].any()


@pytest.mark.parametrize("nodata", [np.nan, None])
def test_nan_in_a_coarser_file_is_not_interpolated_over(tmp_path: Path, nodata: float | None) -> None:
    fine = write_raster(tmp_path / "fine.tif", noise(1, 64, 64, "float32"))
    pixels = noise(1, 32, 32, "float32")
    pixels[:, :, :16] = np.nan
    coarse = write_raster(tmp_path / "coarse.tif", pixels, transform=ORIGIN @ Affine.scale(2), nodata=nodata)
    assets = (Asset(href=fine, bands=("VV",), indexes=(1,)), Asset(href=coarse, bands=("VH",), indexes=(1,)))
    tile = read(scene_of_assets(assets, "sentinel-1-rtc/db"))
    assert not tile.mask[:, :32].any()
    assert tile.mask[:, 33:].all()


# --- clouds


def cloudy(tmp_path: Path, classes: NDArray[Any], **mask: Any) -> Scene:
    pixels = np.full((3, 64, 64), 1000, "uint16")
    pixels[:, :16] = 0
    href = write_raster(tmp_path / "bands.tif", pixels)
    classes_href = write_raster(
        tmp_path / "classes.tif", classes, transform=ORIGIN @ Affine.scale(64 / classes.shape[1])
    )
    cloud_mask = CloudMask(href=classes_href, index=1, **mask)
    return scene_of(href, "sentinel-2-l2a/dn", "B02 B03 B04", cloud_mask=cloud_mask, cloud=0.9)


def test_clouds_are_counted_among_valid_pixels(tmp_path: Path) -> None:
    classes = np.full((1, 32, 32), 4, "uint8")
    classes[:, :, :8] = 9
    classes[:, :, 8:16] = 3
    tile = read(cloudy(tmp_path, classes, values=(8, 9, 10)))
    assert tile.valid == 0.75
    assert tile.cloud == 0.25


def test_classes_are_never_averaged(tmp_path: Path) -> None:
    """Classes 7 and 9 side by side would average to 8, cloud."""
    classes = np.full((1, 64, 64), 6, "uint8")
    classes[:, :, ::2] = 10
    scene = cloudy(tmp_path, classes, values=(8,))
    assert read(scene, options=TilingOptions(tile_size=32, gsd=20)).cloud == 0
    assert read(cloudy(tmp_path, classes[:, ::4, ::2], values=(8,)), options=KEEP_ALL).cloud == 0


def test_cloud_bits_are_tested_one_by_one(tmp_path: Path) -> None:
    classes = np.full((1, 64, 64), 1 << 6, "uint16")
    classes[:, :, :16] = (1 << 3) | (1 << 6)
    classes[:, :, 16:32] = 1 << 4
    assert read(cloudy(tmp_path, classes, bits=(3, 4))).cloud == 0.5


def test_without_a_mask_the_cloud_cover_of_the_scene_counts_and_unknown_stays_unknown(path: Path) -> None:
    href = write_raster(path, noise(3, 64, 64, "uint8"))
    assert read(scene_of(href, "rgb", "red green blue", cloud=0.3)).cloud == 0.3
    assert read(scene_of(href, "rgb", "red green blue")).cloud is None


def test_a_cloud_mask_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    scene = cloudy(tmp_path, np.zeros((1, 64, 64), "uint8"), values=(8,))
    (tmp_path / "classes.tif").unlink()
    with pytest.raises(SceneError, match=r"^classes.tif cannot be read"):
        read(scene)


# --- plain pictures


def picture(path: Path, pixels: NDArray[Any], **profile: Any) -> Scene:
    return scene_of(
        write_raster(path, pixels, crs=None, **profile), "rgb", "red green blue", georeferenced=False, label="farm"
    )


def test_a_picture_is_one_tile_without_a_place(tmp_path: Path) -> None:
    pixels = noise(3, 150, 100, "uint8")
    scene = picture(tmp_path / "a.png", pixels, driver="PNG")
    assert plan(scene, TilingOptions(overlap=0.5, gsd=3)) == (1, 1)
    tile = read(scene, options=TilingOptions())
    np.testing.assert_array_equal(tile.pixels, pixels)
    assert tile.window == PixelWindow(col_off=0, row_off=0, width=100, height=150)
    assert (tile.crs, tile.footprint, tile.centroid, tile.gsd) == (None, None, None, None)
    assert (tile.valid, tile.label, tile.tile_id) == (1.0, "farm", "test~scene~r0000c0000")


def test_a_large_picture_is_read_at_1024_pixels(tmp_path: Path) -> None:
    href = tmp_path / "a.jpg"
    Image.fromarray(np.full((1500, 3000, 3), 90, "uint8")).save(href)
    tile = read(scene_of(str(href), "rgb", "red green blue", georeferenced=False))
    assert tile.pixels.shape == (3, 512, 1024)
    assert tile.window == PixelWindow(col_off=0, row_off=0, width=3000, height=1500)
    np.testing.assert_allclose(tile.pixels, 90, atol=1)
    assert tile.mask.all()


def test_the_alpha_of_a_picture_is_its_mask(tmp_path: Path) -> None:
    pixels = noise(4, 50, 50, "uint8")
    pixels[3] = np.where(np.arange(50) < 20, 0, 255)
    tile = read(picture(tmp_path / "a.png", pixels, driver="PNG"))
    assert tile.valid == 0.6
    assert not tile.mask[:, :20].any()


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    scene = picture(tmp_path / "a.png", noise(3, 100, 100, "uint8"), driver="PNG")
    with pytest.raises(SceneError, match=r"has 100 x 100 pixels; at most 9,999 are accepted"):
        read(scene, max_picture_pixels=9_999)


def test_the_files_of_one_picture_must_agree_in_size(tmp_path: Path) -> None:
    one = write_raster(tmp_path / "r.tif", noise(1, 50, 50, "uint8"), crs=None)
    two = write_raster(tmp_path / "g.tif", noise(1, 50, 51, "uint8"), crs=None)
    assets = (Asset(href=one, bands=("red",), indexes=(1,)), Asset(href=two, bands=("green",), indexes=(1,)))
    with pytest.raises(SceneError, match=r"^g.tif is a picture of another size"):
        read(scene_of_assets(assets, "rgb", georeferenced=False))


# --- what cannot be read


def test_a_scene_over_the_cap_is_refused(path: Path) -> None:
    with pytest.raises(SceneError, match=r"has 64 x 64 pixels; at most 4,095"):
        read(rgb(path, noise(3, 64, 64, "uint8")), max_scene_pixels=4095)


def test_a_scene_without_a_crs_says_how_to_go_on(path: Path) -> None:
    with pytest.raises(SceneError, match=r"has no CRS; .*gdal_edit -a_srs"):
        read(rgb(path, noise(3, 64, 64, "uint8"), crs=None))


def test_a_file_cut_off_in_the_middle_gives_one_line_where_it_ends(path: Path) -> None:
    profile = {"compress": "deflate", "tiled": True, "blockxsize": 64, "blockysize": 64}
    scene = rgb(path, noise(3, 256, 256, "uint8"), **profile)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with OpenScene(scene, KEEP_ALL) as opened:
        assert opened.rows == 4
        with pytest.raises(SceneError) as caught:
            [opened.read(row, col) for row in range(4) for col in range(4)]
    message = str(caught.value)
    assert message.startswith("cannot be read: ")
    assert "\n" not in message
    assert "previous exception" not in message


@pytest.mark.parametrize("driver", ["PNG", "JPEG"])
def test_a_picture_cut_off_in_the_middle_is_no_garbage(tmp_path: Path, driver: str) -> None:
    file = tmp_path / "a.img"
    scene = picture(file, noise(3, 500, 600, "uint8"), driver=driver)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(SceneError, match="cannot be read"):
        read(scene)


def test_a_missing_file_of_several_is_named(tmp_path: Path) -> None:
    there = write_raster(tmp_path / "vv.tif", noise(1, 64, 64, "float32"))
    gone = str(tmp_path / "vh.tif")
    assets = (Asset(href=there, bands=("VV",), indexes=(1,)), Asset(href=gone, bands=("VH",), indexes=(1,)))
    with pytest.raises(SceneError, match=r"^vh.tif cannot be read: No such file"):
        read(scene_of_assets(assets, "sentinel-1-rtc/db"))


@pytest.mark.parametrize("files", [1, 2])
def test_a_remote_file_that_fails_midway_is_told_without_its_signature(
    path: Path, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_raster(path, noise(3, 256, 256, "uint8"), compress="deflate", tiled=True, blockxsize=64, blockysize=64)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    monkeypatch.setattr("indexer._pixels.open_raster", lambda href: rasterio.open(path))
    href = "https://example.org/a/B04.tif?sig=SECRET"
    names = ("red", "green")[:files]
    assets = tuple(Asset(href=href, bands=(name,), indexes=(1,)) for name in names)
    with pytest.raises(SceneError, match="cannot be read") as caught:
        read(scene_of_assets(assets, "rgb"), 3, 3)
    assert "SECRET" not in str(caught.value)
    assert str(caught.value).startswith("B04.tif cannot be read" if files == 2 else "cannot be read")


def test_a_band_the_file_does_not_have_is_refused(path: Path) -> None:
    scene = scene_of(write_raster(path, noise(2, 64, 64, "uint8")), "rgb", "red green blue")
    with pytest.raises(SceneError, match="has 2 bands; band 3 was asked for"):
        read(scene)


def test_complex_numbers_are_refused(path: Path) -> None:
    scene = scene_of(write_raster(path, noise(1, 64, 64).astype("complex64")), "sentinel-1-grd", "VV")
    with pytest.raises(SceneError, match="complex numbers"):
        read(scene)


def test_nothing_stays_open_when_opening_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def opening(href: str) -> DatasetReader:
        opened.append(rasterio.open(href))
        return opened[-1]

    monkeypatch.setattr("indexer._pixels.open_raster", opening)
    scene = scene_of(write_raster(tmp_path / "a.tif", noise(2, 64, 64, "uint8")), "rgb", "red green blue")
    with pytest.raises(SceneError):
        read(scene)
    assert [dataset.closed for dataset in opened] == [True]


def test_threads_that_each_open_the_scene_read_the_same(sentinel: Scene) -> None:
    def all_tiles(_: int) -> NDArray[np.float32]:
        with OpenScene(sentinel, KEEP_ALL) as opened:
            tiles = [opened.read(row, col) for row in range(opened.rows) for col in range(opened.cols)]
        return np.stack([tile.pixels for tile in tiles if tile])

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(all_tiles, range(8)))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
