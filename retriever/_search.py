"""A request in, hits out: request, encode, filter, rank, hits; everything on one version of the index."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core import EncodesText, QueryError, StoreError, span, tracing
from indexer.store import Store
from retriever._batches import Batches
from retriever._every import Every
from retriever._found import Found
from retriever._hits import Hits
from retriever._metrics import RANKED
from retriever._question import Asked, EncoderSource, ask, opened, opened_once, picture_vector
from retriever._ranking import CalibrationSource, rank, usable
from retriever._request import SearchRequest
from retriever._terms import Picture
from retriever._vector_index import Rows, SearchesArchive
from retriever._version import Version

if TYPE_CHECKING:
    from retriever.engine import Fresh


@runtime_checkable
class ProvidesRows(Protocol):
    """Gives the newest version of a tile table, as ``indexer.Store`` does."""

    def snapshot(self) -> Rows:
        """Return a view that later writes do not change."""
        ...


class Searcher:
    """Answers requests from one index, by way of its search snapshot where it has one.

    Args:
        store: The index.
        encoder: An encoder, or what opens it when first needed; searches by tile and by vector need none.
        calibration: How scores are read, or what reads it for every search; None ranks by score.
    """

    def __init__(
        self,
        store: ProvidesRows,
        encoder: EncoderSource = None,
        *,
        calibration: CalibrationSource = None,
    ) -> None:
        self._store = store
        self._fresh = _fresh(store)
        self._encoder = opened_once(encoder)
        self.calibration = calibration

    def search(self, request: SearchRequest, rows: Rows | None = None) -> Hits:
        """Return the best tiles among those that pass the request's filters.

        Args:
            request: What is asked.
            rows: The version of the index to answer from, so that pages of one answer fit together; None is the newest.

        Raises:
            TileNotFoundError: A tile that is named is not in the index.
            QueryError: The request does not fit the index or its encoder.
            SpaceMismatchError: The index was filled by another encoder.
        """
        started = time.perf_counter()
        return _hits(self.find(request, rows), request, started)

    def search_many(self, requests: Sequence[SearchRequest]) -> list[Hits]:
        """Return what ``search`` returns for each request, all from one version; ``took_ms`` is the time of all.

        Raises:
            TileNotFoundError: A tile that is named is not in the index.
            QueryError: A request does not fit the index or its encoder.
            SpaceMismatchError: The index was filled by another encoder.
        """
        started = time.perf_counter()
        return [
            _hits(found, request, started) for found, request in zip(self.find_many(requests), requests, strict=True)
        ]

    def find(self, request: SearchRequest, rows: Rows | None = None) -> Found:
        """Return what ``search`` returns before the tiles' records are read.

        Raises:
            TileNotFoundError: A tile that is named is not in the index.
            QueryError: The request does not fit the index or its encoder.
            SpaceMismatchError: The index was filled by another encoder.
        """
        with span("search", {"swath.k": request.k, "swath.exact": request.exact}) as step:
            version = self.version(rows)
            with span("embed"):
                asked = self.asked(request, version.rows)
            index, started = version.index(exact=request.exact), time.perf_counter()
            with span("rank"):
                found = self._found(request, asked, version, index)
            route = index.route()
            RANKED.labels(route).observe(time.perf_counter() - started)
            if tracing():
                told = {"db.system.name": "lancedb", "db.operation.name": "search", "swath.route": route}
                step.set(told | {"swath.matched": found.matched, "db.response.returned_rows": len(found)})
        return found

    def find_many(self, requests: Sequence[SearchRequest]) -> list[Found]:
        """Return what ``find`` returns for each request, all from one version; those with one filter go together.

        Raises:
            TileNotFoundError: A tile that is named is not in the index.
            QueryError: A request does not fit the index or its encoder.
            SpaceMismatchError: The index was filled by another encoder.
        """
        version = self.version()
        asked = [self.asked(request, version.rows) for request in requests]
        batches = Batches(version)
        for request, each in zip(requests, asked, strict=True):
            batches.add(request, each)
        batches.look_up()
        pairs = zip(requests, asked, strict=True)
        return [self._found(request, each, version, batches.index(request, each)) for request, each in pairs]

    def every(self, request: SearchRequest, rows: Rows | None = None) -> Every:
        """Return every tile that passes the filters and reaches the least score or probability, however many.

        Args:
            request: What is asked; its ``k`` does not matter.
            rows: The version of the index to answer from; None is the newest.

        Raises:
            TileNotFoundError: A tile that is named is not in the index.
            QueryError: The request does not fit the index or its encoder, or says no least score or probability.
            SpaceMismatchError: The index was filled by another encoder.
        """
        if request.min_score is None and request.min_probability is None:
            raise QueryError("to get every tile, say how good: give min_score or min_probability")
        version = self.version(rows)
        asked = self.asked(request, version.rows)
        calibration, remarks = usable(request, self.calibration, version.rows.space)
        index = version.index(exact=True)
        if not index.count(asked.where):
            check_names(request, version.rows)
        return Every(
            request=request,
            asked=asked,
            rows=version.rows,
            index=index,
            calibration=calibration,
            remarks=(*version.remarks, *asked.remarks, *remarks),
        )

    def _found(self, request: SearchRequest, asked: Asked, version: Version, index: SearchesArchive) -> Found:
        ranked = rank(index, request, asked.vector, self.calibration, version.rows.space, where=asked.where)
        if not ranked.matches.matched:
            check_names(request, version.rows)
        why: dict[str, Any] = dict(asked.why) | ({"calibration": dict(ranked.why)} if ranked.why else {})
        why |= {"engine": index.explained()} if request.explain else {}
        remarks = (*version.remarks, *asked.remarks, *ranked.remarks)
        return Found(ranked=ranked, rows=version.rows, why=why, remarks=remarks)

    def version(self, rows: Rows | None = None) -> Version:
        """Return a version of the index as searches see it; None is the newest.

        Raises:
            StoreError: The index cannot be read.
        """
        if self._fresh is None:
            return Version(rows=self._store.snapshot() if rows is None else rows)
        return self._fresh.newest() if rows is None else self._fresh.at(rows)

    def numbered(self, number: int) -> Version:
        """Return the version of a number.

        Raises:
            StoreError: It is no longer kept, or the index has no versions.
        """
        if self._fresh is None:
            raise StoreError("rows in memory have no versions")
        return self._fresh.version(number)

    def snapshot(self) -> Rows:
        """Return the newest version of the index."""
        return self.version().rows

    def asked(self, request: SearchRequest, rows: Rows) -> Asked:
        """Return a request as one direction and the filter that goes with it, for what ranks or counts by itself.

        Raises:
            TileNotFoundError: A tile that is named is not in the index.
            QueryError: The request does not fit the index or its encoder, or asks for nothing.
            SpaceMismatchError: The index was filled by another encoder.
        """
        return ask(request, rows, self._encoder)

    def picture_vector(self, picture: Picture, *, sensor: str | None = None) -> NDArray[np.float32]:
        """Return the (dim,) unit vector of a picture.

        Args:
            picture: See ``query_tile``.
            sensor: Sensor of a GeoTIFF; None goes by the file.

        Raises:
            QueryError: It cannot be read, or the encoder looks at no pictures.
        """
        return picture_vector(picture, sensor, opened(self._encoder, self.snapshot()))

    def understands_words(self) -> bool:
        """Return whether texts can be searched for.

        Raises:
            SpaceMismatchError: The index was filled by another encoder.
        """
        return isinstance(opened(self._encoder, self.snapshot()), EncodesText)


def _hits(found: Found, request: SearchRequest, started: float) -> Hits:
    return Hits(
        hits=found.hits(),
        matched=found.matched,
        took_ms=(time.perf_counter() - started) * 1000,
        query=request.describe(),
        why=found.why,
        remarks=found.remarks,
    )


def _fresh(store: ProvidesRows) -> Fresh | None:
    """What follows the versions of an index on disk; rows in memory have no search snapshot."""
    if not isinstance(store, Store):
        return None
    from retriever.engine import Fresh

    return Fresh(store)


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
