"""From candidates to evidence: spread over periods, places, dates and sensors, without near-duplicates.

Where periods are compared, every tile brings along the tile of the same place in each other period, whatever its score:
that something is gone is seen on a tile that does not show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from retriever.rag._archive import Archive
from retriever.rag._types import QueryPlan
from retriever.rag.evidence._counterparts import counterparts
from retriever.rag.evidence._pool import Pool, Weights
from retriever.rag.evidence._retrieve import Candidate, Retrieved, Search, candidate_of
from retriever.rag.evidence._scoring import Phrase
from retriever.rag.evidence._spread import Picked, Spread

_OF_PLACES = Weights(vector=0.5, place=0.3, day=0.15, sensor=0.05)
"""For what there is and where: another place says more than another date."""

_OF_TIMES = Weights(vector=0.3, place=0.0, day=0.6, sensor=0.1)
"""For when and what changed: another date says more, and of the same place the most."""

TIMED = ("when", "change")
"""Shapes that ask for times: the first and the last date must be seen."""

_COMPARED = ("compare", "change")
"""Shapes that set periods beside each other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen:
    """A tile that becomes evidence."""

    search: Search
    """What found it, or would have."""
    candidate: Candidate
    """The tile."""
    place: int
    """Tiles of one place have the same number, from 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class End:
    """The first or the last tile that shows something."""

    phrase: Phrase | None
    """What it shows; None where nothing is sought."""
    instant: datetime
    """When."""
    row_id: int
    """Row of the archive's version."""


def diversify(
    plan: QueryPlan, archive: Archive, retrieved: Retrieved, *, tiles: int, ends: Sequence[End] = ()
) -> tuple[Chosen, ...]:
    """Return the tiles to show; the same candidates give the same tiles in the same order.

    Period by period, and in each by date where the question is about time, else best first; where periods are
    compared, place by place.

    Args:
        plan: Its shape says whether places or dates are to be spread, or periods compared.
        archive: Where vectors and footprints are read.
        retrieved: The candidates.
        tiles: Most tiles returned.
        ends: Tiles that must be among them where there is room and no periods are compared.

    Raises:
        StoreError: The index cannot be read.
    """
    found = (each.row_id for search in retrieved.searches for each in search.candidates)
    row_ids = tuple(dict.fromkeys([*found, *(end.row_id for end in ends)]))
    if not row_ids:
        return ()
    pool = Pool(archive.rows, row_ids, tiles=tiles)
    spread = Spread(pool, retrieved.searches, _OF_TIMES if plan.shape in TIMED else _OF_PLACES)
    periods = len({search.filtered.period for search in retrieved.searches})
    if plan.shape not in _COMPARED or periods < 2:
        first = _picked(archive, retrieved, pool, ends)[:tiles]
        spread.show_rows([each.candidate.row_id for each in first])
        return _ordered(plan, pool, [*first, *spread.pick(tiles - len(first))], first_place=1)
    places = spread.pick(max(tiles // periods, 1), once_a_place=True)
    paired = _paired(archive, retrieved, pool, places)[:tiles]
    spread.show_rows([each.candidate.row_id for each in paired])
    rest = spread.pick(tiles - len(paired))
    return (*paired, *_ordered(plan, pool, rest, first_place=len(places) + 1))


def _picked(archive: Archive, retrieved: Retrieved, pool: Pool, ends: Sequence[End]) -> list[Picked]:
    """Return the tiles that must be shown, as their search found them or would have; each once."""
    picked: dict[int, Picked] = {}
    for end in ends:
        for search in retrieved.searches:
            if search.phrase is end.phrase and search.filtered.covers(end.instant) and end.row_id not in picked:
                known = next((each for each in search.candidates if each.row_id == end.row_id), None)
                tile = known or candidate_of(archive, search, end.row_id)
                at = int(pool.places([end.row_id])[0])
                picked[end.row_id] = Picked(at=at, search=search, candidate=tile)
    return list(picked.values())


def _paired(archive: Archive, retrieved: Retrieved, pool: Pool, places: Sequence[Picked]) -> tuple[Chosen, ...]:
    """Return the picked tiles, each with those of its place in the other periods, place by place."""
    found: list[tuple[int, Chosen]] = []
    for search in retrieved.searches:
        other = [
            (number, picked)
            for number, picked in enumerate(places, start=1)
            if picked.search.phrase is search.phrase and picked.search is not search and pool.located(picked.at)
        ]
        tiles = counterparts(archive, search, [pool.shown(picked.at) for _, picked in other])
        found += [
            (number, Chosen(search=search, candidate=tile, place=number))
            for (number, _), tile in zip(other, tiles, strict=True)
            if tile is not None
        ]
        found += [
            (number, Chosen(search=search, candidate=picked.candidate, place=number))
            for number, picked in enumerate(places, start=1)
            if picked.search is search
        ]
    # Stable: the searches come period by period. Periods may overlap, and phrases share a tile: it is shown once.
    ordered = [chosen for _, chosen in sorted(found, key=lambda pair: pair[0])]
    first = {chosen.candidate.row_id: chosen for chosen in reversed(ordered)}
    return tuple(chosen for chosen in ordered if first[chosen.candidate.row_id] is chosen)


def _ordered(plan: QueryPlan, pool: Pool, picked: Sequence[Picked], *, first_place: int) -> tuple[Chosen, ...]:
    groups = pool.groups([each.at for each in picked])
    found = [
        (each, Chosen(search=each.search, candidate=each.candidate, place=first_place + group))
        for each, group in zip(picked, groups, strict=True)
    ]

    def key(pair: tuple[Picked, Chosen]) -> tuple[int, datetime]:
        instant = pool.instants[pair[0].at] if plan.shape in TIMED else None
        return pair[1].search.filtered.period or 0, instant or _LATEST

    return tuple(chosen for _, chosen in sorted(found, key=key))


_LATEST = datetime.max.replace(tzinfo=UTC)
"""Of tiles without a date, which come last."""
