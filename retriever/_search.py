"""A request in, hits out: request, encode, filter, rank, hits; everything on one version of the index."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import EncodesText, EncodesTiles, Hit, QueryError, Record, SpaceMismatchError, TileNotFoundError
from indexer import RECORD_COLUMNS, record_from_row, vector_matrix
from retriever._evaluate import matching
from retriever._expression import compare
from retriever._hits import Hits
from retriever._pushdown import pushed_down
from retriever._query_image import query_tile
from retriever._request import Picture, SearchRequest, unit
from retriever._vector_index import FlatIndex, Matches, Rows

Encoder = EncodesText | EncodesTiles
"""What can encode words, pictures or both."""


@runtime_checkable
class ProvidesRows(Protocol):
    """Gives the newest version of a tile table, as ``indexer.Store`` does."""

    def snapshot(self) -> Rows:
        """Return a view that later writes do not change."""
        ...


class Searcher:
    """Answers requests from one index.

    Args:
        store: The index.
        encoder: An encoder, or what opens it when first needed; searches by tile and by vector need none.
    """

    def __init__(self, store: ProvidesRows, encoder: Encoder | Callable[[], Encoder] | None = None) -> None:
        self._store = store
        self._encoder = encoder

    def search(self, request: SearchRequest) -> Hits:
        """Return the best tiles among those that pass the request's filters.

        Raises:
            TileNotFoundError: ``like`` is not in the index.
            QueryError: The request does not fit the index or its encoder.
            SpaceMismatchError: The index was filled by another encoder.
        """
        started = time.perf_counter()
        rows = self._store.snapshot()
        vector = self._vector(request, rows)
        found = FlatIndex(rows).search(vector, k=request.k, where=request.where())
        if not found.matched:
            _check_names(request, rows)
        hits = _hits(found, rows)
        took_ms = (time.perf_counter() - started) * 1000
        return Hits(hits=hits, matched=found.matched, took_ms=took_ms, query=request.describe())

    def _vector(self, request: SearchRequest, rows: Rows) -> NDArray[np.float32]:
        if request.vector is not None:
            return request.vector
        if request.like is not None:
            return _vector_of(request.like, rows)
        if request.image is not None:
            return self._encoded_picture(request.image, rows)
        return self._encoded_text(request.text or "", rows)

    def _encoded_text(self, text: str, rows: Rows) -> NDArray[np.float32]:
        encoder = self._opened(rows)
        if not isinstance(encoder, EncodesText):
            raise QueryError(f"{encoder.space} does not understand words; search with image, like or vector")
        return unit(encoder.encode_text([text])[0], "text's vector")

    def _encoded_picture(self, picture: Picture, rows: Rows) -> NDArray[np.float32]:
        encoder = self._opened(rows)
        if not isinstance(encoder, EncodesTiles):
            raise QueryError(f"{encoder.space} does not look at pictures; search with text, like or vector")
        return unit(encoder.encode(encoder.prepare(query_tile(picture))[np.newaxis])[0], "picture's vector")

    def _opened(self, rows: Rows) -> Encoder:
        if self._encoder is None:
            raise QueryError(f"no encoder was given; open one for {rows.space}, or search with like or vector")
        # A class has its instances' methods, so it would pass for an encoder.
        if isinstance(self._encoder, type) or not isinstance(self._encoder, EncodesText | EncodesTiles):
            self._encoder = self._encoder()
        if self._encoder.space != rows.space:
            raise SpaceMismatchError(
                f"the index was filled by {rows.space}; it cannot be searched by {self._encoder.space}"
            )
        return self._encoder


def find_tile(rows: Rows, tile_id: str) -> Record:
    """Return one tile's record.

    Raises:
        TileNotFoundError: No such tile.
    """
    return record_from_row(_row_of(tile_id, rows, RECORD_COLUMNS).to_pylist()[0])


def _check_names(request: SearchRequest, rows: Rows) -> None:
    """Tell a name that the index does not have from a filter that nothing passes."""
    for column, wanted in (("sensor", request.sensor), ("collection", request.collection)):
        if not wanted:
            continue
        known = {name for batch in rows.scan([column]) for name in batch[column].unique().to_pylist()}
        if unknown := sorted(set(wanted) - known):
            names = ", ".join(map(repr, unknown))
            raise QueryError(f"no {column} {names} in the index; it holds {', '.join(sorted(known)) or 'no tiles'}")


def _vector_of(tile_id: str, rows: Rows) -> NDArray[np.float32]:
    return unit(vector_matrix(_row_of(tile_id, rows, ("vector",))["vector"])[0], f"vector of {tile_id}")


def _row_of(tile_id: str, rows: Rows, columns: Sequence[str]) -> pa.Table:
    same = compare("tile_id", "text", "=", tile_id)
    for batch in rows.scan(["tile_id"], pushed_down(same)):
        found = matching(same, batch)
        if len(found):
            return rows.take(batch["_rowid"].to_numpy()[found[:1]], columns)
    raise TileNotFoundError(f"no tile {tile_id!r} in the index; the hits of a search name their tile ids")


def _hits(found: Matches, rows: Rows) -> tuple[Hit, ...]:
    table = rows.take(found.row_ids, RECORD_COLUMNS)
    records = map(record_from_row, table.to_pylist())
    scored = zip(records, found.scores.tolist(), strict=True)
    return tuple(_hit(record, rank, score) for rank, (record, score) in enumerate(scored, start=1))


def _hit(record: Record, rank: int, score: float) -> Hit:
    values: dict[str, Any] = {name: getattr(record, name) for name in Record.__dataclass_fields__}
    # Stored as float16, a vector may be a little longer than 1.
    return Hit(**values, rank=rank, score=min(max(score, -1.0), 1.0))
