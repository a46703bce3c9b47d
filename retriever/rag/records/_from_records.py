"""The answer without a model: written by us from records and computed facts alone.

It says what was found, where, when, and how sure the scores are; it never says what a picture shows. Facts stand as
they were computed. Their order, and which of them are left out, is all that the shape of a question decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from retriever.rag._types import Claim, EvidencePassage, EvidenceSet, EvidenceTile, QueryPlan, Shape
from retriever.rag._wording import plural
from retriever.rag.records._from_records_claims import passage_claims, quoted, tile_claims
from retriever.rag.records._from_records_groups import Calendar
from retriever.rag.records._from_records_scores import sureness, uncalibrated

PASSAGES_TOLD = 3
"""Most passages quoted; they come best first."""

_AMOUNTS = ("measured_area", "measured_steady", "measured_least", "measured_most")
_EXTREMES = ("measured_steady", "measured_least", "measured_most", "measured_area")
_CHANGES = ("measured_change", "measured_reach", "measured_lost_at", "measured_gained_at", "measured_shift")
_COUNTS = ("likely", "tiles", "likely_periods", "periods")
_DATES = ("likely_dates", "dates", "first_seen", "last_seen")
_GROUND = ("likely_area_km2", "area_km2", "extent")

_TOLD: dict[Shape, tuple[str, ...]] = {
    "count": (*_COUNTS, *_AMOUNTS, "likely_dates", "dates"),
    "where": ("measured_lost_at", "measured_gained_at", "measured_change", *_AMOUNTS, "likely", "tiles", *_GROUND),
    "when": (*_EXTREMES, *_DATES, "likely"),
    "compare": (
        "measured_area",
        "measured_change",
        "measured_lost_at",
        "measured_gained_at",
        "likely_periods",
        "periods",
        "likely",
    ),
    "change": (*_CHANGES, *_AMOUNTS, "likely_periods", "periods", *_DATES),
    "presence": ("likely", *_AMOUNTS, "likely_dates", "dates", "first_seen", "last_seen"),
    "describe": (*_AMOUNTS, *_CHANGES, "likely", "tiles", "likely_dates", "dates", "sensors", *_GROUND),
}
"""Facts that each shape tells, first things first. A fact of a name that stands nowhere here is told by every shape."""

_COVERED = frozenset(("tiles", *_DATES, *_GROUND, "sensors"))
"""Facts of which a measurement says enough where an answer rests on it: it names its dates and its ground."""

_KNOWN = frozenset(name for names in _TOLD.values() for name in names) | {"best_probability", "sensors"}

_INSTEAD = {"tiles": "likely", "dates": "likely_dates", "periods": "likely_periods", "area_km2": "likely_area_km2"}
"""Facts of all tiles that pass, which give way to the same of those that probably show what is sought."""

_OF_ALL = {"tiles", *_DATES, *_GROUND, "sensors", "periods"}
"""Facts of every tile that passes, which say nothing of what was sought where only scores were compared."""

_CAVEATS = ("uncalibrated", "measured_how", "measured_cloud", "measured_missing")
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
    facts, tiles = _fact_claims(plan, evidence), tile_claims(plan, evidence.tiles, calendar)
    claims = [
        *_headline(plan, evidence),
        *((*tiles, *facts) if _scored_alone(evidence) else (*facts, *tiles)),
        *passage_claims(_telling(plan, evidence.passages)),
    ]
    return Written(claims=tuple(claims), caveats=tuple(_caveats(plan, evidence, calendar)))


def _telling(plan: QueryPlan, passages: Sequence[EvidencePassage]) -> Sequence[EvidencePassage]:
    """The passages to quote: the one that names the place, where there is one and no more is asked."""
    place = None if plan.place is None else plan.place.passage_id
    naming = [each for each in passages if place is not None and each.passage.passage_id == place]
    return naming if naming and plan.shape != "describe" else passages[:PASSAGES_TOLD]


def _headline(plan: QueryPlan, evidence: EvidenceSet) -> Iterator[Claim]:
    """For "is there": yes or no by the index's own threshold, on the best tile of each thing sought."""
    if plan.shape != "presence":
        return
    if evidence.tiles and not _rests_on_measuring(evidence) and not _scored(evidence):
        yield Claim(text=f"Yes: {_matching(evidence)}.", cites=tuple(tile.number for tile in evidence.tiles))
    limits = {fact.value["sought"]: fact.value["threshold"] for fact in evidence.facts if fact.name == "likely"}
    for sought in dict.fromkeys(tile.sought for tile in evidence.tiles):
        if sought is None:
            continue
        best = max((tile for tile in evidence.tiles if tile.sought == sought), key=_rank)
        yield Claim(text=_presence(sought, best, limits.get(sought)), cites=(best.number,), confidence=best.probability)


def _matching(evidence: EvidenceSet) -> str:
    verb = "passes" if evidence.matched == 1 else "pass"
    return f"{plural(evidence.matched, 'tile')} {verb} the filters of the question"


def _rank(tile: EvidenceTile) -> tuple[float, float]:
    return (
        -1.0 if tile.probability is None else tile.probability,
        -2.0 if tile.score is None else tile.score,
    )


def _presence(sought: str, best: EvidenceTile, limit: float | None) -> str:
    if best.probability is None or limit is None:
        return f"The tile closest to {quoted(sought)} has a {sureness([best])}; that alone does not prove it is there."
    if best.probability >= limit:
        return f"The archive probably shows {quoted(sought)}: the best tile fits with a {sureness([best])}."
    return f"The archive does not clearly show {quoted(sought)}: the best tile fits with a {sureness([best])}."


def _scored(evidence: EvidenceSet) -> bool:
    """Whether tiles were found by what they look like."""
    return any(tile.sought for tile in evidence.tiles)


def _scored_alone(evidence: EvidenceSet) -> bool:
    """Whether something was sought of which nothing but the scores of the tiles shown is known."""
    return _scored(evidence) and not any(fact.name == "likely" for fact in evidence.facts)


def _rests_on_measuring(evidence: EvidenceSet) -> bool:
    """Whether what was measured is the answer; beside tiles found by their looks it says what else is there."""
    return _measured({fact.name for fact in evidence.facts}) and not _scored(evidence)


def _fact_claims(plan: QueryPlan, evidence: EvidenceSet) -> Iterator[Claim]:
    """Facts that can be checked on the evidence, in the order of the question's shape."""
    shape = plan.shape
    order = {name: place for place, name in enumerate(_TOLD[shape])}
    known, names = evidence.numbers(), {fact.name for fact in evidence.facts}
    covered = _rests_on_measuring(evidence) and shape != "count"
    left_out = {*_CAVEATS, *(_KNOWN - order.keys()), *(_COVERED if covered else ())}
    left_out |= {every for every, likely in _INSTEAD.items() if likely in names}
    left_out |= _OF_ALL if _scored_alone(evidence) and shape != "count" else set()
    told = [fact for fact in evidence.facts if fact.name not in left_out]
    last = "measured_" if _scored(evidence) else "-"
    for fact in sorted(told, key=lambda fact: (fact.name.startswith(last), order.get(fact.name, len(order)))):
        cites = tuple(number for number in fact.cites if number in known)
        if cites:
            yield Claim(text=fact.text, cites=cites)


def _unmeasured(evidence: EvidenceSet) -> Iterator[str]:
    """Say that there are more dates than were measured: the tiles shown leave some out."""
    dates = next((fact.value["count"] for fact in evidence.facts if fact.name == "dates"), 0)
    done = {each["date"] for fact in evidence.facts if fact.name == "measured_area" for each in fact.value["dates"]}
    if done and len(done) < dates:
        verb = "was" if len(done) == 1 else "were"
        yield f"{len(done)} of the {plural(dates, 'date')} that pass the filters {verb} measured."


def _measured(names: Collection[str]) -> bool:
    return any(name.startswith("measured_") and name not in _CAVEATS for name in names)


def _caveats(plan: QueryPlan, evidence: EvidenceSet, calendar: Calendar) -> Iterator[str]:
    if len(evidence.tiles) < evidence.matched:
        shown = plural(len(evidence.tiles), "tile")
        verb = "is" if len(evidence.tiles) == 1 else "are"
        limit = ", but only scenes of those shown are measured" if _measured({f.name for f in evidence.facts}) else ""
        yield f"{shown} of the {evidence.matched:,} that pass the filters {verb} shown; facts count all of them{limit}."
    if uncalibrated(evidence.tiles) and not any(fact.name == "uncalibrated" for fact in evidence.facts):
        yield "The index is not calibrated: scores order the tiles, they are not probabilities."
    if _scored(evidence):
        yield "Scores say how well a tile fits the words; what it shows must be seen on its picture."
    yield from _unmeasured(evidence)
    for name in calendar.of_years:
        yield f"The dates of {name} are all 1 January, 00:00, as archives write whole years, and are given as years."
    # Places that are measured alike have the same to say.
    yield from dict.fromkeys(fact.text for fact in evidence.facts if fact.name in _CAVEATS)
    yield from evidence.dropped
