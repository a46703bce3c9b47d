"""Tiles of a dataset as evidence: records that an index would hold, and pictures as a model sees them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import EncodesTiles, Record, Tile, VectorSpace
from indexer import RECORD_COLUMNS, legend_in_words, legend_of, record_from_row, records_to_batch, tile_schema
from retriever.rag import EvidencePicture, EvidenceTile

from ._corpus import require_unit

QUALITY = 90
"""Of JPEG, at full colour resolution, as the evidence of an archive is drawn."""
_NOWHERE = VectorSpace(encoder="none", revision="0", dim=1)
"""Space of a record whose vector nobody looks at."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A tile without its pixels."""

    record: Record
    """As an index holds it, without label and captions."""
    picture: EvidencePicture
    """As a model sees it."""

    def numbered(self, number: int, score: float | None = None) -> EvidenceTile:
        """Return it as evidence of that number."""
        return EvidenceTile(
            number=number,
            record=self.record,
            sought=None,
            period=None,
            score=score,
            probability=None,
            pictures=(self.picture,),
        )


def shown(tile: Tile, side: int, *, of: Record | None = None) -> Shown:
    """Return a tile as evidence.

    Args:
        tile: With its pixels.
        side: Longer side of its picture in pixels, at most.
        of: Record to keep, where the tile is another's with its colours taken out.
    """
    return Shown(record=of or record_of(tile), picture=drawn(tile, side))


def record_of(tile: Tile) -> Record:
    """Return what an index keeps of a tile, without label and captions, which would tell the answer."""
    hidden = replace(tile, label=None, captions=())
    schema = tile_schema(_NOWHERE, "float32")
    batch = records_to_batch([hidden], np.ones((1, 1), dtype=np.float32), [b""], schema)
    return record_from_row(batch.select(list(RECORD_COLUMNS)).to_pylist()[0])


def drawn(tile: Tile, side: int) -> EvidencePicture:
    """Return the usual rendering of a tile as a JPEG."""
    picture = Image.fromarray(tile.picture)
    picture.thumbnail((side, side))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=QUALITY, subsampling=0)
    legend = legend_of(tile.sensor, None, tile.bands)
    return EvidencePicture(
        rendering=legend.name,
        legend=legend_in_words(legend, empty=None if tile.mask.all() else "pure black"),
        media_type="image/jpeg",
        data=data.getvalue(),
        width=picture.width,
        height=picture.height,
        source="original",
    )


def encode_tiles(encoder: EncodesTiles, tiles: Sequence[Tile]) -> NDArray[np.float32]:
    """Return the (n, dim) unit vectors of tiles, one at a time, so that their sizes may differ."""
    vectors = [encoder.encode(encoder.prepare(tile)[None]) for tile in tiles]
    return require_unit(np.concatenate(vectors), encoder.space.encoder)
