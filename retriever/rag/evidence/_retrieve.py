"""Candidates for the evidence: for every period and phrase a search of its own, filters first.

A search for each period gives the quieter one its candidates, too: in one search of two years the year with more of
what is sought would fill the list. Each search finds several times what will be shown, so that there is something to
choose from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer import vector_matrix
from retriever._found import Found
from retriever._listing import list_tiles
from retriever._request import SearchRequest
from retriever._search import check_names
from retriever.rag._archive import Archive
from retriever.rag._types import QueryPlan
from retriever.rag.evidence._filters import Filtered, Filters
from retriever.rag.evidence._scoring import Phrase, phrase_of, worded

CANDIDATES = 8
"""Candidates of a search for each tile that will be shown. See docs/design/answers-evidence.md."""

AGAINST = 0.25
"""Weight with which a search turns away from what must not show, where the index has no threshold to leave it out by.
Measured in docs/design/answers-evidence.md."""

MOST_CANDIDATES = 400
"""Most of one search: vectors and footprints of more take longer to compare than they are worth."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A tile that may become evidence."""

    row_id: int
    """Row of the archive's version."""
    rank: int
    """From 0, among the candidates of its search; -1 where it was not found but taken for its place."""
    score: float | None
    """Cosine, -1..1; None where nothing is sought."""
    probability: float | None
    """0..1; None where nothing is calibrated."""
    worth: float = 0.0
    """What the candidates of one search are ranked by: log odds, or a cosine where nothing is calibrated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """One search: a phrase, or none, in a period, or at any time."""

    filtered: Filtered
    """Its filters and its period."""
    phrase: Phrase | None
    """What was sought; None lists tiles."""
    matched: int
    """Exact number of tiles that pass its filters."""
    candidates: tuple[Candidate, ...]
    """Best first; evenly spread over time where nothing is sought."""
    left_out: int = 0
    """Candidates that show what must not show."""

    @property
    def best(self) -> Candidate | None:
        """The first candidate."""
        return self.candidates[0] if self.candidates else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Retrieved:
    """What all searches found."""

    filters: Filters
    """What every tile passed."""
    searches: tuple[Search, ...]
    """Period by period, and in each phrase by phrase."""
    unwanted: tuple[Phrase, ...]
    """What must not show."""
    remarks: tuple[str, ...] = ()
    """What the user should know, a sentence each."""


def retrieve(plan: QueryPlan, archive: Archive, filters: Filters, *, tiles: int) -> Retrieved:
    """Return the candidates of every period and phrase.

    Args:
        plan: What is sought and what must not show.
        archive: Where.
        filters: What every tile must pass.
        tiles: How many will be shown.

    Raises:
        QueryError: The index has no sensor or collection of a name, or its encoder understands no words.
        SpaceMismatchError: The index was filled by another encoder.
        StoreError: The index cannot be read.
    """
    wide = min(max(CANDIDATES * tiles, tiles), MOST_CANDIDATES)
    first = filters.each[0].request
    unwanted = tuple(phrase_of(text, first, archive) for text in plan.without)
    phrases = tuple(phrase_of(text, first, archive) for text in plan.sought) or (None,)
    searches, remarks = [], list(filters.remarks)
    for filtered in filters.each:
        for phrase in phrases:
            if phrase is None:
                searches.append(_without(_listed(archive, filtered, wide), unwanted, archive))
            else:
                search, said = _searched(archive, filtered, phrase, unwanted, wide)
                searches.append(search)
                remarks += said
    return Retrieved(
        filters=filters, searches=tuple(searches), unwanted=unwanted, remarks=tuple(dict.fromkeys(remarks))
    )


def _searched(
    archive: Archive, filtered: Filtered, phrase: Phrase, unwanted: Sequence[Phrase], wide: int
) -> tuple[Search, tuple[str, ...]]:
    """Return what a phrase finds; what must not show is left out, or weighed against where nobody knows what shows."""
    vague = [each for each in unwanted if each.threshold is None]
    request = worded(filtered.request, phrase.text, k=wide)
    found = archive.searcher.find(_against(request, vague) if vague else request, archive.rows)
    candidates = _rescored(found, phrase, archive) if vague else _candidates(found)
    search = Search(filtered=filtered, phrase=phrase, matched=found.matched, candidates=candidates)
    return _without(search, unwanted, archive), found.remarks


def _against(request: SearchRequest, unwanted: Sequence[Phrase]) -> SearchRequest:
    """Return a search for a phrase as one that turns away from others."""
    weights = [(str(request.text), 1.0), *((each.text, -AGAINST) for each in unwanted)]
    terms = SearchRequest.build(query=[{"text": text, "weight": weight} for text, weight in weights]).query
    return replace(request, text=None, query=terms)


def _candidates(found: Found) -> tuple[Candidate, ...]:
    matches, sure = found.ranked.matches, found.ranked.probabilities
    chances: list[float | None] = [None] * len(found) if sure is None else sure.tolist()
    columns = zip(matches.row_ids.tolist(), matches.scores.tolist(), chances, strict=True)
    return tuple(_candidate(row_id, rank, score, chance) for rank, (row_id, score, chance) in enumerate(columns))


def _candidate(row_id: int, rank: int, score: float, chance: float | None) -> Candidate:
    cosine = min(max(score, -1.0), 1.0)
    worth = cosine if chance is None else _log_odds(chance)
    return Candidate(row_id=row_id, rank=rank, score=cosine, probability=chance, worth=worth)


def _log_odds(chance: float) -> float:
    sure = min(max(chance, 1e-12), 1 - 1e-12)
    return math.log(sure / (1 - sure))


def _rescored(found: Found, phrase: Phrase, archive: Archive) -> tuple[Candidate, ...]:
    """Return candidates in the order they were found in, with their scores for the phrase alone."""
    if not len(found):
        return ()
    row_ids = found.ranked.matches.row_ids
    scores = phrase.scores(vector_matrix(archive.rows.take(row_ids, ("vector",))["vector"]))
    columns = zip(row_ids.tolist(), scores.tolist(), found.ranked.matches.scores.tolist(), strict=True)
    return tuple(
        replace(_candidate(row_id, rank, score, None), worth=worth)
        for rank, (row_id, score, worth) in enumerate(columns)
    )


def _listed(archive: Archive, filtered: Filtered, wide: int) -> Search:
    """Every tile that passes, oldest first; of many, evenly chosen ones."""
    row_ids = list_tiles(archive.rows, filtered.request.where(), (("datetime", False),))
    if not len(row_ids):
        check_names(filtered.request, archive.rows)
    chosen = evenly(row_ids, wide)
    candidates = tuple(
        Candidate(row_id=row_id, rank=rank, score=None, probability=None) for rank, row_id in enumerate(chosen.tolist())
    )
    return Search(filtered=filtered, phrase=None, matched=len(row_ids), candidates=candidates)


def evenly(values: NDArray[np.uint64], count: int) -> NDArray[np.uint64]:
    """Return at most ``count`` of (n,) values, the first and the last among them."""
    return values[np.linspace(0, max(len(values) - 1, 0), min(count, len(values))).round().astype(np.int64)]


def _without(search: Search, unwanted: Sequence[Phrase], archive: Archive) -> Search:
    """Leave out candidates that show what must not show."""
    if not unwanted or not search.candidates:
        return search
    rows = archive.rows.take([each.row_id for each in search.candidates], ("vector", "sensor"))
    vectors, sensors = vector_matrix(rows["vector"]), rows["sensor"].to_pylist()
    shown = np.any([phrase.shows(vectors, sensors) for phrase in unwanted], axis=0)
    kept = tuple(each for each, hidden in zip(search.candidates, shown.tolist(), strict=True) if not hidden)
    return replace(search, candidates=kept, left_out=int(shown.sum()))


def candidate_of(archive: Archive, search: Search, row_id: int) -> Candidate:
    """Return a row as a search would have found it, whatever it scores."""
    if search.phrase is None:
        return Candidate(row_id=row_id, rank=-1, score=None, probability=None)
    found = archive.rows.take([row_id], ("vector", "sensor"))
    scores = search.phrase.scores(vector_matrix(found["vector"]))
    chance = float(search.phrase.probabilities(scores, found["sensor"].to_pylist())[0])
    return _candidate(row_id, -1, float(scores[0]), None if math.isnan(chance) else chance)
