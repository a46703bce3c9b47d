"""Measurements in sentences: how much there was on each date, where least and most, by which rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from retriever.rag._types import Fact
from retriever.rag._wording import amount, dated, listed, point, share, span, square_km
from retriever.rag.measuring._measured_grid import Grid, cloud_over
from retriever.rag.measuring._measured_kinds import BURNT, Kind, Told
from retriever.rag.measuring._measured_site import Site, SiteDate

ALIKE = 0.1
"""Areas that differ by less than this share of the larger are about the same. A limit set on the logarithm of near
infrared instead of its square root moves the areas of ten NAIP years by up to 7.3 %."""

CLOUDY = 0.01
"""Share of cloud from which it is told: less moves no area by more than a hundredth of the ground."""

SEEN = 0.99
"""Share of the ground with data from which a date is told as showing all of it: square kilometres then mislead nobody
by more than the rounding of a share does."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredDate:
    """One date of a site, told apart."""

    date: SiteDate
    """When, and which tiles."""
    told: Told
    """Where it is."""
    raw: bool
    """Whether the bands hold raw numbers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredSite:
    """One site on all dates that could be measured."""

    kind: Kind
    """What was looked for."""
    site: Site
    """Where."""
    grid: Grid | None
    """Its pixels; None where no date could be read."""
    dates: tuple[MeasuredDate, ...]
    """Oldest first."""
    missing: tuple[tuple[SiteDate, str], ...]
    """Dates that could not be measured, and why."""
    alone: bool = True
    """Whether it is the only place of the question; sentences need not say then where it is."""

    def when(self, date: SiteDate) -> str:
        """Return a date as it is written."""
        return dated(date.day, years=self.site.years)

    def on(self, date: SiteDate) -> str:
        """Return a date as it is written in a sentence."""
        return span(date.day, date.day, years=self.site.years)

    @property
    def at(self) -> str:
        """Where it is, in words."""
        return point(*self.place)

    @property
    def here(self) -> str:
        """Where it is, for sentences that need not say so where it is the only place."""
        return "" if self.alone else f" around {self.at}"

    @property
    def place(self) -> tuple[float, float]:
        """Its centre, lon lat."""
        centre = self.site.area.centroid
        return centre.x, centre.y

    def document(self, **more: Any) -> dict[str, Any]:
        """Return what every fact of it says, as JSON values."""
        lon, lat = self.place
        return {"of": self.kind.noun, "index": self.kind.index, "place": [round(lon, 4), round(lat, 4)], **more}


def cited(dates: Iterable[SiteDate]) -> tuple[int, ...]:
    """Return the numbers of the tiles of dates."""
    return tuple(sorted({number for date in dates for number in date.numbers}))


def series_facts(site: MeasuredSite, grid: Grid) -> Iterator[Fact]:
    """Yield how much there was on each date, and when least and most."""
    if site.kind is BURNT:  # a fall since another date is no state of its own
        return
    series = [_Amount.of(each, grid) for each in site.dates]
    noun = site.kind.noun
    each = [f"{square_km(a.km2)} ({share(a.share)}{a.of_seen}) {site.on(a.date)}" for a in series]
    whole = grid.km2(grid.inside)
    text = f"Of the {square_km(whole)} measured around {site.at}, {noun} covered {listed(each)}."
    value = site.document(of_km2=round(whole, 4), dates=[_document(site, a) for a in series])
    yield Fact(name="measured_area", text=text, value=value, cites=cited(a.date for a in series))
    yield from _extremes(site, series)


@dataclass(frozen=True, kw_only=True)
class _Amount:
    """How much there was on a date."""

    date: SiteDate
    km2: float
    share: float
    """Of what can be seen."""
    of_seen: str
    """Of how much that is, in words; empty where it is all but the whole."""

    @classmethod
    def of(cls, measured: MeasuredDate, grid: Grid) -> _Amount:
        there, known = grid.km2(measured.told.there), grid.km2(measured.told.known)
        of_seen = "" if known >= SEEN * grid.km2(grid.inside) else f" of the {square_km(known)} with data"
        return cls(date=measured.date, km2=there, share=there / known if known else 0.0, of_seen=of_seen)


def _document(site: MeasuredSite, found: _Amount) -> dict[str, Any]:
    cites = list(found.date.numbers)
    return {"date": site.when(found.date), "km2": round(found.km2, 4), "share": round(found.share, 4), "cites": cites}


def _extremes(site: MeasuredSite, series: Sequence[_Amount]) -> Iterator[Fact]:
    """The dates of least and most, by share, where they differ by more than the measurement does."""
    if len(series) < 3:
        return
    ordered = sorted(series, key=lambda each: each.share)
    if ordered[0].share >= (1 - ALIKE) * ordered[-1].share:
        yield _steady(site, ordered)
        return
    yield _extreme(site, "measured_least", f"The least {site.kind.noun} was measured", _alike(ordered))
    yield _extreme(site, "measured_most", f"The most {site.kind.noun} was measured", _alike(ordered[::-1]))


def _alike(ordered: Sequence[_Amount]) -> list[_Amount]:
    """The first of a series, and those after it that measure about the same."""
    first = ordered[0].share
    return [each for each in ordered if abs(each.share - first) <= ALIKE * max(first, each.share)]


def _extreme(site: MeasuredSite, name: str, begin: str, found: Sequence[_Amount]) -> Fact:
    first, others = found[0], sorted(found[1:], key=lambda each: each.date.day)
    of = first.of_seen or " of the area"
    text = f"{begin}{site.here} {site.on(first.date)}: {square_km(first.km2)}, {share(first.share)}{of}"
    if others:
        text += f"; about as much {listed([f'{site.on(each.date)} ({share(each.share)})' for each in others])}"
    value = site.document(dates=[_document(site, each) for each in found])
    return Fact(name=name, text=f"{text}.", value=value, cites=cited(each.date for each in found))


def _steady(site: MeasuredSite, ordered: Sequence[_Amount]) -> Fact:
    least, most = share(ordered[0].share), share(ordered[-1].share)
    text = f"The area of {site.kind.noun}{site.here} hardly changed: {least} to {most} on {len(ordered)} dates."
    value = site.document(dates=[_document(site, each) for each in ordered])
    return Fact(name="measured_steady", text=text, value=value, cites=cited(each.date for each in ordered))


def method_fact(site: MeasuredSite, grid: Grid) -> Fact:
    """Return the rule, the pixels and what they are of, so that the areas can be judged."""
    sides = dict.fromkeys(f"{amount(side)} m" for side in grid.pixel_m)
    # Without the place, so that the same rule is said once for several places.
    text = (
        f"{site.kind.noun.capitalize()} is told {_rules(site)}. It was measured on original pixels of "
        f"{' by '.join(sides)}, over the ground that every date measured covers; clouds are not masked pixel by pixel."
    )
    limits = {site.when(each.date): round(each.told.limit, 3) for each in site.dates if each.told.limit is not None}
    raw = any(each.raw for each in site.dates)
    value = site.document(raw=raw, limits=limits, pixel_m=[round(side, 3) for side in grid.pixel_m])
    return Fact(name="measured_how", text=text, value=value, cites=cited(each.date for each in site.dates))


def cloud_facts(site: MeasuredSite) -> Iterator[Fact]:
    """Yield how much cloud there was on which of the dates measured: it may hide what is sought, or pass for it."""
    over = [(each.date, cloud_over(each.date, site.site.area) or 0.0) for each in site.dates]
    cloudy = [(date, cloud) for date, cloud in over if cloud >= CLOUDY]
    if cloudy:
        told = listed([f"{share(cloud)} {site.on(date)}" for date, cloud in cloudy])
        text = f"Clouds around {site.at} may hide {site.kind.noun} or pass for it: they covered {told}."
        value = site.document(dates=[{"date": site.when(date), "cloud": round(cloud, 4)} for date, cloud in cloudy])
        yield Fact(name="measured_cloud", text=text, value=value, cites=cited(date for date, _ in cloudy))


def _rules(site: MeasuredSite) -> str:
    """By which rule, with the dates of each where files of other bands ask for another."""
    dates: dict[str, list[str]] = {}
    for each in site.dates:
        dates.setdefault(each.told.how, []).append(site.on(each.date))
    return "; ".join(how if len(dates) == 1 else f"{listed(whens)} {how}" for how, whens in dates.items())


def missing_facts(site: MeasuredSite) -> Iterator[Fact]:
    """Yield which dates were not measured, a fact a reason."""
    reasons: dict[str, list[SiteDate]] = {}
    for date, why in site.missing:
        reasons.setdefault(why, []).append(date)
    for why, dates in reasons.items():
        whens = listed([site.when(date) for date in dates])
        text = f"{site.kind.noun.capitalize()} around {site.at} was not measured for {whens}: {why}."
        yield Fact(name="measured_missing", text=text, value=site.document(why=why), cites=cited(dates))
    if skipped := [dated(each, years=site.site.years) for each in site.site.skipped]:
        text = f"{listed(skipped)} show too little of the ground around {site.at} to be measured beside the rest."
        yield Fact(name="measured_missing", text=text, value=site.document(why="shows too little"))
