"""A tile as a picture for a model, and in words what its colours mean."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass
from typing import Literal

from mcp.types import ImageContent
from PIL import Image

from api._tile_pictures import told
from core import Record, SwathError
from indexer import (
    Reach,
    RenderingError,
    check_rendering,
    draw,
    legend_in_words,
    legend_of,
    sensor_of,
    stored_picture,
)

QUALITY = 90
"""Of JPEG, which every model reads; colours are kept at full resolution, because an index is read off them."""

Source = Literal["original", "stored-preview"]


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A picture of a tile."""

    picture: Image.Image
    """RGB."""
    rendering: str
    """Name of the rendering drawn; ``preview`` for the stored one."""
    legend: str
    """What the colours mean."""
    source: Source
    """Where the pixels come from."""
    reason: str | None
    """Why it is the stored preview; None where it is not."""


def look(record: Record, rendering: str | None, size: int, reach: Reach) -> Looked:
    """Return a tile drawn from its original pixels, or its stored preview where those are out of reach.

    Args:
        record: The tile.
        rendering: One of the renderings of its sensor; None for the first.
        size: Longest side in pixels; smaller originals are not enlarged.
        reach: What may be opened.

    Raises:
        RenderingError: The sensor, or the bands its files hold, do not allow that rendering; the message lists others.
        SceneError: Neither the original nor the preview can be read.
    """
    check_rendering(record, rendering)
    try:
        drawn = draw(record, rendering, size, reach=reach)
    except RenderingError:
        raise
    except SwathError as error:
        return _stored(record, size, told(error))
    with Image.open(io.BytesIO(drawn.png), formats=["PNG"]) as transparent:
        picture = _on_black(transparent)
    return Looked(
        picture=picture,
        rendering=drawn.legend.name,
        legend=legend_in_words(drawn.legend),
        source="original",
        reason=None,
    )


def _on_black(transparent: Image.Image) -> Image.Image:
    black = Image.new("RGB", transparent.size)
    black.paste(transparent, mask=transparent.getchannel("A"))
    return black


def _stored(record: Record, size: int, reason: str) -> Looked:
    picture = stored_picture(record.preview)
    picture.thumbnail((size, size))
    try:
        first = legend_of(sensor_of(record.sensor), None)
    except SwathError:
        words = "The sensor comes from somebody's own file; what the colours show is not known here."
    else:
        words = f"Drawn when the tile was indexed, as {first.name} where its bands were there. {legend_in_words(first)}"
    return Looked(picture=picture, rendering="preview", legend=words, source="stored-preview", reason=reason)


def image_content(picture: Image.Image) -> ImageContent:
    """Return a picture as content of an answer."""
    data = io.BytesIO()
    picture.convert("RGB").save(data, "JPEG", quality=QUALITY, subsampling=0)
    return ImageContent(type="image", data=b64encode(data.getvalue()).decode("ascii"), mime_type="image/jpeg")
