"""Facts measured on original pixels: how much of a place is water, plants, snow or burnt ground, date by date."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core import SwathError
from indexer import sensor_of
from retriever.rag._types import EvidenceTile, Fact, QueryPlan
from retriever.rag._wording import listed, point, shortened
from retriever.rag.measuring._measured_change_facts import change_facts
from retriever.rag.measuring._measured_facts import (
    MeasuredDate,
    MeasuredSite,
    cloud_facts,
    method_fact,
    missing_facts,
    series_facts,
)
from retriever.rag.measuring._measured_grid import Grid, UnmeasurableError, read_date
from retriever.rag.measuring._measured_kinds import BURNT, KINDS, Bands, Kind, tell, wanted
from retriever.rag.measuring._measured_site import Site, SiteDate, can_be_placed, sites

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from indexer import Reach
    from retriever._vector_index import Rows

MAX_SITES = 3
"""Most places measured for one question."""

MAX_DATES = 24
"""Most dates of a site; where there are more, evenly chosen ones, the first and the last among them."""

BUDGET_S = 20.0
"""Seconds after which no further date is opened: remote files take about one each."""

ENOUGH = 0.005
"""Least share of the ground on some date: less may be a wet roof, a shadow, a bright field."""

PREFIX = "index:"
"""What the name of a spectral index starts with among the renderings."""


class Readable(Protocol):
    """What is measured in: an archive."""

    @property
    def rows(self) -> Rows:
        """One version of the tile table."""
        ...

    @property
    def reach(self) -> Reach | None:
        """What may be opened; None opens whatever a record names."""
        ...


def measure(
    plan: QueryPlan, tiles: Sequence[EvidenceTile], archive: Readable, *, area: BaseGeometry | None = None
) -> tuple[Fact, ...]:
    """Return what an index of the plan's renderings says of the tiles' dates; nothing where it names none.

    Pixels that cannot be read are no error: a fact says which dates are missing, and why.

    Args:
        plan: ``renderings`` names the index, e.g. ``index:ndwi``; ``periods`` what is compared.
        tiles: The evidence; each of its dates is measured, on the whole of its scene in the index, and cited.
        archive: The index and what may be opened.
        area: What is asked about, lon, lat: nothing outside it is measured; None for the place of the plan.

    Raises:
        StoreError: The index cannot be read.
    """
    kind = measured_kind(plan)
    if kind is None:
        return ()
    place = plan.place.geometry if area is None and plan.place is not None else area
    fit, unfit = _sorted_out(kind, tiles)
    until = time.monotonic() + BUDGET_S
    every = sites(fit, place, archive.rows)
    walks = [(_Walk(kind=kind, until=until), site) for site in every[:MAX_SITES]]
    found = [walk.site(site, archive, alone=len(every) == 1) for walk, site in walks]
    facts = tuple(fact for site in found for fact in _facts(site, plan, fit))
    return (*facts, *_unmeasured(kind, every[MAX_SITES:], fit, unfit))


def _sorted_out(kind: Kind, tiles: Sequence[EvidenceTile]) -> tuple[list[EvidenceTile], list[EvidenceTile]]:
    """The tiles of sensors with bands for it, and the others."""
    fits = _sensors(kind, [tile.record.sensor for tile in tiles])
    fit = [tile for tile in tiles if tile.record.sensor in fits]
    return fit, [tile for tile in tiles if tile.record.sensor not in fits]


def measurable_sensors(plan: QueryPlan, sensors: Iterable[str]) -> frozenset[str]:
    """Return which of these sensors have the bands for what a plan measures; none where it measures nothing."""
    kind = measured_kind(plan)
    return frozenset() if kind is None else _sensors(kind, sensors)


def _sensors(kind: Kind, sensors: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name in set(sensors) if _has_bands(kind, name))


def _has_bands(kind: Kind, name: str) -> bool:
    """Whether a sensor has the bands; those of one that is not known here cannot be read."""
    try:
        sensor = sensor_of(name)
    except SwathError:
        return False
    return bool(wanted(sensor, kind, tuple(band.name for band in sensor.bands)))


def _unmeasured(
    kind: Kind, further: Sequence[Site], fit: Sequence[EvidenceTile], unfit: Sequence[EvidenceTile]
) -> Iterator[Fact]:
    """Say which tiles of the evidence no measurement rests on."""
    if unfit:
        yield _without_bands(kind, unfit)
    if further:
        where = shortened([point(each.area.centroid.x, each.area.centroid.y) for each in further], 5)
        text = f"{kind.noun.capitalize()} around {where} was not measured: {MAX_SITES} places at most are."
        cites = tuple(sorted({number for site in further for date in site.dates for number in date.numbers}))
        yield Fact(name="measured_missing", text=text, value={"of": kind.noun, "why": "too many places"}, cites=cites)
    nowhere = tuple(tile.number for tile in fit if not can_be_placed(tile.record))
    if nowhere:
        text = "Tiles without a date or a place, and those across the antimeridian, were not measured."
        yield Fact(name="measured_missing", text=text, value={"of": kind.noun, "why": "no place"}, cites=nowhere)


def _without_bands(kind: Kind, tiles: Sequence[EvidenceTile]) -> Fact:
    names = sorted({tile.record.sensor for tile in tiles})
    text = f"Tiles of {listed(names)} were not measured: no bands for {kind.noun} are known of them."
    cites = tuple(tile.number for tile in tiles)
    return Fact(name="measured_missing", text=text, value={"of": kind.noun, "sensors": names}, cites=cites)


def _facts(site: MeasuredSite, plan: QueryPlan, tiles: Sequence[EvidenceTile]) -> Iterator[Fact]:
    if site.grid is not None and site.dates:
        yield from series_facts(site, site.grid)
        yield from change_facts(site, site.grid, plan, tiles)
        yield method_fact(site, site.grid)
        yield from cloud_facts(site)
    yield from missing_facts(site)


def measured_kind(plan: QueryPlan) -> Kind | None:
    """Return what a plan's renderings can be measured as; None where they name no index."""
    named = [name.removeprefix(PREFIX) for name in plan.renderings if name.startswith(PREFIX)]
    return next((kind for name in named for kind in KINDS if kind.index == name), None)


def is_measured(plan: QueryPlan) -> bool:
    """Return whether what a plan seeks is itself what is measured, so that an answer can rest on that alone.

    Scores say whether a tile looks like "open water"; pixels say how much of it there is. Things made of it ("river",
    "wetlands") count where a place is named: elsewhere any water would pass for a river.
    """
    kind = measured_kind(plan)
    if kind is None or not (plan.sought or plan.place):
        return False
    meant = kind.words if plan.place is None else kind.words | kind.bodies
    return all(meant.issuperset(re.findall(r"[a-z]+", phrase.lower())) for phrase in plan.sought)


def tells(facts: Iterable[Fact]) -> bool:
    """Return whether measured facts found enough of what was measured to speak of."""
    for fact in facts:
        if fact.name == "measured_area" and any(each["share"] >= ENOUGH for each in fact.value["dates"]):
            return True
        if fact.name == "measured_change" and fact.value.get("burnt_km2", 0) > 0:
            return True
    return False


@dataclass(kw_only=True, eq=False)
class _Walk:
    """One site, date by date."""

    kind: Kind
    until: float
    grid: Grid | None = None
    base: Bands | None = None
    missing: dict[SiteDate, str] = field(default_factory=dict)

    def site(self, site: Site, archive: Readable, *, alone: bool) -> MeasuredSite:
        chosen = np.linspace(0, len(site.dates) - 1, min(MAX_DATES, len(site.dates))).round().astype(int)
        dates = [site.dates[at] for at in chosen]
        measured = [done for date in dates if (done := self._date(site, date, archive.reach))]
        return MeasuredSite(
            kind=self.kind,
            site=site,
            grid=self.grid,
            dates=tuple(measured),
            missing=tuple(self.missing.items()),
            alone=alone,
        )

    def _date(self, site: Site, date: SiteDate, reach: Reach | None) -> MeasuredDate | None:
        if time.monotonic() > self.until:
            self.missing[date] = "the time for measuring was up"
            return None
        try:
            self.grid, seen = read_date(site, date, self.kind, self.grid, reach)
        except UnmeasurableError as why:
            self.missing[date] = str(why)
            return None
        told = tell(self.kind, seen.bands, seen.valid, raw=seen.raw, base=self.base)
        if self.kind is BURNT and self.base is None:
            self.base = seen.bands
        doubt = told.doubt if told.doubt is not None or told.known.any() else "no pixel there holds data"
        if doubt is not None:
            self.missing[date] = doubt
            return None
        return MeasuredDate(date=date, told=told, raw=seen.raw)
