"""The answer without a model: written by us from records and computed facts alone.

It says what was found, where, when, and how sure the scores are; it never says what a picture shows. Facts stand as
they were computed. Their order, and which of them are left out, is all that the shape of a question decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retriever.rag._from_records_claims import passage_claims, quoted, tile_claims
from retriever.rag._from_records_groups import Calendar
from retriever.rag._from_records_scores import percent, sureness, uncalibrated
from retriever.rag._types import Claim, EvidenceSet, EvidenceTile, Fact, QueryPlan, Shape
from retriever.rag._wording import listed, plural

LIKELY = 0.66
"""Least probability for which a thing is told as likely there (the IPCC's "likely")."""

_AMOUNTS = ("measured_area", "measured_steady", "measured_least", "measured_most")
_CHANGES = ("measured_change", "measured_reach", "measured_lost_at", "measured_gained_at", "measured_shift")

_TOLD: dict[Shape, tuple[str, ...]] = {
    "count": ("tiles", "likely", "dates", "area_km2", *_AMOUNTS),
    "where": ("measured_lost_at", "measured_gained_at", "measured_change", *_AMOUNTS, "tiles", "area_km2"),
    "when": ("measured_steady", "measured_least", "measured_most", "measured_area", "dates", "first_seen", "last_seen"),
    "compare": ("measured_area", *_CHANGES, "periods", "tiles", "first_seen", "last_seen"),
    "change": (*_CHANGES, *_AMOUNTS, "first_seen", "last_seen"),
    "presence": ("tiles", "likely", *_AMOUNTS, "first_seen", "last_seen"),
    "describe": ("tiles", "dates", "sensors", "area_km2", *_AMOUNTS, *_CHANGES),
}
"""Facts of each shape, first things first; those of other names come after them."""

_CAVEATS = ("measured_how", "measured_missing")
"""Facts that limit the others."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written."""

    claims: tuple[Claim, ...]
    """Each cites at least one number of the evidence; empty where there is none."""
    caveats: tuple[str, ...] = ()
    """What limits the answer, a sentence each."""


def write_from_records(plan: QueryPlan, evidence: EvidenceSet) -> Written:
    """Return an answer that says only what records, facts and passages say.

    Args:
        plan: How the question was read.
        evidence: What may be cited.
    """
    calendar = Calendar(evidence.tiles)
    claims = [
        *_headline(plan, evidence),
        *_fact_claims(plan.shape, evidence),
        *tile_claims(plan, evidence.tiles, calendar),
        *passage_claims(evidence.passages),
    ]
    return Written(claims=tuple(claims), caveats=tuple(_caveats(plan, evidence, calendar)))


def _headline(plan: QueryPlan, evidence: EvidenceSet) -> Iterator[Claim]:
    """For "is there": the best tile of each thing sought, and what its score is worth."""
    if plan.shape != "presence":
        return
    for sought in dict.fromkeys(tile.sought for tile in evidence.tiles):
        if sought is None:
            continue
        best = max((tile for tile in evidence.tiles if tile.sought == sought), key=_rank)
        yield Claim(text=_presence(sought, best), cites=(best.number,), confidence=best.probability)


def _rank(tile: EvidenceTile) -> tuple[float, float]:
    return (
        -1.0 if tile.probability is None else tile.probability,
        -2.0 if tile.score is None else tile.score,
    )


def _presence(sought: str, best: EvidenceTile) -> str:
    if best.probability is None:
        return f"The tile closest to {quoted(sought)} has a {sureness([best])}, which alone proves nothing: look at it."
    if best.probability >= LIKELY:
        return f"The archive likely shows {quoted(sought)}: the best tile fits with a {sureness([best])}."
    return f"The archive does not clearly show {quoted(sought)}: the best tile fits with a {sureness([best])}."


def _fact_claims(shape: Shape, evidence: EvidenceSet) -> Iterator[Claim]:
    """Facts that can be checked on the evidence, in the order of the question's shape."""
    order = {name: place for place, name in enumerate(_TOLD[shape])}
    known = evidence.numbers()
    told = [fact for fact in evidence.facts if fact.name not in _CAVEATS and known.intersection(fact.cites)]
    for fact in sorted(told, key=lambda fact: order.get(fact.name, len(order))):
        if fact.name in order or not _elsewhere(fact):
            yield Claim(text=fact.text, cites=tuple(number for number in fact.cites if number in known))


def _elsewhere(fact: Fact) -> bool:
    """Whether what a fact says is told for other shapes only."""
    return any(fact.name in names for names in _TOLD.values())


def _caveats(plan: QueryPlan, evidence: EvidenceSet, calendar: Calendar) -> Iterator[str]:
    if len(evidence.tiles) < evidence.matched:
        shown = plural(len(evidence.tiles), "tile")
        yield f"{shown} of the {evidence.matched:,} that pass the filters are shown; facts count all of them."
    if uncalibrated(evidence.tiles):
        yield "The index is not calibrated: scores order the tiles, they are not probabilities."
    elif unlikely := _unlikely(evidence.tiles):
        yield f"No tile reaches a probability of {percent(LIKELY)} for {listed(unlikely)}."
    if any(tile.sought for tile in evidence.tiles):
        yield "Scores say how well a tile fits the words; what it shows must be seen on its picture."
    for name in calendar.of_years:
        yield f"The dates of {name} are all 1 January, 00:00, as archives write whole years, and are given as years."
    if plan.unknown_place and not any(plan.unknown_place in note for note in plan.notes):
        yield f"The place {quoted(plan.unknown_place)} is not known here, so tiles of anywhere were looked at."
    yield from (fact.text for fact in evidence.facts if fact.name in _CAVEATS)
    yield from evidence.dropped


def _unlikely(tiles: Iterable[EvidenceTile]) -> list[str]:
    """The phrases that no tile likely fits."""
    best: dict[str, float] = {}
    for tile in tiles:
        if tile.sought is not None and tile.probability is not None:
            best[tile.sought] = max(best.get(tile.sought, 0.0), tile.probability)
    return [quoted(sought) for sought, probability in best.items() if probability < LIKELY]
