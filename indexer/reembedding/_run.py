"""The re-embedding itself: vectors of another encoder for every tile, beside those that answer meanwhile.

Each scene is read again from where it was indexed, cut as it was, and goes through the very pipeline of an ingest; its
rows are those of the generation in use, with the new vectors in them. Scenes that were added, replaced or removed while
it ran are found in the ledger when it comes to the end, and it goes round again until both generations agree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from core import EncodesTiles, InputError, SceneError, Settings, VectorSpace
from indexer._generation import (
    Generations,
    changing_generations,
    generation_folder,
    generation_numbers,
    read_generations,
    write_generations,
)
from indexer._lance import TILES, has_table
from indexer._ledger import LedgerRow, SceneRows
from indexer._pipeline import Pipeline, tidy
from indexer._place import local_place
from indexer._report import IngestOptions, Progress
from indexer._staging import Staging
from indexer._tiling import TilingOptions
from indexer.reembedding._again import Again, tiling_of
from indexer.reembedding._failures import CountingFailures, Missing, write_failures
from indexer.reembedding._joined import Joining
from indexer.reembedding._knowledge import reembed_knowledge
from indexer.reembedding._places import Places
from indexer.reembedding._status import difference_of, missing_of
from indexer.store import Moment, Store

MAX_ROUNDS = 1000
"""Times that it looks for what was committed meanwhile; each time there is less of it."""


@dataclass(frozen=True, kw_only=True)
class ReembedReport:
    """What a run did."""

    generation: int
    """Number of the generation that was written."""
    folder: Path
    """Its folder, which is an index by itself."""
    encoder: str
    """See VectorSpace."""
    revision: str
    """See VectorSpace."""
    scenes: int
    """Scenes that this run embedded."""
    tiles: int
    """Their tiles."""
    removed: int
    """Scenes taken away because the generation in use no longer has them."""
    passages: int
    """Passages of knowledge that were embedded."""
    missing: tuple[Missing, ...]
    """Scenes that the generation in use has and this one still lacks."""
    complete: bool
    """Whether both generations hold the same scenes and passages."""
    notes: tuple[str, ...]
    """What the operator should know."""
    tiles_per_second: float
    """Tiles encoded over the time from the first batch to the last."""
    seconds: float
    """From start to end."""


def reembed(
    index: str | Path,
    *,
    encoder: EncodesTiles,
    options: IngestOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
    committed: Callable[[], None] | None = None,
) -> ReembedReport:
    """Make vectors of another encoder for every tile of an index; searches and ``swath index`` go on meanwhile.

    Run again it resumes: what is done is kept, what changed since is done anew.

    Args:
        index: The index directory.
        encoder: Makes the new vectors.
        options: Threads, batches and commits; its ``dtype`` is not looked at, vectors are stored as they were.
        progress: Called in this thread after every batch and scene.
        committed: Called in this thread after every commit.

    Raises:
        InputError: The index holds vectors of this encoder already, or those of a third are being made.
        IndexNotFoundError: The directory is not an index.
        StoreError: The index cannot be read or written, or another process does the same.
        KeyboardInterrupt: As it came, after the scenes that were whole have been committed.
    """
    root, started = local_place(index, what="an index that is re-embedded"), time.monotonic()
    source = Store.open(root)
    with changing_generations(root):
        number, target = _target(root, source, encoder.space)
        with target.writing():
            run = _Run(root, target, encoder, replace(options or IngestOptions(), dtype=source.dtype), progress)
            run.go(committed)
            return run.report(number, started)


def _target(root: Path, source: Store, space: VectorSpace) -> tuple[int, Store]:
    """The generation to be written, made if it is not there yet."""
    if source.space == space:
        raise InputError(f"the index {root} holds vectors of {space} already; name another encoder")
    generations = read_generations(root)
    for number in (generations.next, generations.previous):
        folder = None if number is None else generation_folder(root, number)
        if number is not None and folder is not None and has_table(folder, TILES):
            found = Store.at(folder)
            if found.space == space:
                return number, found
            if number == generations.next:
                raise InputError(
                    f"vectors of {found.space} are being made for {root}; finish that (swath reembed {root} --encoder"
                    f" {found.space.encoder}) or give it up (swath reembed {root} --cancel)"
                )
    return _made(root, generations, source, space)


def _made(root: Path, generations: Generations, source: Store, space: VectorSpace) -> tuple[int, Store]:
    number = generations.next
    if number is None:
        number = generation_numbers(root)[-1] + 1
        # Named first: what a kill leaves of the folder is found again and not taken for anything else.
        write_generations(root, replace(generations, next=number))
    folder = generation_folder(root, number)
    return number, Store.create_or_open(folder, space=space, dtype=source.dtype)


class _Run:
    """One run; the locks of all generations and of the one that is written are held."""

    def __init__(
        self,
        root: Path,
        target: Store,
        encoder: EncodesTiles,
        options: IngestOptions,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._root = root
        self._target = target
        self._encoder = encoder
        self._options = options
        self._meter = CountingFailures(progress)
        self._staging = Staging(target.staging, target.schema)
        self._settings = Settings()
        self._tried: dict[str, str] = {}
        self._done: dict[str, int] = {}
        self._removed = self._passages = 0
        self._notes: list[str] = []

    def go(self, committed: Callable[[], None] | None) -> None:
        """Go round until nothing is left that could be done."""
        for _ in range(MAX_ROUNDS):
            # Opened anew each time: writers may have changed it, and it stays the generation in use, for that lock is
            # needed to switch.
            source = Store.open(self._root)
            moment = source.moment()
            if not self._round(source, moment, committed):
                break
        tidy(self._target, self._staging)
        write_failures(self._target.folder, self._meter.reasons)
        self._bring_knowledge(Store.open(self._root))

    def _round(self, source: Store, moment: Moment, committed: Callable[[], None] | None) -> bool:
        """Do what is to be done now; return whether there was anything."""
        ledger = {row.scene_key: row for row in moment.ledger}
        left = difference_of(ledger, self._target)
        if left.gone:
            self._target.discard(left.gone)
            self._removed += len(left.gone)
        rows = [row for row in left.missing if self._tried.get(row.scene_key) != row.fingerprint + str(row.committed)]
        if not rows:
            return False
        places = Places.of(rows, moment.tiles)
        joining = Joining(tiles=moment.tiles, schema=self._target.schema, space=source.space)
        rows.sort(key=lambda row: repr(tiling_of(row)))
        for _, group in groupby(rows, key=lambda row: repr(tiling_of(row))):
            self._embed(list(group), places, joining, committed)
        return True

    def _embed(
        self, rows: Sequence[LedgerRow], places: Places, joining: Joining, committed: Callable[[], None] | None
    ) -> None:
        """Embed scenes that were cut alike."""
        known = {row.scene_key: row for row in rows}
        for row in rows:
            self._meter.reasons.pop(row.scene_key, None)
            self._tried[row.scene_key] = row.fingerprint + str(row.committed)

        def write(scenes: Sequence[SceneRows]) -> None:
            self._write(scenes, known, places, joining)

        pictures = {key: key in places.pictures for key in known}
        tiling: TilingOptions = tiling_of(rows[0])
        pipeline = Pipeline(
            self._encoder, write=write, tiling=tiling, options=self._options, staging=self._staging,
            schema=self._target.schema, meter=self._meter, committed=committed,
        )  # fmt: skip
        pipeline.run(Again(rows=rows, pictures=pictures, space=self._encoder.space, settings=self._settings))

    def _write(
        self, scenes: Sequence[SceneRows], known: Mapping[str, LedgerRow], places: Places, joining: Joining
    ) -> None:
        fit = []
        for scene in scenes:
            key = scene.ledger.scene_key
            try:
                fit.append(joining.rows(scene, known[key], places.of_scene(key)))
            except SceneError as error:
                self._meter.reasons[key] = str(error)
        self._target.commit(fit)
        for scene in scenes:
            self._staging.forget(scene.ledger.scene_key)
        self._done |= {scene.ledger.scene_key: scene.ledger.tiles for scene in fit}

    def _bring_knowledge(self, source: Store) -> None:
        try:
            self._passages = reembed_knowledge(source.folder, self._target.folder, self._encoder)
        except InputError as error:
            self._notes.append(f"the knowledge of the index does not come along: {error}")

    def report(self, number: int, started: float) -> ReembedReport:
        """Return what was done, and what is left."""
        source, space = Store.open(self._root), self._encoder.space
        missing, agrees = missing_of(source, self._target)
        figures = self._meter.report()
        return ReembedReport(
            generation=number,
            folder=self._target.folder,
            encoder=space.encoder,
            revision=space.revision,
            scenes=len(self._done),
            tiles=sum(self._done.values()),
            removed=self._removed,
            passages=self._passages,
            missing=missing,
            complete=agrees,
            notes=tuple(self._notes),
            tiles_per_second=figures.tiles_per_second,
            seconds=time.monotonic() - started,
        )
