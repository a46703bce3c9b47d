"""A request as one direction in the index's space, and the filter that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import EncodesText, EncodesTiles, QueryError, SpaceMismatchError
from indexer import vector_matrix
from retriever._checks import unit
from retriever._compound import refined, weighted_sum
from retriever._expression import Expression, all_of
from retriever._lookup import row_of
from retriever._points import PointTiles, point_tiles
from retriever._query_image import query_tile
from retriever._request import SearchRequest
from retriever._terms import Picture, Term
from retriever._text_query import text_query
from retriever._vector_index import Rows
from retriever._where import without

Encoder = EncodesText | EncodesTiles
"""What can encode words, pictures or both."""

EncoderSource = Encoder | Callable[[], Encoder] | None
"""An encoder, what opens one when it is needed, or none."""

_NOTHING = "nothing to search for: give one of text, image, like, vector or query, or mark tiles plus"


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """What tiles are scored against, and which of them."""

    vector: NDArray[np.float32]
    """(dim,) unit vector."""
    where: Expression | None
    """The request's filter, without the tiles the request itself was made of; None for all tiles."""
    why: Mapping[str, Any]
    """How the request was understood, as JSON values."""
    remarks: tuple[str, ...] = ()
    """What the user should know."""


def ask(request: SearchRequest, rows: Rows, encoder: EncoderSource) -> Asked:
    """Return a request as one direction and one filter.

    Raises:
        TileNotFoundError: A tile that is named is not in the index.
        QueryError: The request does not fit the index or its encoder.
        SpaceMismatchError: The index was filled by another encoder.
    """
    asking = _Asking(request, rows, encoder)
    vector = asking.vector()
    where = all_of([part for part in (request.where(), *without(asking.points)) if part is not None])
    return Asked(vector=vector, where=where, why=asking.why, remarks=tuple(asking.remarks))


def opened_once(encoder: EncoderSource) -> EncoderSource:
    """Return the encoder, or what opens it the first time and returns it ever after."""
    if encoder is None or _is_encoder(encoder):
        return encoder
    kept: list[Encoder] = []

    def get() -> Encoder:
        if not kept:
            kept.append(_made(encoder))
        return kept[0]

    return get


def _is_encoder(encoder: object) -> bool:
    # A class has its instances' methods, so it would pass for an encoder.
    return not isinstance(encoder, type) and isinstance(encoder, EncodesText | EncodesTiles)


def _made(encoder: Any) -> Encoder:
    made: Encoder = encoder if _is_encoder(encoder) else encoder()
    return made


def opened(encoder: EncoderSource, rows: Rows) -> Encoder:
    """Return the encoder, opened where it was not yet.

    Raises:
        QueryError: There is none.
        SpaceMismatchError: The index was filled by another one.
    """
    if encoder is None:
        raise QueryError(f"no encoder was given; open one for {rows.space}, or search with like or vector")
    encoder = _made(encoder)
    if encoder.space != rows.space:
        raise SpaceMismatchError(f"the index was filled by {rows.space}; it cannot be searched by {encoder.space}")
    return encoder


def picture_vector(picture: Picture, sensor: str | None, encoder: Encoder) -> NDArray[np.float32]:
    """Return the (dim,) unit vector of a picture.

    Raises:
        QueryError: It cannot be read, or the encoder looks at no pictures.
        SensorError: The encoder has no use for its bands.
    """
    if not isinstance(encoder, EncodesTiles):
        raise QueryError(f"{encoder.space} does not look at pictures; search with text, like or vector")
    array = encoder.prepare(query_tile(picture, sensor=sensor))
    return unit(encoder.encode(array[np.newaxis])[0], "picture's vector")


@dataclass(kw_only=False, eq=False)
class _Asking:
    """One request while it is turned into a direction."""

    request: SearchRequest
    rows: Rows
    encoder: EncoderSource
    why: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    points: tuple[str, ...] = ()
    """Ids of the tiles that stood for points."""

    def vector(self) -> NDArray[np.float32]:
        query, marks = self._query(), (self.request.plus, self.request.minus)
        if not any(marks):
            if query is None:
                raise QueryError(_NOTHING)
            return query
        return refined(query, *(self._tiles(ids) for ids in marks))

    def _query(self) -> NDArray[np.float32] | None:
        request = self.request
        if request.query:
            return self._compound(request.query)
        alone = Term(text=request.text, image=request.image, like=request.like, vector=request.vector)
        given = (alone.text, alone.image, alone.like, alone.vector)
        return None if all(value is None for value in given) else self._term(alone, self.why)

    def _compound(self, terms: Sequence[Term]) -> NDArray[np.float32]:
        told: list[dict[str, Any]] = [{} for _ in terms]
        vectors = [self._term(term, why) for term, why in zip(terms, told, strict=True)]
        self.why["query"] = [term.describe() | why for term, why in zip(terms, told, strict=True)]
        return weighted_sum(vectors, [term.weight for term in terms])

    def _term(self, term: Term, why: dict[str, Any]) -> NDArray[np.float32]:
        if term.text is not None:
            return self._words(term.text, why)
        if term.image is not None:
            return picture_vector(term.image, self.request.image_sensor, opened(self.encoder, self.rows))
        if term.point is not None:
            return self._point(term.point, why)
        return self._tiles((term.like,))[0] if term.like is not None else self._given(term.vector)

    def _words(self, text: str, why: dict[str, Any]) -> NDArray[np.float32]:
        encoder = opened(self.encoder, self.rows)
        if not isinstance(encoder, EncodesText):
            raise QueryError(f"{encoder.space} does not understand words; search with image, like or vector")
        found = text_query(encoder, text, prompts=self.request.prompts, mode=self.request.expand)
        why |= found.why
        self.remarks += found.remarks
        return unit(found.vector, "text's vector")

    def _point(self, point: tuple[float, float], why: dict[str, Any]) -> NDArray[np.float32]:
        found = point_tiles(self.rows, point)
        self.points = tuple(dict.fromkeys((*self.points, *found.tile_ids)))
        why |= {"tiles": list(found.tile_ids), "distance_km": found.distance_km}
        if found.distance_km > 0:
            self.remarks.append(_far(point, found))
        return found.vector

    def _tiles(self, tile_ids: Sequence[str]) -> NDArray[np.float32]:
        """(n, dim) unit vectors."""
        vectors = [vector_matrix(row_of(tile_id, self.rows, ("vector",))["vector"])[0] for tile_id in tile_ids]
        named = zip(vectors, tile_ids, strict=True)
        directions = [unit(vector, f"vector of {tile_id}") for vector, tile_id in named]
        return np.array(directions, dtype=np.float32).reshape(len(tile_ids), self.rows.space.dim)

    def _given(self, vector: NDArray[np.float32] | None) -> NDArray[np.float32]:
        if vector is None:
            raise QueryError(_NOTHING)
        if vector.shape != (self.rows.space.dim,):
            raise QueryError(
                f"the vector has {vector.size} numbers, the index holds vectors of {self.rows.space.dim}"
                f" ({self.rows.space})"
            )
        return vector


def _far(point: tuple[float, float], found: PointTiles) -> str:
    lon, lat = point
    return f"no tile covers {lon:g}, {lat:g} (lon, lat); the nearest, {found.distance_km:,.1f} km away, stands for it"
