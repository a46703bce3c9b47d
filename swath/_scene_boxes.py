"""The regions of a scene that an answer rests on, as boxes on the whole of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from core import PixelWindow, Record
from indexer import draw, scene_size
from retriever.rag import Answer

SIDE = 1024
"""Longer side of the overview, in pixels."""

ROOMY = 40
"""Shorter side of a box, in pixels, from which its number stands inside."""

ACROSS = 28
"""Columns that a number of two digits takes, in pixels."""

_CITED, _OTHER = "#ffb000", "#8a8a8a"
"""Amber is told from vegetation, water and bare ground also by the colour-blind."""


def overview(answer: Answer) -> Image.Image | None:
    """Return the scene of an answer's tiles with their boxes and numbers, those that claims cite in amber.

    Returns:
        An RGB picture, at most 1,024 pixels a side; None where the answer has no tiles.

    Raises:
        SceneError: The scene cannot be read any more.
    """
    tiles = answer.evidence.tiles
    if not tiles:
        return None
    picture, shrunk = _whole(tiles[0].record)
    cited = {number for claim in answer.claims for number in claim.cites}
    corners = Counter[tuple[int, int]]()  # levels share corners; their numbers stand side by side
    for tile in sorted(tiles, key=lambda each: each.number in cited):
        color, window = _CITED if tile.number in cited else _OTHER, tile.record.window
        corner = window.col_off, window.row_off
        _mark(picture, window, shrunk, f"[{tile.number}]", color, shift=ACROSS * corners[corner])
        corners[corner] += 1
    return picture


def _whole(record: Record) -> tuple[Image.Image, float]:
    """Return all of a tile's scene, and how many of its pixels one of the scene is."""
    width, height = scene_size(Path(record.href))
    side = max(width, height)
    drawn = draw(replace(record, window=PixelWindow(col_off=0, row_off=0, width=side, height=side)), None, SIDE)
    with Image.open(BytesIO(drawn.png)) as found:
        shown = Image.alpha_composite(Image.new("RGBA", found.size, "white"), found.convert("RGBA")).convert("RGB")
    shrunk = shown.width / side
    return shown.crop((0, 0, max(1, round(width * shrunk)), max(1, round(height * shrunk)))), shrunk


def _mark(picture: Image.Image, window: PixelWindow, shrunk: float, number: str, color: str, *, shift: int = 0) -> None:
    right = min(picture.width - 1, (window.col_off + window.width) * shrunk)
    bottom = min(picture.height - 1, (window.row_off + window.height) * shrunk)
    left, top = min(window.col_off * shrunk, right), min(window.row_off * shrunk, bottom)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((left, top, right, bottom), outline=color, width=3)
    # Inside, where it cannot be taken for the neighbour's; beside a small region, so that it hides nothing of it.
    roomy = min(right - left, bottom - top) >= ROOMY
    beside = top - 14 if top >= 14 else min(bottom + 2, picture.height - 14)
    place = (left + 6 + shift, top + 4) if roomy else (min(left + shift, picture.width - ACROSS), beside)
    pen.text(place, number, fill=color, stroke_width=2, stroke_fill="black")
