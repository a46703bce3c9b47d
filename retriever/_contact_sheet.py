"""The previews of a result side by side, to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core import Hit

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

COLUMNS = 5
"""Pictures in a row."""

LIMIT = 200
"""Most pictures on a sheet: 40 rows, 11 million pixels."""

_SIDE = 192
_CELL = (208, 264)
_MARGIN = 12
_FONT_SIZE = 14
_INK = (20, 20, 20)
_PAPER = (255, 255, 255)
_NO_PICTURE = (200, 200, 200)


def contact_sheet(hits: Sequence[Hit]) -> Image.Image:
    """Return an RGB picture of the first ``LIMIT`` hits, best first from the top left.

    Under each preview stand rank and score, date, and latitude and longitude; a gray square stands for a preview that
    cannot be read.
    """
    from PIL import Image, ImageDraw

    shown = list(hits)[:LIMIT]
    columns, rows = min(COLUMNS, max(len(shown), 1)), max(-(-len(shown) // COLUMNS), 1)
    sheet = Image.new("RGB", (columns * _CELL[0] + _MARGIN, rows * _CELL[1] + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    if not shown:
        draw.text((_MARGIN, _MARGIN), "no tile matches", fill=_INK, font_size=_FONT_SIZE)
    for place, hit in enumerate(shown):
        left, top = place % COLUMNS * _CELL[0] + _MARGIN, place // COLUMNS * _CELL[1] + _MARGIN
        sheet.paste(_preview(hit), (left, top))
        _write(draw, hit, left, top + _SIDE + 4)
    return sheet


def _preview(hit: Hit) -> Image.Image:
    from PIL import Image, ImageOps

    square = Image.new("RGB", (_SIDE, _SIDE), _NO_PICTURE)
    try:
        with Image.open(io.BytesIO(hit.preview), formats=["WEBP"]) as preview:
            small = preview.convert("RGB")
    except OSError:
        return square
    small = ImageOps.contain(small, (_SIDE, _SIDE))
    square.paste(small, ((_SIDE - small.width) // 2, (_SIDE - small.height) // 2))
    return square


def _write(draw: ImageDraw.ImageDraw, hit: Hit, left: int, top: int) -> None:
    for line, text in enumerate(caption_of(hit)):
        draw.text((left, top + line * (_FONT_SIZE + 3)), text, fill=_INK, font_size=_FONT_SIZE)


def caption_of(hit: Hit) -> tuple[str, str, str]:
    """Return rank and score, date and sensor, and place, each as one short line."""
    date = "no date" if hit.datetime is None else f"{hit.datetime:%Y-%m-%d}"
    sure = "" if hit.probability is None else f"   {hit.probability:.0%}"
    return f"{hit.rank}   {hit.score:.3f}{sure}", f"{date}  {_short(hit.sensor)}", place_text(hit.centroid)


def _short(name: str, limit: int = 15) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"


def place_text(centroid: tuple[float, float] | None) -> str:
    """Return a lon, lat point as people write it: ``40.417° N, 3.704° W``."""
    if centroid is None:
        return "no place"
    lon, lat = centroid
    return f"{abs(lat):.3f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.3f}° {'E' if lon >= 0 else 'W'}"
