"""The pictures of a dataset as an archive in memory, which production's own search, judgement and evidence work on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import EncodesText, InputError, Tile
from embeddings import EncodesBoth, class_words
from indexer import records_to_batch, tile_schema
from retriever import Calibration, LabelledTiles, MemoryRows, Searcher, fit_calibration, text_query
from retriever.rag import Archive, EvidenceSet, EvidenceTile

from ._corpus import Corpus, Item
from ._job import Job
from ._rag_controls import blank
from ._rag_pictures import Shown, encode_tiles, shown

FOLDS = 2
"""Classes are calibrated on the classes of the other fold, so that no class is asked for that scores were fitted on."""

Vectors = NDArray[np.float32]


class Shelf:
    """Hands out the newest version of a table in memory, as `indexer.Store` does.

    Args:
        rows: The table.
    """

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def snapshot(self) -> MemoryRows:
        """Return it."""
        return self._rows


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """What is kept of a tile once its pixels are gone."""

    tile: Tile
    own: Shown
    grey: Shown
    grey_vector: Vectors


class Pictures:
    """Every picture of the samples, and the archives that are made of them.

    Args:
        job: What is measured.
        encoder: Of pictures and words.
        side: Longer side of a sent picture in pixels.
    """

    def __init__(self, job: Job, encoder: EncodesBoth, side: int) -> None:
        self._encoder, self._side = encoder, side
        self.corpus: Corpus = job.read(inspect=self._inspect, whole=True)
        self._seen = [cast("_Seen", fact) for fact in self.corpus.facts]
        self.labels = [frozenset(map(class_words, item.sample.labels)) for item in self.corpus.items]
        self._number = {seen.tile.tile_id: number for number, seen in enumerate(self._seen)}
        if len(self._number) < len(self._seen):
            raise InputError("several pictures have the same tile id; they cannot be one archive")
        schema = tile_schema(encoder.space, "float32")
        hidden = [dataclasses.replace(seen.tile, label=None, captions=()) for seen in self._seen]
        grey = np.stack([seen.grey_vector for seen in self._seen])
        self._tables = {
            is_grey: pa.Table.from_batches([records_to_batch(hidden, vectors, [b""] * len(hidden), schema)])
            for is_grey, vectors in ((False, self.corpus.vectors), (True, grey))
        }

    def _inspect(self, item: Item, tile: Tile) -> object:
        own, grey = shown(tile, self._side), blank(tile)
        nothing = np.zeros((len(tile.bands), 0, 0), dtype=np.float32)
        return _Seen(
            tile=dataclasses.replace(tile, pixels=nothing, mask=np.zeros((0, 0), dtype=np.bool_)),
            own=own,
            grey=shown(grey, self._side, of=own.record),
            grey_vector=encode_tiles(self._encoder, [grey])[0],
        )

    def archive(self, *, without: str | None, grey: bool, calibration: Calibration | None) -> Archive:
        """Return an archive of all pictures, or of those that lack a class.

        Args:
            without: The class that must not be there.
            grey: Whether every picture is grey.
            calibration: How scores are read; None leaves them as they are.
        """
        kept = pa.array([without is None or without not in labels for labels in self.labels])
        rows = MemoryRows(self._tables[grey].filter(kept), space=self._encoder.space)
        return Archive(
            searcher=Searcher(Shelf(rows), self._encoder, calibration=calibration),
            rows=rows,
            reach=None,
            knowledge=None,
        )

    def calibration(self, classes: Sequence[str]) -> Calibration | None:
        """Return what scores mean, fitted on these classes; None where they are too few or all pictures are alike."""
        truth = np.array([[name in labels for labels in self.labels] for name in classes], dtype=np.bool_)
        sensors = tuple(seen.tile.sensor.name for seen in self._seen)
        try:
            tiles = LabelledTiles(
                vectors=self.corpus.vectors,
                sensors=sensors,
                queries=tuple(classes),
                query_vectors=np.stack([_direction(self._encoder, name) for name in classes]),
                truth=truth,
            )
            centres = _centres(sensors, self.corpus.vectors)
            return fit_calibration(
                tiles, space=self._encoder.space, centres=centres, source="other classes"
            ).calibration
        except (InputError, ValueError):
            return None

    def with_pictures(self, evidence: EvidenceSet, most: int, *, grey: bool) -> EvidenceSet:
        """Return evidence with the pictures of its first tiles."""
        tiles = tuple(
            dataclasses.replace(tile, pictures=(self._of(tile, grey=grey).picture,)) if place < most else tile
            for place, tile in enumerate(evidence.tiles)
        )
        return dataclasses.replace(evidence, tiles=tiles)

    def shows(self, tile: EvidenceTile, name: str) -> bool:
        """Return whether a tile has a class."""
        return name in self.labels[self._number[tile.record.tile_id]]

    def share(self, name: str, *, without: bool) -> tuple[int, int]:
        """Return how many pictures of an archive have a class, and how many there are."""
        own = sum(name in labels for labels in self.labels)
        return (0, len(self.labels) - own) if without else (own, len(self.labels))

    def _of(self, tile: EvidenceTile, *, grey: bool) -> Shown:
        seen = self._seen[self._number[tile.record.tile_id]]
        return seen.grey if grey else seen.own


def _direction(encoder: EncodesText, name: str) -> Vectors:
    vector = text_query(encoder, name).vector
    unit: Vectors = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def _centres(sensors: Sequence[str], vectors: Vectors) -> dict[str, NDArray[np.float64]]:
    held = np.array(sensors)
    return {name: vectors[held == name].astype(np.float64).mean(axis=0) for name in sorted(set(sensors))}
