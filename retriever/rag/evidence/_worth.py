"""Which candidates are worth showing: those that fit clearly better than the tail of their own search.

Choosing for spread would else fill an evidence set with tiles that merely lie elsewhere. A tile must be at least half
as probable as the best one; where nothing is calibrated its score must lie nearer to the best than to the last
candidate's. The best of each search always stays, so that a period or a phrase that shows little is seen to do so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from retriever.rag.evidence._retrieve import Candidate, Retrieved, Search
from retriever.rag.evidence._scoring import Phrase

TAIL = 24
"""Fewer candidates of a phrase have no tail to compare scores with: twice what is usually shown."""

ALIKE = 0.1
"""Scores this near to the best are not told apart: where every candidate shows the thing, as the stadiums of a large
scene do, the best hundred lie within half of it."""


def worth_showing(retrieved: Retrieved) -> Retrieved:
    """Return what was retrieved without the candidates that fit no better than most."""
    phrases = {id(search.phrase): search.phrase for search in retrieved.searches if search.phrase is not None}
    floors = {key: _floor(phrase, retrieved.searches) for key, phrase in phrases.items()}
    searches = tuple(
        search if search.phrase is None else _kept(search, floors[id(search.phrase)]) for search in retrieved.searches
    )
    return replace(retrieved, searches=searches)


def _floor(phrase: Phrase, searches: Iterable[Search]) -> float:
    """Return the least fit of a phrase's tiles that are shown, from its candidates in every period."""
    found = [each for search in searches if search.phrase is phrase for each in search.candidates]
    if any(each.probability is not None for each in found):
        return max(map(_fit, found)) / 2
    scores = list(map(_fit, found))
    return min((max(scores) + min(scores)) / 2, max(scores) - ALIKE) if len(scores) >= TAIL else -1.0


def _kept(search: Search, floor: float) -> Search:
    kept = tuple(each for each in search.candidates if _fit(each) >= floor)
    return replace(search, candidates=kept or search.candidates[:1])


def _fit(each: Candidate) -> float:
    """Return a candidate's probability, or its score where nothing is calibrated."""
    if each.probability is not None:
        return each.probability
    return -1.0 if each.score is None else each.score
