"""Previews: small, in the fixed stretch, in the right colours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core import InputError, SensorError, Tile
from indexer._pixels import OpenScene
from indexer._preview import preview
from indexer._tiling import TilingOptions
from tests.rasters import scene_of, write_raster


def tile_of(path: Path, pixels: NDArray[Any], sensor: str, bands: str, **fields: Any) -> Tile:
    scene = scene_of(write_raster(path / "a.tif", pixels), sensor, bands, **fields)
    with OpenScene(scene, TilingOptions(tile_size=224)) as opened:
        tile = opened.read(0, 0)
    assert tile is not None
    return tile


def seen(data: bytes) -> NDArray[np.int64]:
    """(h, w, 3) of a WebP file."""
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "WEBP"
        return np.asarray(picture.convert("RGB")).astype(int)


def flat(values: tuple[int, ...], dtype: str = "uint8", height: int = 224, width: int = 224) -> NDArray[Any]:
    return np.broadcast_to(np.array(values, dtype)[:, None, None], (len(values), height, width)).copy()


def test_a_preview_is_128_pixels_in_the_right_colours(tmp_path: Path) -> None:
    pixels = flat((200, 100, 50))
    picture = seen(preview(tile_of(tmp_path, pixels, "rgb", "red green blue")))
    assert picture.shape == (128, 128, 3)
    np.testing.assert_allclose(picture.mean(axis=(0, 1)), (200, 100, 50), atol=4)


def test_the_order_of_bands_in_the_file_does_not_swap_colours(tmp_path: Path) -> None:
    picture = seen(preview(tile_of(tmp_path, flat((50, 100, 200)), "rgb", "blue green red")))
    np.testing.assert_allclose(picture.mean(axis=(0, 1)), (200, 100, 50), atol=4)


@pytest.mark.parametrize("size", [1, 32, 128, 300])
def test_the_longer_side_has_the_size_asked_for_and_the_aspect_is_kept(tmp_path: Path, size: int) -> None:
    tile = tile_of(tmp_path, flat((9, 9, 9), height=150, width=75), "rgb", "red green blue", georeferenced=False)
    assert seen(preview(tile, size)).shape == (size, max(1, size // 2), 3)


def test_the_stretch_is_the_same_for_every_tile(tmp_path: Path) -> None:
    """Two flat tiles of different brightness must not come out alike, as they would with a stretch per tile."""
    dark, bright = (
        seen(preview(tile_of(tmp_path, flat((dn, dn, dn), "uint16"), "sentinel-2-l2a/dn", "B02 B03 B04"))).mean()
        for dn in (300, 2000)
    )
    assert dark == pytest.approx(255 * 1.3 * 0.03**0.6, abs=4)
    assert bright == pytest.approx(255 * 1.3 * 0.2**0.6, abs=4)


def test_masked_pixels_are_black_whatever_zero_means_in_the_unit(tmp_path: Path) -> None:
    """In decibel, 0 is the brightest of land."""
    pixels = flat((-10, -17), "float32")
    pixels[:, :112] = np.nan
    picture = seen(preview(tile_of(tmp_path, pixels, "sentinel-1-rtc/db", "VV VH")))
    assert picture[:60].max() < 8
    assert picture[68:].mean() > 40


def test_bands_that_draw_no_picture_are_refused(tmp_path: Path) -> None:
    tile = tile_of(tmp_path, flat((500,), "uint16"), "sentinel-2-l2a/dn", "B01")
    with pytest.raises(SensorError, match="cannot draw"):
        preview(tile)


def test_a_size_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 1 pixel, got 0"):
        preview(tile_of(tmp_path, flat((9, 9, 9)), "rgb", "red green blue"), 0)
