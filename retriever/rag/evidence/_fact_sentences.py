"""Facts about one set of tiles, those that pass the filters or those that probably show a phrase, as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import shapely

from core import Interval, rfc3339
from retriever.rag._types import EvidenceTile, Fact
from retriever.rag._wording import dated, listed, only_years, plural, shortened, span, square_km
from retriever.rag.evidence._filters import Filters
from retriever.rag.evidence._ground import ground_km2
from retriever.rag.evidence._seen import MOST_FOOTPRINTS, Moment, Seen

MOST_DATES = 60
"""Most dates that a fact lists as values: the earliest and the latest."""

DATES_IN_WORDS = 12
"""Most dates in a sentence."""

SENSORS_IN_WORDS = 8
"""Most sensors in a sentence."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A set of tiles as sentences speak of it."""

    those: str
    """E.g. ``tiles that pass the filters``."""
    one: str
    """E.g. ``tile that passes the filters``."""
    sought: str | None
    """The phrase they show; None where they are all that pass."""
    cites: tuple[int, ...]
    """Tiles of the evidence that belong to them."""
    seen: Seen
    """What was counted of them."""

    def fact(self, name: str, text: str, value: Any, cites: Sequence[int] | None = None) -> Fact:
        """Return a fact; of a phrase its name starts with ``likely_`` and its value names the phrase."""
        told = value if self.sought is None else {"sought": self.sought} | dict(value)
        cited = self.cites if cites is None else cites
        return Fact(name=self.named(name), text=text, value=told, cites=tuple(cited))

    def told(self, many: str, one: str) -> str:
        """Return the beginning of a sentence: them, and what they do where they are several or a single one."""
        return f"The {self.one} {one}" if self.seen.tiles == 1 else f"The {self.those} {many}"

    def named(self, name: str) -> str:
        """Return the name of a fact about them."""
        return name if self.sought is None else f"likely_{name}"


def date_facts(subject: Subject) -> Iterator[Fact]:
    """Yield on how many dates they were taken, and which."""
    seen, days = subject.seen, sorted(subject.seen.days)
    if not days:
        return
    years = _years(days)
    told = [dated(each, years=years) for each in days]
    when = f": {listed(told)}" if len(days) <= DATES_IN_WORDS else f", {span(days[0], days[-1], years=years)}"
    undated = f"; {seen.undated:,} more have no date" if seen.undated else ""
    of = f"are of {len(days):,} dates{when}" if len(days) > 1 else f"are {'of' if seen.undated else 'all of'} {told[0]}"
    shown = days if len(days) <= MOST_DATES else [*days[: MOST_DATES // 2], *days[-MOST_DATES // 2 :]]
    yield subject.fact(
        "dates",
        f"{subject.told(of, f'is of {told[0]}')}{undated}.",
        {"count": len(days), "dates": [each.isoformat() for each in shown], "undated": seen.undated},
    )


def end_facts(subject: Subject, tiles: Sequence[EvidenceTile]) -> Iterator[Fact]:
    """Yield of when the first and the last of them are; the names are the same for a phrase."""
    years = _years(sorted(subject.seen.days))
    ends = (("first_seen", "earliest", subject.seen.first), ("last_seen", "latest", subject.seen.last))
    for name, word, moment in ends:
        if moment is None:
            continue
        value = {"datetime": rfc3339(moment[0])} | ({} if subject.sought is None else {"sought": subject.sought})
        text = f"The {word} {subject.one} is of {dated(moment[0].astimezone(UTC).date(), years=years)}."
        yield Fact(name=name, text=text, value=value, cites=_on(moment, subject, tiles))


def _on(moment: Moment, subject: Subject, tiles: Sequence[EvidenceTile]) -> tuple[int, ...]:
    """Return the tiles of that instant, the one that was meant first."""
    same = [tile for tile in tiles if tile.number in subject.cites and tile.record.datetime == moment[0]]
    return tuple(tile.number for tile in sorted(same, key=lambda tile: tile.record.tile_id != moment[1]))


def period_facts(subject: Subject, filters: Filters) -> Iterator[Fact]:
    """Yield how many there are of each period, where there are several."""
    each = [filtered for filtered in filters.each if filtered.period is not None]
    if len(each) < 2:
        return
    pairs = list(zip(each, subject.seen.in_period, strict=True))
    parts = [f"{count:,} {_interval(filtered.request.datetime or (None, None))}" for filtered, count in pairs]
    counts = [{"period": filtered.period, "tiles": count} for filtered, count in pairs]
    value: Any = counts if subject.sought is None else {"periods": counts}
    yield subject.fact("periods", f"Of the {subject.those} there are {listed(parts)}.", value)


def _interval(interval: Interval) -> str:
    start, end = (None if each is None else each.astimezone(UTC).date() for each in interval)
    if start is not None and end is not None:
        return span(start, end)
    if start is not None:
        return f"from {start} on"
    return "of any date" if end is None else f"until {end}"


def ground_facts(subject: Subject) -> Iterator[Fact]:
    """Yield how much ground they cover."""
    seen = subject.seen
    if not seen.footprints:
        return
    km2 = ground_km2(shapely.from_wkb(sorted(seen.footprints)))
    least = "at least " if seen.more_footprints else ""
    why = f" (only {MOST_FOOTPRINTS:,} different footprints were added up)" if seen.more_footprints else ""
    theirs = "" if subject.sought is None else ", which is the area of the tiles, not of what they show"
    text = f"{subject.told('cover', 'covers')} {least}{square_km(km2)} of ground{why}{theirs}."
    yield subject.fact("area_km2", text, round(km2, 3) if subject.sought is None else {"km2": round(km2, 3)})


def sensor_facts(subject: Subject, tiles: Sequence[EvidenceTile]) -> Iterator[Fact]:
    """Yield which sensors saw them."""
    counts: Mapping[str, int] = subject.seen.sensors
    names = sorted(counts, key=lambda name: (-counts[name], name))
    parts = [f"{name} ({plural(counts[name], 'tile')})" for name in names]
    first = {tile.record.sensor: tile.number for tile in reversed(tiles)}
    text = f"{subject.told('were', 'was')} seen by {shortened(parts, SENSORS_IN_WORDS)}."
    value = {name: counts[name] for name in names}
    yield subject.fact("sensors", text, value, sorted(first[name] for name in names if name in first))


def extent_facts(subject: Subject) -> Iterator[Fact]:
    """Yield between which degrees they lie."""
    bbox = subject.seen.bbox
    if bbox is None:
        return
    west, south, east, north = bbox
    text = f"{subject.told('lie', 'lies')} between {_lon(west)} and {_lon(east)}, {_lat(south)} and {_lat(north)}."
    yield subject.fact("extent", text, list(bbox))


def _years(days: Sequence[date]) -> bool:
    return only_years(datetime.combine(day, time(), UTC) for day in days)


def _lon(degrees: float) -> str:
    return f"{abs(degrees):.2f}° {'E' if degrees >= 0 else 'W'}"


def _lat(degrees: float) -> str:
    return f"{abs(degrees):.2f}° {'N' if degrees >= 0 else 'S'}"
