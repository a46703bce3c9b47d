"""One pass over all tiles that pass the filters: what is counted of them, and of those that show what is sought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import BBox, Interval
from indexer import enclosing_bbox, vector_matrix
from retriever._passing import passing
from retriever.rag._archive import Archive
from retriever.rag.evidence._filters import Filters
from retriever.rag.evidence._scoring import Phrase

MOST_FOOTPRINTS = 5_000
"""Most different footprints joined into one area: 1.4 s for as many that overlap, 7 s for 20,000 (measured, 1 core)."""

_COLUMNS = ("tile_id", "sensor", "datetime", "footprint", "west", "south", "east", "north")
_SIDES = ("west", "south", "east", "north")

Moment = tuple[datetime, str, int]
"""Instant, tile id and row id."""


class Seen:
    """What is counted of some tiles.

    Args:
        periods: Stretches of time that are counted by themselves.
    """

    def __init__(self, periods: Sequence[Interval]) -> None:
        self.tiles = 0
        """How many."""
        self.in_period = [0] * len(periods)
        """How many of each period."""
        self.undated = 0
        """How many without a date."""
        self.days: Counter[date] = Counter()
        """Tiles of each day, in UTC."""
        self.sensors: Counter[str] = Counter()
        """Tiles of each sensor."""
        self.first: Moment | None = None
        """The oldest tile; of several the one of smallest id."""
        self.last: Moment | None = None
        """The newest tile; of several the one of smallest id."""
        self.footprints: set[bytes] = set()
        """Different footprints as WKB, at most `MOST_FOOTPRINTS`."""
        self.more_footprints = False
        """Whether there were more."""
        self._periods = periods
        self._boxes: list[NDArray[np.float64]] = []

    @property
    def bbox(self) -> BBox | None:
        """Around all of them; None where none has a place."""
        return enclosing_bbox(np.concatenate(self._boxes)) if self._boxes else None

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch of rows."""
        if not batch.num_rows:
            return
        self.tiles += batch.num_rows
        self.sensors.update({each["values"]: each["counts"] for each in batch["sensor"].value_counts().to_pylist()})
        self._add_dates(batch)
        self._add_places(batch)

    def _add_dates(self, batch: pa.RecordBatch) -> None:
        dates = batch["datetime"]
        self.undated += dates.null_count
        known = pc.cast(dates.drop_null(), pa.timestamp("us", tz="UTC"))
        days = pc.cast(known, pa.date32()).value_counts().to_pylist()
        self.days.update({each["values"]: each["counts"] for each in days})
        for place, (start, end) in enumerate(self._periods):
            inside = pa.array(np.ones(len(known), dtype=bool))
            inside = inside if start is None else pc.and_(inside, pc.greater_equal(known, start))
            inside = inside if end is None else pc.and_(inside, pc.less_equal(known, end))
            always = start is None and end is None
            self.in_period[place] += (pc.sum(inside).as_py() or 0) + (dates.null_count if always else 0)
        self._add_ends(batch)

    def _add_ends(self, batch: pa.RecordBatch) -> None:
        ends = pc.min_max(batch["datetime"])
        if not ends["min"].is_valid:
            return
        first, last = (_moment(batch, ends[name]) for name in ("min", "max"))
        self.first = first if self.first is None else min(self.first, first)
        # Of equal dates the smaller id, as for the first.
        self.last = _newest([last] if self.last is None else [self.last, last])

    def _add_places(self, batch: pa.RecordBatch) -> None:
        sides = np.stack([batch[name].to_numpy(zero_copy_only=False) for name in _SIDES], axis=1)
        placed = sides[~np.isnan(sides[:, 0])]
        self._boxes += [placed] if len(placed) else []
        new = set(batch["footprint"].drop_null().unique().to_pylist()) - self.footprints
        room = MOST_FOOTPRINTS - len(self.footprints)
        self.more_footprints |= len(new) > room
        self.footprints.update(sorted(new)[:room])


def _newest(moments: Sequence[Moment]) -> Moment:
    """Return the newest moment; of several the one of smallest tile id."""
    newest = max(moment[0] for moment in moments)
    return min(moment for moment in moments if moment[0] == newest)


def _moment(batch: pa.RecordBatch, instant: pa.Scalar) -> Moment:
    same = batch.filter(pc.fill_null(pc.equal(batch["datetime"], instant), False))
    pairs = zip(same["tile_id"].to_pylist(), same["_rowid"].to_pylist(), strict=True)
    tile_id, row_id = min(pairs)
    return same["datetime"][0].as_py(), tile_id, row_id


def see(
    archive: Archive, filters: Filters, phrases: Sequence[Phrase], unwanted: Sequence[Phrase]
) -> tuple[Seen, tuple[Seen, ...]]:
    """Return what is counted of every tile that passes, and of those that reach the threshold of each phrase.

    Args:
        archive: Whose tiles are read, a batch at a time.
        filters: What they must pass; a tile of two periods counts once.
        phrases: What is sought; without a threshold nothing reaches it. Vectors are read only where one has one.
        unwanted: Tiles that reach the threshold of one of these do not count for a phrase.

    Raises:
        StoreError: The index cannot be read.
    """
    periods = [each.request.datetime or (None, None) for each in filters.each]
    everything, each = Seen(periods), tuple(Seen(periods) for _ in phrases)
    scored = any(phrase.threshold is not None for phrase in phrases)
    for batch in passing(archive.rows, (*_COLUMNS, *(("vector",) if scored else ())), filters.where()):
        plain = batch.select([*_COLUMNS, "_rowid"])
        everything.add(plain)
        if scored and batch.num_rows:
            for seen, shown in zip(each, _shown(batch, phrases, unwanted), strict=True):
                seen.add(plain.filter(pa.array(shown)))
    return everything, each


def _shown(
    batch: pa.RecordBatch, phrases: Sequence[Phrase], unwanted: Sequence[Phrase]
) -> tuple[NDArray[np.bool_], ...]:
    vectors, sensors = vector_matrix(batch["vector"]), batch["sensor"].to_pylist()
    out = np.zeros(len(vectors), dtype=bool)
    for phrase in unwanted:
        out |= phrase.shows(vectors, sensors)
    return tuple(phrase.shows(vectors, sensors) & ~out for phrase in phrases)
