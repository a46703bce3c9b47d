"""From the entries of a file to the rows of its passages."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from core import centre_cell, geometry_bbox
from indexer.knowledge._chunks import pieces
from indexer.knowledge._embedding import Embedding
from indexer.knowledge._geometry import cells_of, extent
from indexer.knowledge._reading import ReadFile
from indexer.knowledge._types import Entry


@dataclass(frozen=True, kw_only=True, eq=False)
class Cut:
    """A passage before it is embedded."""

    entry: Entry
    """What it is a part of."""
    text: str
    """The piece itself."""
    overlong: bool
    """The encoder reads only its beginning."""

    @property
    def embedded(self) -> str:
        """What the encoder is given."""
        return embedded_text(self.entry.title, self.text)


def embedded_text(title: str, text: str) -> str:
    """Return what the encoder is given of a passage."""
    return text if text == title else f"{title}: {text}"


def cut(file: ReadFile, embedding: Embedding) -> list[Cut]:
    """Cut every entry of a file into passages; an entry without text is one that consists of its title."""
    return [each for entry in file.entries for each in _cut_entry(entry, embedding)]


def _cut_entry(entry: Entry, embedding: Embedding) -> Iterator[Cut]:
    if not entry.text:
        yield Cut(entry=entry, text=entry.title, overlong=False)
        return
    # The words of a text in a script that is cut to pieces may leave no room beside a long title: half of it is kept.
    taken = embedding.count([f"{entry.title}:"])[0]
    room = max(embedding.max_tokens - taken, embedding.max_tokens // 2)
    for piece in pieces(entry.text, embedding.count, room):
        yield Cut(entry=entry, text=piece.text, overlong=piece.overlong)


def passage_ids(file: ReadFile, cuts: list[Cut]) -> list[str]:
    """Return an id for each passage, from the file's name, title and text; equal ones are told apart by their order.

    An entry put in elsewhere in the file changes no other's id.
    """
    seen: Counter[str] = Counter()
    ids = []
    for each in cuts:
        said = "\0".join((file.source, each.entry.title, each.text))
        seen[said] += 1
        ids.append("k" + hashlib.sha256(f"{said}\0{seen[said]}".encode()).hexdigest()[:20])
    return ids


def rows_of(
    file: ReadFile, cuts: list[Cut], vectors: NDArray[np.float32], added: datetime, schema: pa.Schema
) -> pa.Table:
    """Return the rows of a file's passages, in their order."""
    places = {id(each.entry): _place_columns(each.entry) for each in cuts}
    shared = {"source": file.source, "digest": file.digest, "added": added}
    rows = [
        {
            "passage_id": passage_id,
            "position": position,
            "title": each.entry.title,
            "text": each.text,
            "names": list(each.entry.names),
            "datetime": each.entry.datetime,
            "radius_km": each.entry.radius_km,
            **places[id(each.entry)],
            **shared,
        }
        for position, (passage_id, each) in enumerate(zip(passage_ids(file, cuts), cuts, strict=True))
    ]
    plain = pa.schema([field for field in schema if field.name != "vector"])
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
    vector = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    return pa.Table.from_pylist(rows, schema=plain).append_column(schema.field("vector"), vector).cast(schema)


def _place_columns(entry: Entry) -> dict[str, Any]:
    """Geometry as given; bounds and cells of what it covers."""
    if entry.geometry is None:
        return {"placed": False}
    covered = extent(entry.geometry, entry.radius_km)
    west, south, east, north = geometry_bbox(covered)
    centre = entry.geometry.representative_point()
    return {
        "placed": True,
        "geometry": shapely.to_wkb(entry.geometry),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "lon": centre.x,
        "lat": centre.y,
        "h3": centre_cell(centre.x, centre.y),
        "h3_cover": list(cells_of(covered)),
    }
