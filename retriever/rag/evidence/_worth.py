"""Which candidates are worth showing: those that fit clearly better than the tail of their own search.

Choosing for spread would else fill an evidence set with tiles that merely lie elsewhere. Where the index is calibrated
its threshold decides; where it is not, a tile must score nearer to the best one than to the last candidate. The best
of each search always stays, so that a period or a phrase that shows little is seen to show little.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        search if search.phrase is None else _kept(search, search.phrase, floors[id(search.phrase)])
        for search in retrieved.searches
    )
    return replace(retrieved, searches=searches)


def _floor(phrase: Phrase, searches: Sequence[Search]) -> float:
    """Return the score halfway from the best candidate of a phrase, in any period, to its last one."""
    scores = [
        each.score
        for search in searches
        if search.phrase is phrase
        for each in search.candidates
        if each.score is not None
    ]
    return (max(scores) + min(scores)) / 2 if len(scores) >= TAIL else -1.0


def _kept(search: Search, phrase: Phrase, floor: float) -> Search:
    kept = tuple(each for each in search.candidates if _fits(each, phrase, floor))
    return replace(search, candidates=kept or search.candidates[:1])


def _fits(each: Candidate, phrase: Phrase, floor: float) -> bool:
    if phrase.threshold is not None and each.probability is not None:
        return each.probability >= phrase.threshold
    return each.score is None or each.score >= floor
