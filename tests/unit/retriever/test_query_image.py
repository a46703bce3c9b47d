"""Pictures as queries: what is read, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from core import QueryError
from retriever import query_tile

PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def write_tiff(path: Path, count: int, dtype: str = "uint8", colours: list[ColorInterp] | None = None) -> Path:
    place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 4_900_000, 10, 10)}
    with rasterio.open(path, "w", driver="GTiff", width=6, height=4, count=count, dtype=dtype, **place) as raster:
        for band in range(count):
            raster.write(PIXELS[..., band % 3].astype(dtype), band + 1)
        if colours:
            raster.colorinterp = colours
    return path


def test_an_array_a_picture_and_its_file_give_the_same_tile(tmp_path: Path) -> None:
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "a.png")
    for given in (PIXELS, image, tmp_path / "a.png"):
        tile = query_tile(given)
        np.testing.assert_array_equal(tile.pixels, PIXELS.transpose(2, 0, 1).astype(np.float32))
        assert tile.pixels.dtype == np.float32
        assert tile.mask.all()
        assert (tile.sensor.name, tile.bands, tile.valid) == ("rgb", ("red", "green", "blue"), 1.0)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "tif"])
def test_common_formats_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.full((40, 50, 3), (10, 120, 240), np.uint8)).save(path)
    tile = query_tile(path)
    assert tile.pixels.shape == (3, 40, 50)
    np.testing.assert_allclose(tile.pixels.mean(axis=(1, 2)), [10, 120, 240], atol=6)


def test_a_geotiff_that_declares_its_colours_is_read_by_them(tmp_path: Path) -> None:
    order = [ColorInterp.undefined, ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    tile = query_tile(write_tiff(tmp_path / "a.tif", 4, colours=order))
    np.testing.assert_array_equal(tile.pixels, PIXELS[..., [0, 2, 1]].transpose(2, 0, 1))


def test_a_gray_picture_is_gray_in_all_three_bands(tmp_path: Path) -> None:
    Image.fromarray(PIXELS[..., 0]).save(tmp_path / "gray.png")
    for path in (tmp_path / "gray.png", write_tiff(tmp_path / "gray.tif", 1, colours=[ColorInterp.gray])):
        pixels = query_tile(path).pixels
        np.testing.assert_array_equal(pixels, np.stack([PIXELS[..., 0]] * 3))


def test_transparent_pixels_are_not_valid() -> None:
    alpha = np.full((4, 6), 255, np.uint8)
    alpha[:, :3] = 0
    tile = query_tile(Image.fromarray(np.dstack([PIXELS, alpha])))
    assert tile.valid == 0.5
    assert not tile.mask[:, :3].any()
    assert not tile.pixels[:, :, :3].any()


def test_the_camera_orientation_is_followed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(PIXELS).save(tmp_path / "turned.png", exif=exif)
    assert query_tile(tmp_path / "turned.png").pixels.shape == (3, 6, 4)


def test_a_large_picture_is_made_smaller_in_proportion() -> None:
    assert query_tile(np.full((1500, 3000, 3), 7, np.uint8)).pixels.shape == (3, 512, 1024)


@pytest.mark.parametrize(
    ("count", "dtype", "colours", "message"),
    [
        (12, "int16", None, "image_sensor, one of sentinel-2-l2a"),
        (4, "uint8", [ColorInterp.gray, *[ColorInterp.undefined] * 3], "image_sensor, one of .*naip"),
        (3, "uint16", [ColorInterp.red, ColorInterp.green, ColorInterp.blue], "no known sensor fits 3 uint16 bands"),
        (1, "float32", [ColorInterp.gray], "no known sensor fits 1 float32 band"),
    ],
)
def test_a_raster_of_which_nothing_says_the_sensor_is_refused(
    tmp_path: Path, count: int, dtype: str, colours: list[ColorInterp] | None, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        query_tile(write_tiff(tmp_path / "a.tif", count, dtype, colours))


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.png", b""), ("a.jpg", b"not a picture"), ("a.png", b"\x89PNG\r\n\x1a\n broken"), ("a.tif", b"II*\x00 broken")],
)
def test_a_file_that_is_not_a_picture_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(QueryError, match=name) as error:
        query_tile(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(QueryError, match=r"cut\.jpg"):
        query_tile(tmp_path / "cut.jpg")


def test_formats_that_are_not_pictures_of_the_earth_are_not_tried(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.gif")
    with pytest.raises(QueryError, match="not a JPEG, PNG, WebP or TIFF"):
        query_tile(tmp_path / "a.gif")


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWATH_MAX_PICTURE_PIXELS", "20")
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    for given in (tmp_path / "a.png", write_tiff(tmp_path / "a.tif", 3), PIXELS):
        with pytest.raises(QueryError, match=r"6 x 4 pixels; at most 20"):
            query_tile(given)


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((4, 6), np.uint8),
        np.zeros((4, 6, 3), np.float32),
        np.zeros((0, 6, 3), np.uint8),
        np.zeros((4, 6, 4), "u1"),
    ],
)
def test_an_array_of_another_shape_or_type_is_refused(given: np.ndarray) -> None:
    with pytest.raises(QueryError, match="image"):
        query_tile(given)


def test_sixteen_bits_and_nothing_visible_are_refused(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="more than 8 bits"):
        query_tile(Image.fromarray(PIXELS[..., 0].astype(np.uint16)))
    with pytest.raises(QueryError, match="no visible pixel"):
        query_tile(Image.new("RGBA", (4, 4)))
    with pytest.raises(QueryError, match="no picture"):
        query_tile(tmp_path / "missing.png")
