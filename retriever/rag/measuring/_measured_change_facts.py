"""What lies between two dates, in sentences: lost, gained, where, and how far it moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from shapely.geometry import Point

from retriever.rag._types import EvidenceTile, Fact, QueryPlan
from retriever.rag._wording import distance, listed, point, square_km, wind
from retriever.rag.measuring._measured_change import Change, Piece, change
from retriever.rag.measuring._measured_facts import MeasuredDate, MeasuredSite, cited
from retriever.rag.measuring._measured_grid import Grid
from retriever.rag.measuring._measured_kinds import BURNT

WORTH_TELLING = 0.02
"""Pieces of a smaller share of what there was, or is, are not told of: the edges of pixels make as much."""

MOVED_PIXELS = 2
"""Least way of a centre that is told, in pixels: less is what the edges of pixels make."""


def change_facts(site: MeasuredSite, grid: Grid, plan: QueryPlan, tiles: Sequence[EvidenceTile]) -> Iterator[Fact]:
    """Yield what changed between the first and the last date, or between one of each of two periods."""
    if len(site.dates) < 2:
        return
    before, after = _compared(site, plan, tiles)
    found = change(before.told, after.told, grid)
    told = _Between(found, site=site, before=before, after=after, tiles=tiles)
    if site.kind is BURNT:
        burnt = f"{square_km(found.gained_km2)} lost so much green that it counts as burnt"
        yield told.fact("measured_change", burnt, {"burnt_km2": found.gained_km2})
    else:
        yield told.fact("measured_change", _sentence(site, found), _km2(found))
        yield from told.pieces("lost", found.losses)
    yield from told.pieces("gained", found.gains)
    yield from _moves(told, found, grid)


class _Between:
    """Makes facts of one pair of dates."""

    def __init__(
        self,
        found: Change,
        *,
        site: MeasuredSite,
        before: MeasuredDate,
        after: MeasuredDate,
        tiles: Sequence[EvidenceTile],
    ) -> None:
        self.site = site
        self._pair = (before.date, after.date)
        self._numbers = [set(each.numbers) for each in self._pair]
        self._tiles = tiles
        self.first, self.last = site.when(before.date), site.when(after.date)
        self.least_km2 = WORTH_TELLING * max(found.before_km2, found.after_km2)

    def fact(self, name: str, text: str, values: Mapping[str, Any], cites: tuple[int, ...] = ()) -> Fact:
        """A sentence about what lies between the two dates."""
        rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in values.items()}
        value = {**self.site.document(), "from": self.first, "to": self.last, **rounded}
        between = f"Between {self.first} and {self.last}{self.site.here}"
        return Fact(name=name, text=f"{between}, {text}.", value=value, cites=cites or cited(self._pair))

    def pieces(self, verb: str, pieces: Sequence[Piece]) -> Iterator[Fact]:
        """Where the largest pieces lie, by the tiles that show them where there are some of both dates."""
        told = [piece for piece in pieces if piece.km2 >= self.least_km2]
        if not told:
            return
        noun = "burnt ground" if self.site.kind is BURNT else f"{self.site.kind.noun} {verb}"
        lie = "piece of {} lies" if len(told) == 1 else "pieces of {} lie"
        where = listed([f"around {point(*each.place)} ({square_km(each.km2)})" for each in told])
        values = [{"km2": round(each.km2, 4), "at": [round(end, 4) for end in each.place]} for each in told]
        text = f"the largest {lie.format(noun)} {where}"
        yield self.fact(f"measured_{verb}_at", text, {"pieces": values}, self._showing(told))

    def _showing(self, pieces: Sequence[Piece]) -> tuple[int, ...]:
        """The tiles that show the pieces, if there are some of both dates for each."""
        shown = [each & self._at(piece) for piece in pieces for each in self._numbers]
        return tuple(sorted(set().union(*shown))) if all(shown) else ()

    def _at(self, piece: Piece) -> set[int]:
        spot, every = Point(piece.place), self._tiles
        return {t.number for t in every if t.record.footprint is not None and t.record.footprint.intersects(spot)}


def _compared(site: MeasuredSite, plan: QueryPlan, tiles: Sequence[EvidenceTile]) -> tuple[MeasuredDate, MeasuredDate]:
    """The two dates that are set against each other: the first and the last, or one of each of two periods."""
    of = {tile.number: tile.period for tile in tiles}
    ends = [_in_period(site, period, of) for period in (0, len(plan.periods) - 1)] if len(plan.periods) > 1 else []
    if all(ends) and ends:
        first, last = ends[0][0], ends[1][-1]
        if first is not last:
            return (first, last) if _day(first) < _day(last) else (last, first)
    return site.dates[0], site.dates[-1]


def _in_period(site: MeasuredSite, period: int, of: dict[int, int | None]) -> list[MeasuredDate]:
    return [each for each in site.dates if any(of.get(number) == period for number in each.date.numbers)]


def _day(measured: MeasuredDate) -> date:
    return measured.date.day


def _sentence(site: MeasuredSite, found: Change) -> str:
    noun = site.kind.noun
    if not (found.before_km2 or found.after_km2):
        return f"there was no {noun} to be lost or gained"
    return (
        f"{square_km(found.lost_km2)} of {noun} were lost, {square_km(found.gained_km2)} were gained and "
        f"{square_km(found.both_km2)} stayed"
    )


def _km2(found: Change) -> dict[str, float]:
    return {
        "before_km2": found.before_km2,
        "after_km2": found.after_km2,
        "lost_km2": found.lost_km2,
        "gained_km2": found.gained_km2,
        "both_km2": found.both_km2,
    }


def _moves(told: _Between, found: Change, grid: Grid) -> Iterator[Fact]:
    """How far it reached beyond where it was, and where its centre went."""
    noun = told.site.kind.noun
    if found.reach_m is not None and found.gained_km2 >= told.least_km2 and told.site.kind is not BURNT:
        half, tenth = found.reach_m
        text = (
            f"half of the {noun} gained appeared more than {distance(half)} from where there was some before, a tenth "
            f"of it more than {distance(tenth)}"
        )
        yield told.fact("measured_reach", text, {"half_m": half, "tenth_m": tenth})
    if found.centre is not None and found.centre.metres >= MOVED_PIXELS * max(grid.pixel_m):
        moved = found.centre
        text = f"the centre of all {noun} measured moved {distance(moved.metres)} to the {wind(moved.azimuth)}"
        yield told.fact("measured_shift", text, {"metres": moved.metres, "azimuth": moved.azimuth})
