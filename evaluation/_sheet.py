"""One picture of example results: a query a row, its best answers beside it, right ones framed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ._corpus import Item
from ._report import Example

CELL = 112
GAP = 8
FRAME = 5
LINE = 16
HITS = 8
WORDS = 190
"""Width of the column of queries in pixels."""
RIGHT = (26, 150, 65)
WRONG = (170, 170, 170)
INK = (20, 20, 20)


def draw_examples(examples: Sequence[Example], title: str) -> Image.Image:
    """Draw queries and answers; pixels are read again for what is shown.

    Args:
        examples: At least one.
        title: Line on top.

    Raises:
        SceneError: A picture cannot be read.
    """
    columns = min(HITS, max(len(example.hits) for example in examples))
    width = GAP + WORDS + columns * (CELL + GAP)
    top = 3 * LINE + GAP
    sheet = Image.new("RGB", (width, top + len(examples) * (CELL + LINE + GAP)), "white")
    pen = ImageDraw.Draw(sheet)
    _write(pen, (GAP, GAP), title, width - 2 * GAP)
    _write(pen, (GAP, GAP + LINE + 2), "query, then the best answers; a thick green frame is a right one", width)
    for row, example in enumerate(examples):
        _draw_row(sheet, pen, example, top + row * (CELL + LINE + GAP))
    return sheet


def _draw_row(sheet: Image.Image, pen: ImageDraw.ImageDraw, example: Example, top: int) -> None:
    if isinstance(example.query, str):
        for number, line in enumerate(_wrapped(pen, example.query, WORDS - 2 * GAP)[:6]):
            _write(pen, (GAP, top + 4 + number * LINE), line, WORDS)
    else:
        sheet.paste(_picture(example.query, CELL), (GAP, top))
        _write(pen, (GAP, top + CELL + 1), example.words or _caption(example.query, example.by_name), WORDS - GAP)
    for column, (item, right) in enumerate(zip(example.hits[:HITS], example.right, strict=False)):
        left = GAP + WORDS + column * (CELL + GAP)
        _draw_hit(sheet, pen, item, (left, top), right)
        _write(pen, (left, top + CELL + 1), _caption(item, example.by_name), CELL)


def _draw_hit(sheet: Image.Image, pen: ImageDraw.ImageDraw, item: Item, place: tuple[int, int], right: bool) -> None:
    left, top = place
    edge = FRAME if right else 1
    pen.rectangle((left, top, left + CELL - 1, top + CELL - 1), fill=RIGHT if right else WRONG)
    sheet.paste(_picture(item, CELL - 2 * edge), (left + edge, top + edge))


def _picture(item: Item, side: int) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(item.read().picture))
    return picture.resize((side, side), Image.Resampling.LANCZOS if picture.width > side else Image.Resampling.NEAREST)


def _caption(item: Item, by_name: bool) -> str:
    return item.name if by_name else ", ".join(item.sample.labels) or item.name


def _write(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, width: int) -> None:
    font = ImageFont.load_default(size=12)
    while text and pen.textlength(text, font=font) > width:
        text = text[:-2] + "…" if len(text) > 2 else ""
    pen.text(place, text, fill=INK, font=font)


def _wrapped(pen: ImageDraw.ImageDraw, text: str, width: int) -> list[str]:
    font = ImageFont.load_default(size=12)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and pen.textlength(longer, font=font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
