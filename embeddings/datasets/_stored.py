"""What adapters of published trees share: capped reading of files, the message about the layout, lists of samples."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from core import InputError, Sample, SceneError, Settings, Tile, picture_tile, printable, read_limited

Entry = TypeVar("Entry")

_FORMATS = ("JPEG", "PNG", "TIFF")


@dataclass(frozen=True, kw_only=True)
class Listed(Generic[Entry]):
    """A dataset as a list of entries, each made into a sample when asked for."""

    name: str
    """Registry name."""
    splits: tuple[str, ...]
    """Splits there are."""
    entries: tuple[tuple[str | None, Entry], ...]
    """Split and entry, in the order of the samples."""
    make: Callable[[str | None, Entry], Sample]
    """Makes the sample of one entry; reads no pixels."""

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        """Yield samples in the order of the entries.

        Raises:
            InputError: There is no such split; the message lists the splits.
        """
        if split is not None and split not in self.splits:
            raise InputError(f"{self.name} has no split {split!r}; it has {', '.join(self.splits) or 'none'}")
        for own, entry in self.entries:
            if split in (None, own):
                yield self.make(own, entry)


def listed(
    name: str, entries: list[tuple[str | None, Entry]], make: Callable[[str | None, Entry], Sample]
) -> Listed[Entry]:
    """Return a dataset of `entries` whose splits are those that occur."""
    splits = tuple(sorted({split for split, _ in entries if split is not None}))
    return Listed(name=name, splits=splits, entries=tuple(entries), make=make)


def wrong_layout(name: str, root: Path, problem: str, expected: str) -> InputError:
    """Return the error that says what is wrong under `root` and shows the tree that would do."""
    return InputError(f"{printable(str(root))} is not laid out as {name}: {printable(problem)}; expected\n{expected}")


def read_json(path: Path) -> Any:
    """Return the content of a JSON document of limited size.

    Raises:
        InputError: It cannot be read or is not JSON.
    """
    try:
        return json.loads(read_limited(path, Settings().max_metadata_bytes))
    except InputError as error:
        raise InputError(f"cannot read {printable(str(path))}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{printable(str(path))} is not JSON: {error}") from None


def read_picture(path: Path, mode: Literal["L", "RGB"]) -> NDArray[np.uint8]:
    """Return a JPEG, PNG or TIFF picture as (1 or 3, h, w) uint8.

    Args:
        path: The file.
        mode: `L` for one channel, `RGB` for red, green, blue; one-bit pictures become 0 and 255.

    Raises:
        SceneError: The file is missing, damaged, of another kind or larger than the picture cap.
    """
    from PIL import Image

    most = Settings().max_picture_pixels
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > most:
                raise SceneError(
                    f"{picture.width} x {picture.height} pixels; at most {most:,} (SWATH_MAX_PICTURE_PIXELS)"
                )
            colours = np.asarray(picture.convert(mode))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SceneError(f"cannot read the picture: {error}") from None
    return colours[None] if colours.ndim == 2 else colours.transpose(2, 0, 1)


def read_raster(path: Path) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return every band of a raster file as stored, (bands, h, w), and the file's own validity mask (h, w).

    Raises:
        SceneError: The file is missing, damaged or larger than the picture cap.
    """
    import rasterio
    from rasterio.errors import RasterioError

    most = Settings().max_picture_pixels
    try:
        with rasterio.open(path) as raster:
            if raster.width * raster.height * raster.count > most * 4:
                raise SceneError(
                    f"{raster.width} x {raster.height} x {raster.count} numbers; at most {most * 4:,} "
                    "(four times SWATH_MAX_PICTURE_PIXELS)"
                )
            return raster.read(), raster.dataset_mask() > 0
    except (RasterioError, OSError) as error:
        raise SceneError(f"cannot read the raster: {error}") from None


def rgb_tile(path: Path, *, name: str, collection: str, **known: Any) -> Tile:
    """Return a colour picture as one tile of the rgb sensor.

    Raises:
        SceneError: See `read_picture`.
    """
    colours = read_picture(path, "RGB").transpose(1, 2, 0)
    mask = np.ones(colours.shape[:2], dtype=np.bool_)
    return picture_tile(colours, mask, name=name, collection=collection, href=str(path), **known)


def plain_id(*parts: object) -> str:
    """Join names to an id of `[A-Za-z0-9._-]`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(str(part) for part in parts if part not in (None, "")))
