"""A request in, hits out: request, encode, filter, rank, hits; everything on one version of the index."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import EncodesText, EncodesTiles, QueryError, Record, SpaceMismatchError, TileNotFoundError
from indexer import RECORD_COLUMNS, record_from_row, vector_matrix
from retriever._evaluate import matching
from retriever._expression import compare
from retriever._found import Found
from retriever._hits import Hits
from retriever._pushdown import pushed_down
from retriever._query_image import query_tile
from retriever._ranking import CalibrationSource, Ranked, rank
from retriever._request import Picture, SearchRequest, unit
from retriever._text_query import TextQuery, text_query
from retriever._vector_index import FlatIndex, Rows

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
        calibration: How scores are read, or what reads it for every search; None ranks by score.
    """

    def __init__(
        self,
        store: ProvidesRows,
        encoder: Encoder | Callable[[], Encoder] | None = None,
        *,
        calibration: CalibrationSource = None,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self.calibration = calibration

    def search(self, request: SearchRequest, rows: Rows | None = None) -> Hits:
        """Return the best tiles among those that pass the request's filters.

        Args:
            request: What is asked.
            rows: The version of the index to answer from, so that pages of one answer fit together; None is the newest.

        Raises:
            TileNotFoundError: ``like`` is not in the index.
            QueryError: The request does not fit the index or its encoder.
            SpaceMismatchError: The index was filled by another encoder.
        """
        started = time.perf_counter()
        found = self.find(request, rows)
        return Hits(
            hits=found.hits(),
            matched=found.matched,
            took_ms=(time.perf_counter() - started) * 1000,
            query=request.describe(),
            why=found.why,
            remarks=found.remarks,
        )

    def find(self, request: SearchRequest, rows: Rows | None = None) -> Found:
        """Return what ``search`` returns before the tiles' records are read.

        Raises:
            TileNotFoundError: ``like`` is not in the index.
            QueryError: The request does not fit the index or its encoder.
            SpaceMismatchError: The index was filled by another encoder.
        """
        rows = self.snapshot() if rows is None else rows
        vector, words = self.direction(request, rows)
        ranked = rank(FlatIndex(rows), request, vector, self.calibration, rows.space)
        if not ranked.matches.matched:
            check_names(request, rows)
        remarks = (*(() if words is None else words.remarks), *ranked.remarks)
        return Found(ranked=ranked, rows=rows, why=_why(words, ranked), remarks=remarks)

    def snapshot(self) -> Rows:
        """Return the newest version of the index."""
        return self._store.snapshot()

    def direction(self, request: SearchRequest, rows: Rows) -> tuple[NDArray[np.float32], TextQuery | None]:
        """Return the (dim,) unit vector that tiles are compared with, and how its words were encoded.

        Raises:
            TileNotFoundError: ``like`` is not in the index.
            QueryError: The request does not fit the index or its encoder, or asks for nothing.
            SpaceMismatchError: The index was filled by another encoder.
        """
        words = None if request.text is None else self._encoded_text(request, rows)
        return (self._vector(request, rows) if words is None else unit(words.vector, "text's vector")), words

    def _vector(self, request: SearchRequest, rows: Rows) -> NDArray[np.float32]:
        if request.vector is not None:
            return request.vector
        if request.like is not None:
            return _vector_of(request.like, rows)
        if request.image is not None:
            return self._encoded_picture(request.image, rows)
        raise QueryError("nothing to search for: give one of text, image, like or vector")

    def _encoded_text(self, request: SearchRequest, rows: Rows) -> TextQuery:
        encoder = self._opened(rows)
        if not isinstance(encoder, EncodesText):
            raise QueryError(f"{encoder.space} does not understand words; search with image, like or vector")
        return text_query(encoder, request.text or "", prompts=request.prompts, mode=request.expand)

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


def check_names(request: SearchRequest, rows: Rows) -> None:
    """Tell a name that the index does not have from a filter that nothing passes.

    Raises:
        QueryError: A sensor or collection that no tile has.
    """
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


def _why(words: TextQuery | None, found: Ranked) -> dict[str, Any]:
    said = {} if words is None else dict(words.why)
    return said | ({"calibration": dict(found.why)} if found.why else {})
