"""Tiles as pictures with a legend in words: from original pixels where they are in reach, else the stored preview."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from core import SceneError
from indexer import Reach, stored_picture
from retriever.rag._types import EvidencePicture, EvidenceTile, QueryPlan

QUALITY = 90
"""Of JPEG, which every model reads; colours are kept at full resolution, because an index is read off them."""


def draw_pictures(
    tiles: Sequence[EvidenceTile], plan: QueryPlan, reach: Reach | None, pictures: int, picture_px: int
) -> tuple[tuple[EvidenceTile, ...], tuple[str, ...]]:
    """Return the tiles with pictures, and what could not be drawn, a sentence each.

    Args:
        tiles: The evidence.
        plan: Its renderings are drawn first where a sensor has them.
        reach: Which original pixels may be opened; None opens whatever a record names.
        pictures: Most pictures of all tiles together.
        picture_px: Longer side in pixels, at most.
    """
    drawn, dropped = [], []
    for place, tile in enumerate(tiles):
        if place >= pictures:
            drawn.append(tile)
            continue
        try:
            picture = stored_picture(tile.record.preview)
        except SceneError as error:
            drawn.append(tile)
            dropped.append(f"Tile {tile.number} could not be drawn: {error}.")
            continue
        picture.thumbnail((picture_px, picture_px))
        drawn.append(replace(tile, pictures=(_preview(picture),)))
    return tuple(drawn), tuple(dropped)


def _preview(picture: Image.Image) -> EvidencePicture:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=QUALITY, subsampling=0)
    return EvidencePicture(
        rendering="preview",
        legend="Drawn when the tile was indexed.",
        media_type="image/jpeg",
        data=data.getvalue(),
        width=picture.width,
        height=picture.height,
        source="preview",
    )
