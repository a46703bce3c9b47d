"""A tile's picture from its original pixels, or from the stored preview where those are out of reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from core import InputError, Record, SwathError
from indexer import read_original, stored_picture


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What was written."""

    out: str
    """The picture's path."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    rendering: str
    """``original pixels`` or ``stored preview``."""
    original: bool
    """False where only the preview could be shown."""
    reason: str | None
    """Why the original could not be read."""


def write_tile_picture(record: Record, out: Path, *, sensor: str | None = None) -> Shown:
    """Write the tile in its sensor's fixed stretch.

    Raises:
        InputError: The picture cannot be written there.
    """
    picture, reason = _picture(record, sensor)
    try:
        picture.save(out)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {out}: {error}") from None
    rendering = "stored preview" if reason else "original pixels"
    width, height = picture.size
    return Shown(out=str(out), width=width, height=height, rendering=rendering, original=reason is None, reason=reason)


def _picture(record: Record, sensor: str | None) -> tuple[Image.Image, str | None]:
    try:
        tile = read_original(record, sensor=sensor)
        return Image.fromarray(tile.picture), None
    except SwathError as error:
        return stored_picture(record.preview), str(error)
