"""The grid of windows over a scene: whole pixels of its full resolution, rows from the top, columns from the left."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core import InputError, PixelWindow, Scene, SceneError

MIN_TILE_SIZE = 8
"""Smallest tile, in pixels; below it there is nothing to recognise and a row costs more than its pixels."""

MAX_TILE_SIZE = 4096
"""Largest tile, in pixels: thirteen float32 bands of it already fill 0.9 GB."""

MAX_PICTURE_SIDE = 1024
"""Longer side, in pixels, at which a plain picture is handed on; encoders see 224 or so of it."""

TINY = 1e-9
"""What floating-point division may lose of a pixel count."""


@dataclass(frozen=True, kw_only=True)
class TilingOptions:
    """How scenes are cut into tiles.

    Raises:
        InputError: A value out of range.
    """

    tile_size: int = 224
    """Height and width of a tile as encoders see it, in pixels."""
    overlap: float = 0.0
    """Fraction of a tile shared with the next, 0 <= overlap < 1."""
    gsd: float | None = None
    """Metres per tile pixel to resample to; None keeps the scene's own."""
    min_valid: float = 0.1
    """Tiles with a smaller fraction of valid pixels are dropped, and so is a tile without any."""
    reduce: int | None = None
    """Scene pixels a side that become one tile pixel, in place of ``gsd``; plain pictures are cut then, too. None
    leaves plain pictures whole."""

    def __post_init__(self) -> None:
        if not MIN_TILE_SIZE <= self.tile_size <= MAX_TILE_SIZE:
            raise InputError(f"tile size must be {MIN_TILE_SIZE} to {MAX_TILE_SIZE} pixels, got {self.tile_size}")
        if not 0 <= self.overlap < 1:
            raise InputError(f"overlap must be at least 0 and below 1, got {self.overlap}")
        if self.gsd is not None and not 0 < self.gsd < math.inf:
            raise InputError(f"gsd must be a positive number of metres, got {self.gsd}")
        if self.reduce is not None and (self.reduce < 1 or self.gsd is not None):
            raise InputError(f"reduce must be at least 1, and goes without gsd; got {self.reduce} and gsd {self.gsd}")
        if not 0 <= self.min_valid <= 1:
            raise InputError(f"minimum valid fraction must be 0 to 1, got {self.min_valid}")


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Windows of one size at one stride that together cover a scene; the last of a row or column may stick out."""

    width: int
    """Columns of the scene, in pixels."""
    height: int
    """Rows of the scene, in pixels."""
    window_width: int
    """Columns of a window, in scene pixels."""
    window_height: int
    """Rows of a window, in scene pixels."""
    stride_x: int
    """Columns from one window to the next; at most window_width."""
    stride_y: int
    """Rows from one window to the next; at most window_height."""

    @property
    def rows(self) -> int:
        """Windows from top to bottom."""
        return _steps(self.height, self.window_height, self.stride_y)

    @property
    def cols(self) -> int:
        """Windows from left to right."""
        return _steps(self.width, self.window_width, self.stride_x)

    def window(self, row: int, col: int) -> PixelWindow:
        """Return the window at a grid position, including what lies beyond the scene's edge.

        Raises:
            InputError: No such position.
        """
        if not (0 <= row < self.rows and 0 <= col < self.cols):
            raise InputError(f"the grid has {self.rows} rows and {self.cols} columns, got row {row}, column {col}")
        return PixelWindow(
            col_off=col * self.stride_x,
            row_off=row * self.stride_y,
            width=self.window_width,
            height=self.window_height,
        )


def _steps(length: int, window: int, stride: int) -> int:
    """The fewest windows whose last one reaches the end."""
    return 1 + max(0, -(-(length - window) // stride))


def make_grid(width: int, height: int, pixel_size: tuple[float, float], options: TilingOptions) -> Grid:
    """Return the grid of a georeferenced scene.

    Args:
        width: Columns of the scene.
        height: Rows of the scene.
        pixel_size: Width and height of a pixel at the scene's centre, in metres.
        options: How to cut.

    Raises:
        SceneError: The wanted GSD is so fine that a tile would be smaller than a pixel of the scene.
    """
    window_width, window_height = (_window_length(size, options) for size in pixel_size)
    return Grid(
        width=width,
        height=height,
        window_width=window_width,
        window_height=window_height,
        stride_x=_stride(window_width, options.overlap),
        stride_y=_stride(window_height, options.overlap),
    )


def reduced_grid(width: int, height: int, options: TilingOptions) -> Grid:
    """Return the grid of tiles each pixel of which is ``options.reduce`` scene pixels a side, wherever the scene is.

    Args:
        width: Columns of the scene.
        height: Rows of the scene.
        options: How to cut; without ``reduce`` one scene pixel becomes one tile pixel.
    """
    length = options.tile_size * (options.reduce or 1)
    stride = _stride(length, options.overlap)
    return Grid(width=width, height=height, window_width=length, window_height=length, stride_x=stride, stride_y=stride)


def _window_length(pixel_size: float, options: TilingOptions) -> int:
    factor = 1.0 if options.gsd is None else options.gsd / pixel_size
    length = round(options.tile_size * factor)
    if length < 1:
        raise SceneError(f"gsd {options.gsd:g} m makes tiles smaller than one of the scene's {pixel_size:g} m pixels")
    return length


def _stride(length: int, overlap: float) -> int:
    return max(1, round(length * (1 - overlap)))


def whole_grid(width: int, height: int) -> Grid:
    """Return the grid of a plain picture: one window, the whole of it."""
    return Grid(width=width, height=height, window_width=width, window_height=height, stride_x=width, stride_y=height)


def picture_shape(width: int, height: int) -> tuple[int, int]:
    """Return height and width at which a plain picture is handed on whole."""
    shrink = min(1.0, MAX_PICTURE_SIDE / max(width, height))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def tile_id(scene: Scene, row: int, col: int) -> str:
    """Return a tile's id, made of names and grid position only: ``collection~scene_id~r0003c0007``."""
    return f"{scene.collection}~{scene.scene_id}~r{row:04d}c{col:04d}"
