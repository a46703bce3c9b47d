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
from rasterio.enums import MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform
from rasterio.windows import Window

from core import SceneError
from indexer._gdal import reason


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

    def same_as(self, other: ReferenceGrid) -> bool:
        """Whether every pixel of both lies at the same place, to a thousandth of a pixel."""
        if (self.crs, self.width, self.height) != (other.crs, other.width, other.height):
            return False
        if self.crs is None:
            return True
        corners = np.array([(0, 0, 1), (self.width, 0, 1), (0, self.height, 1)]).T
        here, there = (np.array(grid.transform[:6]).reshape(2, 3) @ corners for grid in (self, other))
        side = np.sqrt(abs(self.transform.determinant))
        return bool((abs(here - there) < side / 1000).all())


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
        dataset: The open file; the caller closes it, after this.
        indexes: 1-based band numbers.
        grid: The reference grid.
        nodata: For each band the stored number that the sensor calls no data, or None.
        classes: True for class numbers, which must not be averaged.
        resampled: True where windows will be read at another size than they have.
    """

    def __init__(
        self,
        dataset: DatasetReader,
        indexes: Sequence[int],
        grid: ReferenceGrid,
        *,
        nodata: Sequence[float | None],
        classes: bool = False,
        resampled: bool = False,
    ) -> None:
        _check_bands(dataset, indexes)
        self._href = str(dataset.name)
        self._indexes = list(indexes)
        self._classes = classes
        self._dataset = _on_grid(
            dataset, grid, _shared(nodata, dataset.dtypes[0]), classes=classes, resampled=resampled
        )
        dtype = np.dtype(self._dataset.dtypes[self._indexes[0] - 1])
        files = [self._dataset.nodatavals[index - 1] for index in self._indexes]
        self._blank = [_storable({own, sensors}, dtype) for own, sensors in zip(files, nodata, strict=True)]
        flags = self._dataset.mask_flag_enums[self._indexes[0] - 1]
        self._has_mask = MaskFlags.per_dataset in flags
        # Beyond the file's edge its bands are nodata while those of other files are not.
        self._partial = not _covers(dataset, grid)

    def close(self) -> None:
        """Close the warped view, if there is one."""
        if isinstance(self._dataset, WarpedVRT):
            self._dataset.close()

    def read(self, window: Window, shape: tuple[int, int]) -> Stored:
        """Read a window.

        Args:
            window: In pixels of the reference grid, wholly inside it; may be fractional where it is resampled.
            shape: Height and width of the result. Averaged where that is smaller than the window, bilinear where it
                is larger, the nearest of both for classes and masks.

        Raises:
            SceneError: The file is damaged there.
        """
        same = shape == (window.height, window.width)
        options = (
            {} if same else {"out_shape": (len(self._indexes), *shape), "resampling": self._resampling(window, shape)}
        )
        with reading(self._href):
            pixels = self._dataset.read(self._indexes, window=window, **options)
            masked = self._read_mask(window, shape) if self._has_mask else None
        blank = self._find_blank(pixels)
        return Stored(pixels=pixels, masked=blank if masked is None and self._partial else masked, blank=blank)

    def _resampling(self, window: Window, shape: tuple[int, int]) -> Resampling:
        if self._classes:
            return Resampling.nearest
        finer = shape[0] * shape[1] < window.height * window.width
        return Resampling.average if finer else Resampling.bilinear

    def _read_mask(self, window: Window, shape: tuple[int, int]) -> NDArray[np.bool_]:
        return np.asarray(self._dataset.read_masks(self._indexes[0], window=window, out_shape=shape) == 0)

    def _find_blank(self, pixels: NDArray[Any]) -> NDArray[np.bool_] | None:
        blank: NDArray[np.bool_] | None = None
        for plane, values in zip(pixels, self._blank, strict=True):
            here = np.zeros(plane.shape, dtype=bool)
            for value in values:
                here |= plane == value
            blank = here if blank is None else blank & here
            if not blank.any():
                return None
        return blank


@contextmanager
def reading(href: str) -> Iterator[None]:
    """Turn what rasterio raises inside the block into a SceneError of one line: the cause, not its echo."""
    try:
        yield
    except (RasterioError, OSError, ValueError) as error:
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


def _shared(nodata: Sequence[float | None], dtype: str) -> float | None:
    """The nodata of all the bands, if there is one that the file could hold."""
    value = nodata[0] if len(set(nodata)) == 1 else None
    return value if _storable({value}, np.dtype(dtype)) else None


def _covers(dataset: DatasetReader, grid: ReferenceGrid) -> bool:
    """Whether the file reaches the edges of the grid everywhere."""
    own = ReferenceGrid.of(dataset)
    if own.same_as(grid) or grid.crs is None:
        return True
    at = np.append(np.arange(64) / 16, 4.0)
    cols, rows = (np.interp(at, range(5), corners) for corners in ((0, 1, 1, 0, 0), (0, 0, 1, 1, 0)))
    x, y = _apply(grid.transform, cols * grid.width, rows * grid.height)
    cols, rows = _apply(~own.transform, *map(np.array, transform(grid.crs, own.crs, x, y)))
    slack = 1e-3
    return bool(
        (cols >= -slack).all()
        and (rows >= -slack).all()
        and (cols <= own.width + slack).all()
        and (rows <= own.height + slack).all()
    )


def _apply(affine: Affine, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    a, b, c, d, e, f = affine[:6]
    return a * x + b * y + c, d * x + e * y + f


def _storable(values: set[float | None], dtype: np.dtype[Any]) -> list[Any]:
    """The values as the file would store them; those it could not, and NaN, which is looked for anyway, left out."""
    finite = [value for value in values if value is not None and np.isfinite(value)]
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        finite = [value for value in finite if limits.min <= value <= limits.max and value == int(value)]
    return [dtype.type(value) for value in finite]


def _on_grid(
    dataset: DatasetReader, grid: ReferenceGrid, nodata: float | None, *, classes: bool, resampled: bool
) -> DatasetReader | WarpedVRT:
    """The file itself where it has the grid, else a view of it warped to the grid."""
    own = ReferenceGrid.of(dataset)
    masked = MaskFlags.per_dataset in dataset.mask_flag_enums[0]
    undeclared = dataset.nodata is None and nodata is not None and not masked
    # GDAL only leaves nodata out of an average when the file declares it: the view declares it in its place.
    if own.same_as(grid) and not (resampled and undeclared and not classes):
        return dataset
    if grid.crs is None:
        raise SceneError("is a picture of another size than the scene's first file; expected one size")
    value = nodata if undeclared else dataset.nodata
    # Where no number means nodata, an alpha band says what lies outside the file.
    edge = {"add_alpha": True} if value is None and not masked else {}
    return WarpedVRT(
        dataset,
        crs=grid.crs,
        transform=grid.transform,
        width=grid.width,
        height=grid.height,
        src_nodata=value,
        nodata=value,
        resampling=Resampling.nearest if classes else Resampling.bilinear,
        **edge,
    )
