"""Which candidates are worth showing: those that fit clearly better than the tail of their own search.

Choosing for spread would else fill an evidence set with tiles that merely lie elsewhere. A tile must lie nearer to the
best candidate than to the last one, in probability where that is known and else in score. The best of each search
always stays, so that a period or a phrase that shows little is seen to show little. docs/design/answers-evidence.md
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from retriever.rag.evidence._retrieve import Candidate, Retrieved, Search
from retriever.rag.evidence._scoring import Phrase

TAIL = 24
"""Fewer candidates of a phrase have no tail to compare with: twice what is usually shown."""


def worth_showing(retrieved: Retrieved) -> Retrieved:
    """Return what was retrieved without the candidates that fit no better than most."""
    phrases = {id(search.phrase): search.phrase for search in retrieved.searches if search.phrase is not None}
    floors = {key: _floor(phrase, retrieved.searches) for key, phrase in phrases.items()}
    searches = tuple(
        search if search.phrase is None else _kept(search, floors[id(search.phrase)]) for search in retrieved.searches
    )
    return replace(retrieved, searches=searches)


def _floor(phrase: Phrase, searches: Iterable[Search]) -> float:
    """Return the fit halfway from the best candidate of a phrase, in any period, to its last one."""
    fits = [_fit(each) for search in searches if search.phrase is phrase for each in search.candidates]
    return (max(fits) + min(fits)) / 2 if len(fits) >= TAIL else -1.0


def _kept(search: Search, floor: float) -> Search:
    kept = tuple(each for each in search.candidates if _fit(each) >= floor)
    return replace(search, candidates=kept or search.candidates[:1])


def _fit(each: Candidate) -> float:
    if each.probability is not None:
        return each.probability
    return 1.0 if each.score is None else each.score
