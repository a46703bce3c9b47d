"""An opened index: what ``swath.open`` returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import InputError, Record
from indexer import BackupReport, BucketPath, back_up, place_of, remove_calibration
from indexer.store import CompactReport, IndexInfo, Removed
from retriever import CalibrationPlan, FitReport, calibrate_index, find_tile, write_fit_report
from swath._searchable import SearchableIndex

if TYPE_CHECKING:
    from retriever.engine import OptimizeReport, SnapshotSummary
    from retriever.rag import Answer, Archive, Asker, QueryPlan, Turn
    from retriever.watches import Watches
    from swath._verifying import VerifyReport

Progress = Callable[[int, int], None]
"""Called with tiles done and tiles in all."""


def open_index(path: str | PathLike[str] | BucketPath) -> Index:
    """Open an index for searching.

    Args:
        path: What ``swath index --into`` wrote: a directory, or ``s3://``, ``gs://`` or ``az://`` with a bucket and a
            prefix.

    Raises:
        IndexNotFoundError: The directory is missing or is not an index.
    """
    return Index(place_of(path))


class Index(SearchableIndex):
    """A searchable index of one archive. Cheap to open; the encoder is loaded by the first query that needs it.

    Args:
        path: Where the index is.
    """

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

        return archive_of(self.folder, self._searcher, self.encoder)

    @property
    def watches(self) -> Watches:
        """The searches that are kept with the index and asked of every tile that is added.

        ``index.watches.add("harbours", text="a harbour", min_score=0.25, file="harbours.geojsonl")`` adds one.
        """
        from retriever.watches import Watches

        return Watches(self._store, self._searcher)

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
            self.folder,
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
        return remove_calibration(self.folder)

    def tile(self, tile_id: str) -> Record:
        """Return one tile's record.

        Raises:
            TileNotFoundError: No such tile in the index.
        """
        return find_tile(self._store.snapshot(), tile_id)

    def info(self) -> IndexInfo:
        """Return counts, extent, sensors and encoder as of the last commit."""
        return self._store.snapshot().info()

    def search_snapshot(self) -> SnapshotSummary | str | None:
        """Return what the search snapshot holds, why it is not used, or None where there is none; see ``optimize``."""
        from retriever.engine import snapshot_summary

        return snapshot_summary(self._store)

    def remove(self, *, scene_id: str | None = None, collection: str | None = None) -> Removed:
        """Remove a scene or a collection, tiles and ledger both.

        Raises:
            InputError: Nothing of that name is in the index.
        """
        return self._store.remove(scene_id=scene_id, collection=collection)

    def verify(self, *, full: bool = False, progress: Progress | None = None) -> VerifyReport:
        """Check that the index is whole; see ``swath.verify``, which also takes one that cannot be opened."""
        from swath._verifying import verify_index

        return verify_index(self.path, full=full, progress=progress)

    def backup(self, to: str | PathLike[str], *, progress: Progress | None = None) -> BackupReport:
        """Add a copy of the index, as it is at one instant, to a folder of backups; ``swath.restore`` reads it.

        Args:
            to: Folder of backups; made if it is missing.
            progress: Called with bytes done and bytes in all.

        Raises:
            InputError: ``to`` holds something else.
            StoreError: The index cannot be read, or the copy cannot be written.
        """
        return back_up(self.path, to, progress=progress)

    def compact(self, *, keep_days: float | None = None, keep_versions: int = 1) -> CompactReport:
        """Merge small files and drop old versions; what a search sees does not change.

        Args:
            keep_days: How long a version stays after it was replaced, for readers that hold it; None reads
                ``SWATH_KEEP_DAYS``.
            keep_versions: So many of the newest stay, however old.

        Raises:
            InputError: Less than no time, or less than one version.
            StoreError: The index cannot be written.
        """
        from retriever.engine import compact

        return compact(self._store, keep=_days(keep_days), versions=keep_versions)

    def optimize(
        self,
        *,
        rebuild: bool = False,
        keep_days: float | None = None,
        keep_versions: int = 1,
        progress: Progress | None = None,
        ray: str | None = None,
        ray_workers: int | None = None,
    ) -> OptimizeReport:
        """Make searches quick: compact, then build the search snapshot, or add to it what came since.

        Searches go on meanwhile. An index without a snapshot is searched just as well, only slower.

        Args:
            rebuild: Build anew whatever there is.
            keep_days: See ``compact``.
            keep_versions: See ``compact``.
            progress: Called with rows done and rows in all.
            ray: Write the shards of a full build, 4 million tiles each, side by side over a Ray cluster: as for
                ``swath.index``.
            ray_workers: As for ``swath.index``.

        Raises:
            MissingExtraError: ``ray`` needs a package that is not installed.
            InputError: Less than no time is kept, less than one version, or no Ray cluster answers.
            StoreError: The index cannot be written, or is being optimized by another process.
        """
        from indexer.distributed import RayOptions
        from retriever.engine import optimize

        if ray is None and ray_workers is not None:
            raise InputError("Ray workers have a meaning only with --ray local, --ray auto or --ray HOST:PORT")
        return optimize(
            self._store,
            rebuild=rebuild,
            keep=_days(keep_days),
            versions=keep_versions,
            progress=progress,
            ray=None if ray is None else RayOptions(address=ray, workers=ray_workers),
        )


def _days(number: float | None) -> timedelta | None:
    try:
        return None if number is None else timedelta(days=number)
    except (OverflowError, ValueError):
        raise InputError(f"versions are kept for a number of days, got {number}") from None
