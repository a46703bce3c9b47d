"""Sentences about tiles and passages: where, when, how sure; never what a picture shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retriever.rag._types import Claim, EvidencePassage, EvidenceTile, QueryPlan
from retriever.rag._wording import counted, dated, day, listed, span
from retriever.rag.records._from_records_groups import Calendar, Group, phrases, places
from retriever.rag.records._from_records_scores import sureness
from retriever.rag.writing._foreign import plain

PLACES_TOLD = 6
"""Most places of a phrase that have a sentence of their own."""

QUOTE = 240
"""Most characters of a passage that are quoted."""

NAME = 80
"""Most characters of a name that comes from outside."""


def tile_claims(plan: QueryPlan, tiles: Sequence[EvidenceTile], calendar: Calendar) -> Iterator[Claim]:
    """Yield a sentence for every place at which tiles were found, by what was sought and when."""
    for sought, period, mine in phrases(tiles):
        groups = places(mine)
        for group in groups[: PLACES_TOLD if len(groups) <= PLACES_TOLD else PLACES_TOLD - 1]:
            yield _claim(group.tiles, _sentence(group, sought, _during(plan, period), calendar))
        if len(groups) > PLACES_TOLD:
            yield _further(groups[PLACES_TOLD - 1 :], sought, _during(plan, period), calendar)


def _claim(tiles: Sequence[EvidenceTile], text: str) -> Claim:
    known = [tile.probability for tile in tiles if tile.probability is not None]
    return Claim(text=text, cites=tuple(tile.number for tile in tiles), confidence=max(known, default=None))


def _sentence(group: Group, sought: str | None, during: str, calendar: Calendar) -> str:
    place = (f" around {group.where}" if group.where else "") + (f" in {group.region}" if group.region else "")
    sensors = listed(sorted({plain(tile.record.sensor, NAME) for tile in group.tiles}))
    found = _found(group.tiles, sought)
    return f"{counted(len(group.tiles), 'tile')}{place}{during} {found}: {sensors}, {calendar.dates(group.tiles)}."


def _found(tiles: Sequence[EvidenceTile], sought: str | None) -> str:
    """What is said of tiles: that they fit a phrase, and how surely, or that they were found."""
    one = len(tiles) == 1
    if sought is None:
        return "passes the filters" if one else "pass the filters"
    if any(tile.probability is not None for tile in tiles):
        return f"fit{'s' * one} {quoted(sought)} with a {sureness(tiles)}"
    return f"{'is' if one else 'are'} among the closest to {quoted(sought)} ({sureness(tiles)})"


def _further(groups: Sequence[Group], sought: str | None, during: str, calendar: Calendar) -> Claim:
    tiles = [tile for group in groups for tile in group.tiles]
    count, dates = counted(len(tiles), "further tile"), calendar.dates(tiles)
    where = "regions" if groups[0].region else "places"
    return _claim(tiles, f"{count} at {len(groups)} other {where}{during} {_found(tiles, sought)}: {dates}.")


def _during(plan: QueryPlan, period: int | None) -> str:
    """The period, where several are compared."""
    if period is None or len(plan.periods) < 2:
        return ""
    first, last = plan.periods[period]
    if first is not None and last is not None:
        return f" {span(day(first), day(last))}"
    if first is not None:
        return f" since {dated(day(first))}"
    return f" until {dated(day(last))}" if last is not None else ""


def quoted(text: str | None) -> str:
    """Return a phrase in quotation marks, as plain text."""
    inner = plain(text or "", NAME).replace('"', "'")
    return f'"{inner}"'


def passage_claims(passages: Sequence[EvidencePassage]) -> Iterator[Claim]:
    """Yield what each passage says, as a quotation with the name of its file."""
    for each in passages:
        passage = each.passage
        title = plain(passage.title, NAME)
        said = plain(passage.text, QUOTE).replace('"', "'")
        about = f" on {quoted(title)}" if title and not said.startswith(title) else ""
        away = "" if passage.distance_km is None or passage.distance_km < 1 else f" ({passage.distance_km:.0f} km away)"
        yield Claim(text=f'{plain(passage.source, NAME)} says{about}{away}: "{said}"', cites=(each.number,))
