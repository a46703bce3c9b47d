"""One file of a scene, read as if it lay on the scene's reference grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform
from rasterio.windows import Window

from core import SceneError, SwathError
from indexer._gdal import RASTER_ERRORS, reason


@dataclass(frozen=True, kw_only=True)
class ReferenceGrid:
    """The pixel grid of a scene: that of its finest file."""

    crs: CRS | None
    """None for plain pictures."""
    transform: Affine
    """From col, row to the CRS."""
    width: int
    """Columns."""
    height: int
    """Rows."""

    @classmethod
    def of(cls, dataset: DatasetReader) -> ReferenceGrid:
        """Return the grid of an open file."""
        return cls(crs=dataset.crs, transform=dataset.transform, width=dataset.width, height=dataset.height)

    def window_of(self, other: ReferenceGrid, window: Window) -> Window | None:
        """Return the window of another grid in pixels of this one; None where the two are turned or apart."""
        a, b, c, d, e, f = self.transform[:6]
        a2, b2, c2, d2, e2, f2 = other.transform[:6]
        if self.same_as(other):
            return window
        if self.crs != other.crs or any((b, d, b2, d2)) or a * a2 <= 0 or e * e2 <= 0:
            return None
        col, row = (c2 + a2 * window.col_off - c) / a, (f2 + e2 * window.row_off - f) / e
        # Six decimals, so that the noise of the division does not turn whole pixels into fractions.
        return Window(*(round(n, 6) for n in (col, row, window.width * a2 / a, window.height * e2 / e)))

    def same_as(self, other: ReferenceGrid) -> bool:
        """Whether both have the same pixels, to a thousandth of a pixel."""
        if (self.crs, self.width, self.height) != (other.crs, other.width, other.height):
            return False
        return self.crs is None or self.transform.almost_equals(other.transform, abs(self.transform.a) / 1000)

    def covers(self, other: ReferenceGrid) -> bool:
        """Whether this grid reaches the edges of the other everywhere, to a thousandth of a pixel."""
        if self.crs is None or other.crs is None or self.same_as(other):
            return True
        at = np.append(np.arange(64) / 16, 4.0)
        cols, rows = (np.interp(at, range(5), corners) for corners in ((0, 1, 1, 0, 0), (0, 0, 1, 1, 0)))
        x, y = other.transform @ (cols * other.width, rows * other.height)
        cols, rows = ~self.transform @ tuple(map(np.array, transform(other.crs, self.crs, x, y)))
        beyond = np.maximum(np.maximum(-cols, cols - self.width), np.maximum(-rows, rows - self.height))
        return bool((beyond < 1e-3).all())


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Pixels as a file stores them, and what its own mask and nodata say of them."""

    pixels: NDArray[Any]
    """(bands, h, w) in the file's dtype."""
    masked: NDArray[np.bool_] | None
    """(h, w), True where the file's mask or alpha hides the pixel, or the file ends; None where nowhere."""
    blank: NDArray[np.bool_] | None
    """(h, w), True where every band is nodata; None where that is nowhere."""


class AssetReader:
    """Reads windows of some bands of a file on the reference grid.

    Args:
        href: The file's path or URL, for messages.
        dataset: The same, open; the caller closes it, after this.
        indexes: 1-based band numbers.
        grid: The reference grid.
        nodata: For each band the stored number that the sensor calls no data, or None.
        classes: True for class numbers, which must not be averaged.
    """

    def __init__(
        self,
        href: str,
        dataset: DatasetReader,
        indexes: Sequence[int],
        grid: ReferenceGrid,
        *,
        nodata: Sequence[float | None],
        classes: bool = False,
    ) -> None:
        _check_bands(dataset, indexes)
        self._href = href
        self._own = ReferenceGrid.of(dataset)
        self._grid = grid
        if grid.crs is None and not self._own.same_as(grid):
            raise SceneError("is a picture of another size than the scene's first file; expected one size")
        self._file = dataset
        self._view: WarpedVRT | None = None
        self._indexes = list(indexes)
        self._classes = classes
        # Beyond the file's edge its bands are nodata while those of other files are not.
        self._partial = not self._own.covers(grid)
        self._dtype = np.dtype(dataset.dtypes[indexes[0] - 1])
        declared = [dataset.nodatavals[index - 1] for index in indexes]
        self._nodata = [_storable({own, sensors}, self._dtype) for own, sensors in zip(declared, nodata, strict=True)]
        # GDAL leaves nodata out of what it interpolates only where the file declares it.
        self._undeclared = (
            None if classes or _is_masked(dataset, indexes) or dataset.nodata is not None else _shared(self._nodata)
        )

    def close(self) -> None:
        """Close the warped view, if one was needed."""
        if self._view is not None:
            self._view.close()

    def read(self, window: Window, shape: tuple[int, int]) -> Stored:
        """Read a window.

        Args:
            window: In pixels of the reference grid, wholly inside it; may be fractional where it is resampled.
            shape: Height and width of the result. Averaged where that is smaller than the window, bilinear where it
                is larger, the nearest of both for classes and masks.

        Raises:
            SceneError: The file is damaged there.
        """
        with reading(self._href):
            dataset, window = self._route(window, shape)
            options = {} if _is_plain(window, shape) else {"resampling": self._resampling(window, shape)}
            pixels = dataset.read(self._indexes, window=window, out_shape=(len(self._indexes), *shape), **options)
            masked = None
            if _is_masked(dataset, self._indexes):
                masked = np.asarray(dataset.read_masks(self._indexes[0], window=window, out_shape=shape) == 0)
        blank = self._find_blank(pixels)
        return Stored(pixels=pixels, masked=blank if masked is None and self._partial else masked, blank=blank)

    def _route(self, window: Window, shape: tuple[int, int]) -> tuple[DatasetReader | WarpedVRT, Window]:
        """The file itself and the window in its own pixels where GDAL can resample that rightly, else the view.

        The view is several times slower.
        """
        own = None if self._partial else self._own.window_of(self._grid, window)
        if own is None:
            return self._warped(), window
        if _is_plain(own, shape):
            return self._file, own
        # GDAL takes a window of the size of the result for a plain copy and forgets the fraction of its offset.
        shifted = own != window and (int(own.height), int(own.width)) == shape
        coarser = own.width * own.height > shape[0] * shape[1]
        blends = not self._classes and (self._undeclared is not None if coarser else self._has_gap_near(own))
        return (self._warped(), window) if shifted or blends else (self._file, own)

    def _has_gap_near(self, own: Window) -> bool:
        """Whether nodata lies in a window or beside it; GDAL's plain interpolation would grow pixels into it."""
        if not any(self._nodata) and np.issubdtype(self._dtype, np.integer):
            return False
        left, top = max(0, int(own.col_off) - 1), max(0, int(own.row_off) - 1)
        right = min(self._own.width, int(own.col_off + own.width) + 2)
        bottom = min(self._own.height, int(own.row_off + own.height) + 2)
        near = self._file.read(self._indexes, window=Window(left, top, right - left, bottom - top))
        return self._find_blank(near) is not None or not np.isfinite(near).all()

    def _warped(self) -> WarpedVRT:
        """The file as a view on the reference grid; made when first needed."""
        if self._view is None:
            nodata = self._undeclared if self._file.nodata is None else self._file.nodata
            # Where no number means nodata, an alpha band says what lies outside the file.
            edge = {"add_alpha": True} if nodata is None and not _is_masked(self._file, self._indexes) else {}
            self._view = WarpedVRT(
                self._file,
                crs=self._grid.crs,
                transform=self._grid.transform,
                width=self._grid.width,
                height=self._grid.height,
                src_nodata=nodata,
                nodata=nodata,
                resampling=Resampling.nearest if self._classes else Resampling.bilinear,
                **edge,
            )
        return self._view

    def _resampling(self, window: Window, shape: tuple[int, int]) -> Resampling:
        if self._classes:
            return Resampling.nearest
        finer = shape[0] * shape[1] < window.height * window.width
        return Resampling.average if finer else Resampling.bilinear

    def _find_blank(self, pixels: NDArray[Any]) -> NDArray[np.bool_] | None:
        blank: NDArray[np.bool_] | None = None
        for plane, values in zip(pixels, self._nodata, strict=True):
            here = np.zeros(plane.shape, dtype=bool)
            for value in values:
                here |= plane == value
            blank = here if blank is None else blank & here
            if not blank.any():
                return None
        return blank


def valid_pixels(parts: Sequence[Stored]) -> NDArray[np.bool_]:
    """Return (h, w): no file's mask hides the pixel, not every band of every file is nodata, every number is finite."""
    valid = np.ones(parts[0].pixels.shape[1:], dtype=bool)
    for part in parts:
        if part.masked is not None:
            valid &= ~part.masked
        if np.issubdtype(part.pixels.dtype, np.floating):
            with np.errstate(over="ignore"):  # what single precision cannot hold is no number either
                valid &= np.isfinite(part.pixels.astype(np.float32, copy=False)).all(axis=0)
    blanks = [part.blank for part in parts if part.blank is not None]
    if len(blanks) == len(parts):
        valid &= ~np.logical_and.reduce(blanks)
    return valid


@contextmanager
def reading(href: str) -> Iterator[None]:
    """Turn what rasterio raises inside the block into a SceneError of one line: the cause, not its echo."""
    try:
        yield
    except SwathError:
        raise
    except RASTER_ERRORS as error:
        raise SceneError(reason(_root(error), href)) from None


def _root(error: Exception) -> Exception:
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def _check_bands(dataset: DatasetReader, indexes: Sequence[int]) -> None:
    if max(indexes) > dataset.count:
        raise SceneError(f"has {dataset.count} bands; band {max(indexes)} was asked for")
    if any(dataset.dtypes[index - 1].startswith("complex") for index in indexes):
        raise SceneError("holds complex numbers; expected detected amplitude, intensity or dB")


def _storable(values: set[float | None], dtype: np.dtype[Any]) -> list[Any]:
    """The values as the file would store them; those it could not, and NaN, which is looked for anyway, left out."""
    finite = [value for value in values if value is not None and np.isfinite(value)]
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        finite = [value for value in finite if limits.min <= value <= limits.max and value == int(value)]
    return [dtype.type(value) for value in finite]


def _shared(nodata: Sequence[Sequence[Any]]) -> float | None:
    """The one number that means no data in every band, if there is one."""
    first = nodata[0]
    return float(first[0]) if len(first) == 1 and all(list(other) == list(first) for other in nodata) else None


def _is_masked(dataset: DatasetReader | WarpedVRT, indexes: Sequence[int]) -> bool:
    """Whether the file has a mask of its own. A band tagged alpha that is read as data hides nothing."""
    flags = dataset.mask_flag_enums[0]
    as_data = any(dataset.colorinterp[index - 1] is ColorInterp.alpha for index in indexes)
    return MaskFlags.per_dataset in flags and not (MaskFlags.alpha in flags and as_data)


def _is_plain(window: Window, shape: tuple[int, int]) -> bool:
    """Whether a window of whole pixels has the size of the result: nothing is to be resampled."""
    whole = float(window.col_off).is_integer() and float(window.row_off).is_integer()
    return whole and shape == (window.height, window.width)
