"""The grid: every pixel in a tile, every tile with its own name, windows of whole pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import InputError, SceneError
from indexer._tiling import Grid, TilingOptions, make_grid, tile_id, whole_grid
from tests.rasters import scene_of

sizes = st.integers(1, 700)


metres = st.floats(0.5, 50)


@given(
    scene=st.tuples(sizes, sizes),
    pixel=st.tuples(metres, metres),
    tile_size=st.integers(8, 300),
    overlap=st.floats(0, 0.95),
    gsd=st.none() | st.floats(0.5, 100),
)
def test_every_pixel_lies_in_a_tile_and_every_tile_in_the_scene(
    *, scene: tuple[int, int], pixel: tuple[float, float], tile_size: int, overlap: float, gsd: float | None
) -> None:
    width, height = scene
    options = TilingOptions(tile_size=tile_size, overlap=overlap, gsd=gsd)
    try:
        grid = make_grid(width, height, pixel, options)
    except SceneError:
        assert gsd is not None
        assert round(tile_size * gsd / max(pixel)) < 1
        return
    # One axis at a time: the grid is the product of its rows and columns.
    seen_x, seen_y = np.zeros(width, dtype=int), np.zeros(height, dtype=int)
    for col in range(grid.cols):
        window = grid.window(0, col)
        assert window.col_off < width
        seen_x[window.col_off : window.col_off + window.width] += 1
    for row in range(grid.rows):
        window = grid.window(row, 0)
        assert window.row_off < height
        seen_y[window.row_off : window.row_off + window.height] += 1
    assert seen_x.min() >= 1
    assert seen_y.min() >= 1


@given(sizes, sizes, st.integers(8, 300))
def test_without_overlap_every_pixel_lies_in_one_tile(width: int, height: int, tile_size: int) -> None:
    grid = make_grid(width, height, (10, 10), TilingOptions(tile_size=tile_size))
    assert (grid.rows, grid.cols) == (math.ceil(height / tile_size), math.ceil(width / tile_size))
    assert grid.stride_x == grid.window_width == tile_size


def test_the_last_tile_is_not_repeated_when_one_already_reaches_the_edge() -> None:
    grid = make_grid(336, 224, (10, 10), TilingOptions(overlap=0.5))
    assert (grid.rows, grid.cols) == (1, 2)
    assert [grid.window(0, col).col_off for col in range(2)] == [0, 112]


@pytest.mark.parametrize(
    ("gsd", "pixel", "window"), [(None, 10, 224), (20, 10, 448), (15, 10, 336), (5, 10, 112), (3, 10, 67)]
)
def test_a_window_is_the_tile_in_whole_scene_pixels(gsd: float | None, pixel: float, window: int) -> None:
    grid = make_grid(5000, 5000, (pixel, pixel), TilingOptions(gsd=gsd))
    assert (grid.window_width, grid.window_height) == (window, window)


def test_pixels_that_are_not_square_make_windows_that_are_square_on_the_ground() -> None:
    grid = make_grid(5000, 5000, (5, 10), TilingOptions(gsd=10))
    assert (grid.window_width, grid.window_height) == (448, 224)


def test_a_gsd_far_finer_than_the_scene_is_refused() -> None:
    with pytest.raises(SceneError, match=r"gsd 0.01 m .* 10 m pixels"):
        make_grid(100, 100, (10, 10), TilingOptions(gsd=0.01))


def test_a_position_outside_the_grid_is_refused() -> None:
    grid = whole_grid(10, 20)
    assert (grid.rows, grid.cols) == (1, 1)
    for row, col in [(-1, 0), (1, 0), (0, 1), (0, -1)]:
        with pytest.raises(InputError, match="1 rows and 1 columns"):
            grid.window(row, col)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tile_size", 0, "tile size must be 8 to 4096 pixels, got 0"),
        ("tile_size", 5000, "tile size"),
        ("overlap", -0.1, "overlap must be at least 0 and below 1, got -0.1"),
        ("overlap", 1.0, "overlap"),
        ("overlap", math.nan, "overlap"),
        ("gsd", 0.0, "gsd must be a positive number of metres, got 0.0"),
        ("gsd", math.inf, "gsd"),
        ("gsd", math.nan, "gsd"),
        ("min_valid", 1.1, "minimum valid fraction must be 0 to 1, got 1.1"),
        ("min_valid", math.nan, "minimum valid"),
    ],
)
def test_options_out_of_range_say_what_they_got(field: str, value: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TilingOptions(**{field: value})  # type: ignore[arg-type]  # one field of several types


def test_ids_are_made_of_names_and_position_and_are_unique() -> None:
    scene = scene_of("x.tif", "rgb", "red green blue", scene_id="S2A_1", collection="s2")
    grid = Grid(width=500, height=500, window_width=8, window_height=8, stride_x=4, stride_y=4)
    assert tile_id(scene, 3, 7) == "s2~S2A_1~r0003c0007"
    ids = [tile_id(scene, row, col) for row in range(grid.rows) for col in range(grid.cols)]
    assert len(set(ids)) == len(ids) == grid.rows * grid.cols
    assert tile_id(scene, 12345, 0) != tile_id(scene, 1234, 50)
