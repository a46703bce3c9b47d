"""Which candidates are worth showing: those that fit clearly better than the tail, or that can be measured.

Choosing for spread would else fill an evidence set with tiles that merely lie elsewhere. A tile must be at least half
as probable as the best one; where nothing is calibrated its score must lie nearer to the best than to the last
candidate's. The best of each search always stays, so that a period or a phrase that shows little is seen to do so.

Where an answer rests on what is measured, a tile of a sensor without the bands would take the place of one that counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from retriever.rag._archive import Archive
from retriever.rag._types import QueryPlan
from retriever.rag.evidence._retrieve import Candidate, Retrieved, Search
from retriever.rag.evidence._scoring import Phrase
from retriever.rag.measuring._measured import measurable_sensors

TAIL = 24
"""Fewer candidates of a phrase have no tail to compare scores with: twice what is usually shown."""

ALIKE = 0.1
"""Scores this near to the best are not told apart: where every candidate shows the thing, as the stadiums of a large
scene do, the best hundred lie within half of it."""


def worth_showing(retrieved: Retrieved) -> Retrieved:
    """Return what was retrieved without the candidates that fit no better than most."""
    phrases = {id(search.phrase): search.phrase for search in retrieved.searches if search.phrase is not None}
    floors = {key: _floors(phrase, retrieved.searches) for key, phrase in phrases.items()}
    searches = tuple(
        search if search.phrase is None else _kept(search, floors[id(search.phrase)]) for search in retrieved.searches
    )
    return replace(retrieved, searches=searches)


def measurable_only(retrieved: Retrieved, plan: QueryPlan, archive: Archive) -> Retrieved:
    """Return what was retrieved without the candidates that cannot be measured; a search of no others keeps its own.

    Raises:
        StoreError: The index cannot be read.
    """
    return replace(retrieved, searches=tuple(_measurable(search, plan, archive) for search in retrieved.searches))


def _measurable(search: Search, plan: QueryPlan, archive: Archive) -> Search:
    if not search.candidates:
        return search
    sensors = archive.rows.take([each.row_id for each in search.candidates], ("sensor",))["sensor"].to_pylist()
    measured = measurable_sensors(plan, sensors)
    kept = tuple(each for each, name in zip(search.candidates, sensors, strict=True) if name in measured)
    return replace(search, candidates=kept or search.candidates)


def _floors(phrase: Phrase, searches: Iterable[Search]) -> tuple[float, float]:
    """Return the least probability and the least score of a phrase's tiles, from its candidates in every period.

    One period may be calibrated and another not, where that has a sensor the calibration does not know; what one
    measures is then never held against the other.
    """
    found = [each for search in searches if search.phrase is phrase for each in search.candidates]
    chances = [each.probability for each in found if each.probability is not None]
    scores = [each.score for each in found if each.probability is None and each.score is not None]
    near = min((max(scores) + min(scores)) / 2, max(scores) - ALIKE) if len(scores) >= TAIL else -1.0
    return max(chances, default=0.0) / 2, near


def _kept(search: Search, floors: tuple[float, float]) -> Search:
    kept = tuple(each for each in search.candidates if _fits(each, *floors))
    return replace(search, candidates=kept or search.candidates[:1])


def _fits(each: Candidate, least: float, near: float) -> bool:
    if each.probability is not None:
        return each.probability >= least
    return each.score is None or each.score >= near
