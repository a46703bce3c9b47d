"""Passages by meaning and by place, and the names of places that the knowledge table holds.

How the two are joined when a place is given: a passage whose own place is farther away than the radius is left out; one
within it is taken whatever it says, and ranks ``NEAR_BONUS`` higher than its score; one without a place is taken where
it fits by meaning, and ranks by its score. Without a place only meaning counts, without texts only the place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from core import EncodesText, EncodesTiles, QueryError
from indexer import BucketPath, Snapshot, vector_matrix
from indexer.knowledge import DEFAULT_RADIUS_KM, Embedding, KnowledgeTable, circle, embedding_of
from retriever._expression import Area, any_of
from retriever._pushdown import pushed_down
from retriever.rag._types import Passage
from retriever.rag.passages._names_read import names_of
from retriever.rag.passages._passage_distance import distances_km, reach
from retriever.rag.passages._passage_names import Named
from retriever.rag.planning._plan_world import KnownPlace

if TYPE_CHECKING:
    from lancedb.expr import Expr

LEAST_SCORE = 0.2
"""Least cosine of sentence vectors at which a passage fits by meaning (docs/design/knowledge.md)."""

NEAR_BONUS = 0.1
"""By how much a passage within the radius outranks one without a place. Chosen, not fitted: right and other entries
are at 0.39 and 0.15 in the median, so it turns doubtful cases only (docs/design/knowledge.md)."""

MAX_PASSAGES = 1_000
"""Most passages of one search."""

_COLUMNS = ("passage_id", "title", "text", "source", "geometry", "datetime")


@runtime_checkable
class SearchesKnowledge(Protocol):
    """Finds passages of the knowledge table."""

    def search(
        self, texts: Sequence[str], *, near: BaseGeometry | None, radius_km: float, k: int
    ) -> tuple[Passage, ...]:
        """Return at most k passages that fit the texts and the place, best first.

        Args:
            texts: Phrases or questions; a passage's score is its best cosine to any of them. None given: only the place
                counts, nearest first.
            near: Point, line or area in lon, lat, cut at the antimeridian; None for everywhere.
            radius_km: How far from it a passage's place may be; 0 or more.
            k: Most passages returned.

        Raises:
            QueryError: k or the radius is out of range.
            StoreError: The table cannot be read.
        """
        ...

    def get(self, ids: Sequence[str]) -> tuple[Passage, ...]:
        """Return the passages with these ids in the order asked for, without those that are gone.

        Raises:
            StoreError: The table cannot be read.
        """
        ...


class Knowledge:
    """The knowledge table of an index, as it is at each call. Implements SearchesKnowledge and KnowsPlaces.

    Args:
        table: The passages.
        embedding: Makes vectors of their space.
    """

    def __init__(self, table: KnowledgeTable, embedding: Embedding) -> None:
        self._table = table
        self._embedding = embedding

    def __len__(self) -> int:
        """Return the number of passages."""
        return self._table.snapshot().count()

    def search(
        self, texts: Sequence[str], *, near: BaseGeometry | None, radius_km: float, k: int
    ) -> tuple[Passage, ...]:
        """See ``SearchesKnowledge.search``."""
        if not 1 <= k <= MAX_PASSAGES:
            raise QueryError(f"k must be 1 to {MAX_PASSAGES:,} passages, got {k}")
        if not (math.isfinite(radius_km) and radius_km >= 0):
            raise QueryError(f"radius_km must be 0 or more, got {radius_km}")
        asked = [text for text in texts if text.strip()]
        if not asked and near is None:
            return ()
        queries = self._embedding.encode(asked) if asked else None
        snapshot = self._table.snapshot()
        found = _Found()
        for batch in _scanned(snapshot, near, radius_km):
            found.add(batch, *self._measured(batch, queries, near, radius_km))
        return found.passages(snapshot, k)

    def _measured(
        self, batch: pa.RecordBatch, queries: NDArray[np.float32] | None, near: BaseGeometry | None, radius_km: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Return (rows,) scores, distances in km, and which rows are taken; NaN where one does not apply."""
        rows = batch.num_rows
        scores, distances = np.full(rows, np.nan), np.full(rows, np.nan)
        if queries is not None:
            scores = (vector_matrix(batch["vector"]) @ queries.T).max(axis=1).astype(np.float64)
        fits = scores >= (LEAST_SCORE if self._embedding.sentences else -1.0)
        if near is None:
            return scores, distances, fits
        placed = batch["placed"].to_numpy(zero_copy_only=False)
        distances[placed] = _distances(batch.filter(pa.array(placed)), near)
        with np.errstate(invalid="ignore"):
            return scores, distances, np.where(placed, distances <= radius_km, fits)

    def get(self, ids: Sequence[str]) -> tuple[Passage, ...]:
        """See ``SearchesKnowledge.get``."""
        from lancedb.expr import col

        if not ids:
            return ()
        where = col("passage_id").isin(list(dict.fromkeys(ids)))
        batches = self._table.snapshot().scan(_COLUMNS, where)
        known = {row["passage_id"]: _passage(row) for batch in batches for row in batch.to_pylist()}
        return tuple(known[each] for each in ids if each in known)

    def places_in(self, text: str) -> tuple[KnownPlace, ...]:
        """Return the entries with a place that a text names, none overlapping another; the longest name first.

        Case, accents and a plural ending do not matter; a name is found as whole words only. A point stands for the
        circle round it, of the entry's radius or ``DEFAULT_RADIUS_KM``; a name that several entries share, for the
        places of all of them. Words for things ("harbour", "wetland") are no names.

        Raises:
            StoreError: The table cannot be read.
        """
        snapshot = self._table.snapshot()
        known = names_of(self._table.path, snapshot)
        return tuple(_known_place(snapshot, named, known.entries) for named in known.names.find(text))


def open_knowledge(
    index_dir: str | PathLike[str] | BucketPath, encoder: EncodesText | EncodesTiles
) -> Knowledge | None:
    """Open the passages beside the tiles of an index.

    Args:
        index_dir: The index directory.
        encoder: The index's own; it must make vectors as those stored.

    Returns:
        None where nothing was added yet.

    Raises:
        InputError: The encoder reads no text, or the table has another schema version.
        SpaceMismatchError: The passages were embedded by another encoder; the message says what to run.
        StoreError: The table cannot be read.
    """
    if not KnowledgeTable.exists(index_dir):
        return None
    embedding = embedding_of(encoder)
    return Knowledge(KnowledgeTable.open(index_dir, space=embedding.space), embedding)


class _Found:
    """Passages that were taken, as row ids and numbers."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._parts: list[NDArray[np.float64]] = []
        self._row_ids: list[NDArray[np.uint64]] = []

    def add(
        self,
        batch: pa.RecordBatch,
        scores: NDArray[np.float64],
        distances: NDArray[np.float64],
        taken: NDArray[np.bool_],
    ) -> None:
        """Keep the rows that are taken."""
        self._ids += batch["passage_id"].filter(pa.array(taken)).to_pylist()
        self._parts.append(np.stack([scores[taken], distances[taken]]))
        self._row_ids.append(batch["_rowid"].to_numpy()[taken])

    def passages(self, snapshot: Snapshot, k: int) -> tuple[Passage, ...]:
        """Return the best k: by rank, equal ones by distance, then by id."""
        if not self._ids:
            return ()
        scores, distances = np.concatenate(self._parts, axis=1)
        rank = np.nan_to_num(scores) + np.where(np.isnan(distances), 0.0, NEAR_BONUS)
        best = np.lexsort((self._ids, np.nan_to_num(distances, nan=np.inf), -rank))[:k]
        rows = snapshot.take(np.concatenate(self._row_ids)[best], _COLUMNS).to_pylist()
        return tuple(
            _passage(row, score=_known(scores[at]), distance_km=_known(distances[at]))
            for row, at in zip(rows, best, strict=True)
        )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _scanned(snapshot: Snapshot, near: BaseGeometry | None, radius_km: float) -> Iterator[pa.RecordBatch]:
    """Every passage that may be taken: with a place given, those whose bounds come near it, and those without one."""
    from lancedb.expr import col, lit

    columns = ("passage_id", "vector", "placed", "geometry", "radius_km")
    if near is None:
        yield from snapshot.scan(columns)
        return
    yield from snapshot.scan(columns, _around(near, radius_km))
    yield from snapshot.scan(columns, col("placed") == lit(False))


def _around(near: BaseGeometry, radius_km: float) -> Expr:
    boxes = reach(near, radius_km)
    where = pushed_down(any_of([Area(relation="intersects", geometry=each) for each in boxes]))
    if where is None:  # any_of of boxes always says something about bounds
        raise QueryError("near is empty; give a place")
    return where


def _distances(batch: pa.RecordBatch, near: BaseGeometry) -> NDArray[np.float64]:
    """Return (rows,) km from what each passage covers; a point with a radius is the circle round it."""
    places = shapely.from_wkb(np.array(batch["geometry"].to_pylist(), dtype=np.object_))
    radii = np.nan_to_num(batch["radius_km"].cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64))
    points = shapely.get_type_id(places) == shapely.GeometryType.POINT
    return np.maximum(distances_km(near, places) - np.where(points, radii, 0.0), 0.0)


def _passage(row: dict[str, Any], *, score: float | None = None, distance_km: float | None = None) -> Passage:
    return Passage(
        passage_id=row["passage_id"],
        title=row["title"],
        text=row["text"],
        source=row["source"],
        geometry=shapely.from_wkb(row["geometry"]) if row["geometry"] else None,
        datetime=row["datetime"].astimezone(UTC) if row["datetime"] else None,
        score=score,
        distance_km=distance_km,
    )


def _known_place(snapshot: Snapshot, named: tuple[Named, ...], entries: Sequence[Sequence[str]]) -> KnownPlace:
    from lancedb.expr import col

    ids = [entries[each.entry][0] for each in named]
    batches = snapshot.scan(("passage_id", "geometry", "radius_km"), col("passage_id").isin(ids))
    places = {row["passage_id"]: _area(row) for batch in batches for row in batch.to_pylist()}
    first = named[0]
    return KnownPlace(
        name=first.name,
        geometry=places[ids[0]] if len(ids) == 1 else shapely.union_all([places[each] for each in ids]),
        passage_id=ids[0],
        start=first.start,
        end=first.end,
    )


def _area(row: dict[str, Any]) -> BaseGeometry:
    geometry: BaseGeometry = shapely.from_wkb(row["geometry"])
    if isinstance(geometry, Point):
        return circle(geometry.x, geometry.y, row["radius_km"] or DEFAULT_RADIUS_KM)
    return geometry
