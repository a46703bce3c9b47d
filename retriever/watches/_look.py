"""Looking at new tiles: whose they are, what of them matches, and into the journal with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import Hit, SpaceMismatchError, VectorSpace, rfc3339
from indexer import Snapshot, take_rows
from retriever._every import Every
from retriever._export import feature, record_dict
from retriever._expression import all_of
from retriever._question import Asked
from retriever._ranking import CalibrationSource, usable
from retriever._vector_index import FlatIndex
from retriever._where import without
from retriever.engine._delta import Delta, held_columns
from retriever.watches._document import request_of
from retriever.watches._folder import Entry
from retriever.watches._journal import MAX_BATCH
from retriever.watches._types import Watch

PART = 20_000
"""Tiles in memory at once: 30 MB with vectors of 384 halves and footprints."""


def parts(table: Snapshot, row_ids: NDArray[np.uint64]) -> Iterator[Delta]:
    """Yield rows of a version of the table, held in memory without their pictures.

    Raises:
        StoreError: The index cannot be read.
    """
    for start in range(0, len(row_ids), PART):
        rows = take_rows(table, row_ids[start : start + PART], held_columns())
        yield Delta.of(rows.to_batches(), space=table.space, dtype=table.dtype)


def check_space(watch: Watch, space: VectorSpace) -> None:
    """Do nothing where a watch can be asked of an index.

    Raises:
        SpaceMismatchError: Its query was encoded by another encoder.
    """
    if watch.space != space:
        raise SpaceMismatchError(
            f"the watch {watch.name!r} was made with {watch.space}, the index now holds {space};"
            " remove it and add it again"
        )


def look(entry: Entry, rows: Delta, calibration: CalibrationSource) -> int:
    """Write the matches among some tiles that are not in the journal yet; return how many.

    Raises:
        QueryError: The watch needs a calibration that is not there or does not fit.
        StoreError: The journal cannot be written.
        ConfigError: The journal is damaged.
    """
    known: set[str] | None = None
    number = 0
    for hits in _matching(entry.watch, rows, calibration):
        known = entry.journal.reported() if known is None else known
        fresh = [hit for hit in hits if hit.tile_id not in known]
        if fresh:
            entry.journal.append(_features(entry.watch, fresh))
            known |= {hit.tile_id for hit in fresh}
            number += len(fresh)
    return number


def _matching(watch: Watch, rows: Delta, source: CalibrationSource) -> Iterator[tuple[Hit, ...]]:
    request = request_of(watch)
    calibration, remarks = usable(request, source, rows.space)
    parts_of_filter = [request.where(), *without(watch.left_out)]
    where = all_of([part for part in parts_of_filter if part is not None])
    every = Every(
        request=request,
        asked=Asked(vector=watch.vector, where=where, why={}),
        rows=rows,
        index=FlatIndex(rows),
        calibration=calibration,
        remarks=remarks,
    )
    for found in every.parts():
        yield from found.chunks(MAX_BATCH, previews=False)


def _features(watch: Watch, hits: Sequence[Hit]) -> list[dict[str, Any]]:
    now = rfc3339(datetime.now(UTC))
    return [feature(hit, {"watch": watch.name, "found": now, **_judged(hit), **record_dict(hit)}) for hit in hits]


def _judged(hit: Hit) -> dict[str, Any]:
    return {"score": hit.score, "probability": hit.probability}
