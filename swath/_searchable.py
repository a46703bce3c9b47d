"""The questions an opened index answers by ranking its tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from core import EncodesTiles
from embeddings import open_encoder_of
from indexer import Place
from indexer.store import Store
from retriever import Every, FacetRequest, Facets, Hits, Searcher, SearchRequest, filters_only, load_calibration
from retriever import facets as facets_of

_SUBJECTS = ("text", "image", "like", "vector", "query", "plus", "minus")


class SearchableIndex:
    """What is searched: the part of ``Index`` that ranks and counts tiles.

    Args:
        path: Where the index is.
    """

    def __init__(self, path: Place) -> None:
        self.path = path
        self._store = Store.open(path)

    @property
    def folder(self) -> Place:
        """Where the vectors that are searched lie: the index directory, or a generation in it (``swath reembed``)."""
        return self._store.path

    @cached_property
    def encoder(self) -> EncodesTiles:
        """The encoder that filled this index.

        Raises:
            SpaceMismatchError: The installed encoder of that name has another revision.
        """
        return open_encoder_of(self._store.space)

    def search(
        self,
        *,
        text: str | None = None,
        image: Any = None,
        like: str | None = None,
        vector: Sequence[float] | None = None,
        query: Sequence[Mapping[str, Any]] | None = None,
        plus: str | Sequence[str] = (),
        minus: str | Sequence[str] = (),
        image_sensor: str | None = None,
        k: int = 10,
        bbox: str | Sequence[float] | None = None,
        within: Any = None,
        near: str | Sequence[float] | None = None,
        radius_km: float | None = None,
        h3: str | Sequence[str] = (),
        datetime: str | None = None,
        sensor: str | Sequence[str] = (),
        collection: str | Sequence[str] = (),
        label: str | Sequence[str] = (),
        max_cloud: float | None = None,
        min_valid: float | None = None,
        filter: str | Mapping[str, Any] | None = None,  # noqa: A002 - the STAC API calls it filter
        prompts: str | Sequence[str] | None = "auto",
        expand: bool | str = "auto",
        calibrated: bool | str = "auto",
        min_probability: float | None = None,
        min_score: float | None = None,
        exact: bool = False,
        explain: bool = False,
    ) -> Hits:
        """Return the k tiles most like the query among those that pass every filter.

        One of text, image, like, vector and query is what is looked for; plus and minus refine it, or stand alone.

        Args:
            text: A sentence or a few words.
            image: A picture: path, bytes, PIL image, or uint8 array (h, w, 3); a GeoTIFF is read as its sensor's tiles.
            like: A tile id; that tile itself is left out.
            vector: dim numbers in the index's own space; normalised here.
            query: Several of these, added up: mappings with one of text, image, like, vector and point (lon, lat), and
                a ``weight``, 1 where left out; a negative one subtracts.
            plus: Ids of tiles that are right; the query moves towards them (Rocchio).
            minus: Ids of tiles that are wrong; the query moves away, and they are left out.
            image_sensor: Sensor of a GeoTIFF in ``image``, where the file does not say: ``sentinel-1-rtc/db``.
            k: 1 to 10,000.
            bbox: west, south, east, north in degrees; west > east crosses the antimeridian.
            within: GeoJSON path, text or mapping, or a shapely polygon, in lon, lat.
            near: lat, lon of a point; needs radius_km.
            radius_km: Great-circle distance from the point to the footprint.
            h3: Cells in which the tile's centre must lie.
            datetime: ``A/B``, ``../B``, ``A/..``, an instant or a day, RFC 3339.
            sensor: One or more sensor names.
            collection: One or more collections.
            label: One or more picture labels.
            max_cloud: Percent, 0 to 100; tiles of unknown cloud do not match.
            min_valid: Fraction, 0 to 1.
            filter: CQL2 text or JSON on any column.
            prompts: How a short text is worded: ``"auto"`` as the encoder's family was published with, None as typed,
                or templates with ``{}``.
            expand: ``"auto"`` adds synonyms where the text names a class of land cover or a crisis (``hits.why`` shows
                them), True also says when none is known, False takes the text as typed.
            calibrated: ``"auto"`` ranks by probability where the index is calibrated, True insists, False never does.
            min_probability: Least calibrated probability of a hit, 0 to 1; ``hits.remarks`` says when none reaches it.
            min_score: Least cosine of a hit, -1 to 1.
            exact: True answers as if every tile were compared; else the fast routes of ``swath optimize`` may miss a
                few of the best in a thousand.
            explain: True says in ``hits.why["engine"]`` how the search was answered.

        Returns:
            Hits, best first: exactly ``min(k, hits.matched)`` of them, unless a least probability or
            score leaves some out.

        Raises:
            QueryError: The request cannot be answered; the message says why.
        """
        request = SearchRequest.build(
            text=text, image=image, like=like, vector=vector, query=query, plus=plus, minus=minus,
            image_sensor=image_sensor, k=k, bbox=bbox, within=within, near=near, radius_km=radius_km, h3=h3,
            datetime=datetime, sensor=sensor, collection=collection, label=label, max_cloud=max_cloud,
            min_valid=min_valid, filter=filter, prompts=prompts, expand=expand, calibrated=calibrated,
            min_probability=min_probability, min_score=min_score, exact=exact, explain=explain,
        )  # fmt: skip
        return self.answer(request)

    def answer(self, request: SearchRequest) -> Hits:
        """Answer a request built elsewhere; see ``search``."""
        return self._searcher.search(request)

    def search_many(self, queries: Sequence[str | Mapping[str, Any]], **shared: Any) -> list[Hits]:
        """Return what ``search`` finds for each of several queries, all in one version of the index.

        Queries with the same filters are looked up together, which takes a fraction of the time.

        Args:
            queries: Texts, or mappings of arguments of ``search``.
            **shared: Arguments of ``search`` for all queries that do not say otherwise.

        Raises:
            QueryError: One cannot be answered; the message says why.
        """
        asked = [{"text": query} if isinstance(query, str) else dict(query) for query in queries]
        return self._searcher.search_many([SearchRequest.build(**{**shared, **each}) for each in asked])

    def every(self, **asked: Any) -> Every:
        """Return every tile that passes the filters and is good enough, however many there are.

        They come in no order of score, a few thousand in memory at a time; ``hit.rank`` numbers them as they come.
        ``every(...).write("found.parquet")`` writes them to a file.

        Args:
            **asked: As for ``search``, without ``k``; with ``min_score`` or ``min_probability``.

        Raises:
            QueryError: The request cannot be answered, or says neither.
        """
        return self._searcher.every(SearchRequest.build(**asked))

    @cached_property
    def _searcher(self) -> Searcher:
        # One for all questions: what the index holds is known by who searches it, and read once a version.
        return Searcher(self._store, lambda: self.encoder, calibration=lambda: load_calibration(self.folder))

    def facets(self, *, facets: FacetRequest, **asked: Any) -> Facets:
        """Count all tiles that pass the filters, not only the best k.

        Args:
            facets: What to count: dates, H3 cells, cloud, sensors, collections, labels.
            **asked: As for ``search``; what to look for may be left out.

        Raises:
            QueryError: The request cannot be answered, or its answer would hold too many cells.
        """
        looks = any(asked.get(name) is not None for name in _SUBJECTS)
        request = SearchRequest.build(**asked) if looks else filters_only(**asked)
        return facets_of(self._searcher, request, facets)
