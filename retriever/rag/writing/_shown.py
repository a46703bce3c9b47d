"""What a model learns of plans, tiles, passages, facts and earlier turns: an allow-list of fields, plain and short.

Captions, labels, titles of scenes, ids, file names and addresses are not on it: they help no answer, and whoever made
the archive can write anything into them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from core import Interval, Record
from indexer import is_level
from retriever.rag._types import EvidencePassage, EvidenceTile, Fact, QueryPlan, Turn
from retriever.rag.planning._plan_text import MAX_QUESTION
from retriever.rag.writing._foreign import plain, token

LONGEST_FACT = 400
"""Characters of one sentence of ours with a list of dates in it."""
LONGEST_PASSAGE = 1_200
"""Characters of a passage; chunks for a text tower of 256 tokens have at most about 1,000."""
LONGEST_NAME = 120
"""Characters of a title, a place or a phrase."""
LONGEST_LEGEND = 600
"""Characters; the longest built-in one, of a colour composite, has about 400."""
EARLIER_CLAIMS = 5
"""Claims of an earlier turn that are shown."""
LONGEST_CLAIM = 400
"""Characters of a claim, in a reply and when it is shown again."""

# Table 1 of https://www.ipcc.ch/site/assets/uploads/2018/05/uncertainty-guidance-note.pdf
_CERTAINTY = ((0.9, "very likely"), (0.66, "likely"), (0.33, "about as likely as not"), (0.1, "unlikely"))


def certainty(probability: float) -> str:
    """Return a probability 0..1 in the words of the IPCC."""
    return next((words for least, words in _CERTAINTY if probability >= least), "very unlikely")


def tile_row(tile: EvidenceTile) -> dict[str, Any]:
    """Return the allow-listed fields of a tile."""
    record = tile.record
    row = {
        "number": tile.number,
        "date": _day(record.datetime),
        "sensor": token(record.sensor),
        "collection": token(record.collection),
        "bbox_lon_lat": None if record.bbox is None else _degrees(record.bbox),
        **_region(record),
        "metres_per_pixel": None if record.gsd is None else _rounded(record.gsd, 2),
        "cloud_percent": None if record.cloud is None else _rounded(100 * record.cloud),
        "looked_for": None if tile.sought is None else plain(tile.sought, LONGEST_NAME),
        "fits": None if tile.probability is None else certainty(tile.probability),
    }
    return _known(row)


def _region(record: Record) -> dict[str, Any]:
    """Where a tile lies in the one large scene that it was cut from."""
    if not is_level(record.collection):
        return {}
    left, top = record.window.col_off, record.window.row_off
    return {
        "columns_of_scene": [left, left + record.window.width],
        "rows_of_scene": [top, top + record.window.height],
    }


def passage_row(found: EvidencePassage) -> dict[str, Any]:
    """Return the allow-listed fields of a passage."""
    passage = found.passage
    center = None if passage.geometry is None or passage.geometry.is_empty else passage.geometry.centroid
    row = {
        "number": found.number,
        "title": plain(passage.title, LONGEST_NAME),
        "text": plain(passage.text, LONGEST_PASSAGE),
        "source": plain(passage.source, LONGEST_NAME),
        "date": _day(passage.datetime),
        "lon_lat": None if center is None else _degrees((center.x, center.y)),
        "distance_km": None if passage.distance_km is None else _rounded(passage.distance_km, 1),
    }
    return _known(row)


def fact_row(fact: Fact, shown: frozenset[int]) -> dict[str, Any]:
    """Return a computed fact and the numbers among ``shown`` that it can be checked on."""
    return {"fact": plain(fact.text, LONGEST_FACT), "cites": [number for number in fact.cites if number in shown]}


def plan_row(question: str, plan: QueryPlan) -> dict[str, Any]:
    """Return the question and how it was read."""
    row = {
        "question": plain(question, MAX_QUESTION),
        "looked_for": [plain(phrase, LONGEST_NAME) for phrase in plan.sought] or None,
        "place": None if plan.place is None else plain(plan.place.name, LONGEST_NAME),
        "unknown_place": None if plan.unknown_place is None else plain(plan.unknown_place, LONGEST_NAME),
        "periods": [_period(period) for period in plan.periods] or None,
    }
    return _known(row)


def turn_row(turn: Turn) -> dict[str, Any]:
    """Return an earlier question and what was answered, without citations, whose numbers have changed."""
    answered = [plain(claim.text, LONGEST_CLAIM) for claim in turn.claims[:EARLIER_CLAIMS]]
    return {"question": plain(turn.question, MAX_QUESTION), "answered": answered}


def picture_label(tile: EvidenceTile, rendering: str) -> str:
    """Return ``[n] date, sensor, rendering``."""
    day = _day(tile.record.datetime) or "no date"
    return f"[{tile.number}] {day}, {token(tile.record.sensor)}, {token(rendering)}"


def _rounded(value: float, digits: int | None = None) -> float | None:
    """Return a number as JSON can write it; None for NaN and infinity, which a damaged catalogue may hold."""
    return round(float(value), digits) if math.isfinite(value) else None


def _degrees(values: Iterable[float]) -> list[float | None] | None:
    degrees = [_rounded(value, 4) for value in values]
    return None if None in degrees else degrees


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _day(instant: datetime | None) -> str | None:
    return None if instant is None else instant.date().isoformat()


def _period(period: Interval) -> str:
    first, last = period
    return f"{_day(first) or '..'}/{_day(last) or '..'}"
