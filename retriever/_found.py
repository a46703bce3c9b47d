"""The tiles a search found, before their records are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core import Hit, Record, span
from indexer import RECORD_COLUMNS, record_from_row
from retriever._ranking import Ranked
from retriever._vector_index import Rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """The best tiles of a search, by row; their records come when asked for, all at once or a few at a time."""

    ranked: Ranked
    """Rows and scores, best first."""
    rows: Rows
    """The version of the index they are rows of."""
    why: Mapping[str, Any]
    """How it was searched, as JSON values."""
    remarks: tuple[str, ...]
    """What the user should know."""
    before: int = 0
    """Hits that were given out before these; ranks go on from there."""

    def __len__(self) -> int:
        return len(self.ranked.matches.row_ids)

    @property
    def matched(self) -> int:
        """Exact number of tiles that pass the filter."""
        return self.ranked.matches.matched

    def hits(self, start: int = 0, stop: int | None = None, *, previews: bool = True) -> tuple[Hit, ...]:
        """Return the hits from place ``start`` (0 is the best) up to but without ``stop``.

        Args:
            start: First place.
            stop: Place after the last; None for all.
            previews: Whether their pictures are read; ``preview`` is empty else.

        Raises:
            StoreError: The index cannot be read.
        """
        place = slice(start, stop)
        with span("read hits"):
            return self._read(place, start, previews=previews)

    def _read(self, place: slice, start: int, *, previews: bool) -> tuple[Hit, ...]:
        table = self.rows.take(self.ranked.matches.row_ids[place], RECORD_COLUMNS if previews else _PLAIN)
        scores = self.ranked.matches.scores[place].tolist()
        sure = self.ranked.probabilities
        chances = [None] * len(scores) if sure is None else sure[place].tolist()
        judged = zip(table.to_pylist(), scores, chances, strict=True)
        return tuple(
            _hit(record_from_row(_UNSEEN | row), rank, score, chance)
            for rank, (row, score, chance) in enumerate(judged, start=self.before + start + 1)
        )

    def chunks(self, size: int, *, previews: bool = True) -> Iterator[tuple[Hit, ...]]:
        """Yield all hits, at most ``size`` at a time.

        Raises:
            StoreError: The index cannot be read.
        """
        for start in range(0, len(self), size):
            yield self.hits(start, start + size, previews=previews)


_PLAIN = tuple(name for name in RECORD_COLUMNS if name != "preview")
_UNSEEN = {"preview": b""}


def _hit(record: Record, rank: int, score: float, probability: float | None) -> Hit:
    values: dict[str, Any] = {name: getattr(record, name) for name in Record.__dataclass_fields__}
    # Stored as float16, a vector may be a little longer than 1.
    return Hit(**values, rank=rank, score=min(max(score, -1.0), 1.0), probability=probability)
