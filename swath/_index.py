"""An opened index: what ``swath.open`` returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import EncodesTiles, Record
from embeddings import open_encoder_of
from indexer import remove_calibration
from indexer.store import CompactReport, IndexInfo, Removed, Store
from retriever import (
    CalibrationPlan,
    FacetRequest,
    Facets,
    FitReport,
    Hits,
    Searcher,
    SearchRequest,
    calibrate_index,
    filters_only,
    find_tile,
    load_calibration,
    write_fit_report,
)
from retriever import facets as facets_of

if TYPE_CHECKING:
    from retriever.rag import Answer, Archive, Asker, QueryPlan, Turn

_SUBJECTS = ("text", "image", "like", "vector", "query", "plus", "minus")

Progress = Callable[[int, int], None]
"""Called with tiles done and tiles in all."""


def open_index(path: str | PathLike[str]) -> Index:
    """Open an index for searching.

    Args:
        path: The directory that ``swath index --into`` wrote.

    Raises:
        IndexNotFoundError: The directory is missing or is not an index.
    """
    return Index(Path(path))


class Index:
    """A searchable index of one archive. Cheap to open; the encoder is loaded by the first query that needs it.

    Args:
        path: The index directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store.open(path)

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
            min_probability=min_probability, min_score=min_score,
        )  # fmt: skip
        return self.answer(request)

    def answer(self, request: SearchRequest) -> Hits:
        """Answer a request built elsewhere; see ``search``."""
        return self._searcher.search(request)

    @cached_property
    def _searcher(self) -> Searcher:
        # One for all questions: what the index holds is known by who searches it, and read once a version.
        return Searcher(self._store, lambda: self.encoder, calibration=lambda: load_calibration(self.path))

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

    def ask(
        self,
        question: str,
        *,
        plan: QueryPlan | None = None,
        turns: Sequence[Turn] = (),
        tiles: int = 12,
        pictures: int | None = None,
        use_model: bool = True,
        **filters: Any,
    ) -> Answer:
        """Answer a question with claims that each cite tiles, or say why there is no answer.

        The model of ``SWATH_ANSWER_URL`` writes; without one, claims follow from records alone.

        Args:
            question: In words.
            plan: How it is to be read, where that was edited; see ``answer.plan``.
            turns: Earlier questions of a dialogue, from `swath.turn_of`.
            tiles: Most tiles of evidence, 1 to 50.
            pictures: Most pictures drawn; None draws what the model is given.
            use_model: False writes from records even where a model is set.
            **filters: The filters of ``search``, which hold whatever the question says.

        Raises:
            QueryError: The question, the plan or a filter is wrong.
        """
        from swath._asking import ask

        return ask(
            self.asker(use_model=use_model), question, filters, plan=plan, turns=turns, tiles=tiles, pictures=pictures
        )

    def asker(self, *, use_model: bool = True) -> Asker:
        """Return what answers questions step by step; see `retriever.rag.Asker`.

        Raises:
            UnknownNameError: ``SWATH_ANSWER_PROVIDER`` names no kind of model.
        """
        from swath._asking import asker_of

        return asker_of(self.archive, use_model=use_model)

    def archive(self) -> Archive:
        """Return the newest version of the index as questions see it, with the knowledge beside it.

        Raises:
            StoreError: The index or its knowledge cannot be read.
        """
        from swath._asking import archive_of

        return archive_of(self.path, self._store, self._searcher, self.encoder)

    def calibrate(
        self,
        truth: str | PathLike[str] = "labels",
        *,
        data: str | None = None,
        split: str | None = None,
        method: str = "auto",
        out: str | PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> FitReport:
        """Fit probabilities to the scores of each sensor and keep them with the index.

        Args:
            truth: ``"labels"`` for the labels of the index's own tiles, a JSON-lines file of ``tile_id`` and
                ``labels``, or ``"background"`` to compare sensors without labels.
            data: ``NAME:PATH`` of a labelled dataset, in place of ``truth``.
            split: Split of the dataset.
            method: ``"auto"``, ``"platt"`` or ``"centred"``; auto takes what predicts better on queries left out.
            out: Folder for calibration.json and reliability.png; None writes neither.
            progress: Called with tiles done and tiles in all while a dataset is encoded.

        Raises:
            InputError: There is nothing to fit on; the message says what would work.
            StoreError: The index or the folder cannot be written.
        """
        report = calibrate_index(
            self.path,
            self._store.snapshot(),
            lambda: self.encoder,
            CalibrationPlan(truth=truth, data=data, split=split, method=method),
            progress,
        )
        if out is not None:
            write_fit_report(report, Path(out))
        return report

    def forget_calibration(self) -> bool:
        """Remove the calibration; return whether there was one.

        Raises:
            StoreError: The index cannot be written.
        """
        return remove_calibration(self.path)

    def tile(self, tile_id: str) -> Record:
        """Return one tile's record.

        Raises:
            TileNotFoundError: No such tile in the index.
        """
        return find_tile(self._store.snapshot(), tile_id)

    def info(self) -> IndexInfo:
        """Return counts, extent, sensors and encoder as of the last commit."""
        return self._store.snapshot().info()

    def remove(self, *, scene_id: str | None = None, collection: str | None = None) -> Removed:
        """Remove a scene or a collection, tiles and ledger both.

        Raises:
            InputError: Nothing of that name is in the index.
        """
        return self._store.remove(scene_id=scene_id, collection=collection)

    def compact(self) -> CompactReport:
        """Merge small files and drop old versions; what a search sees does not change."""
        return self._store.compact()
