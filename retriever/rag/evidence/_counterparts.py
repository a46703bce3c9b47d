"""The same place in other periods: what a comparison is made on, whatever those tiles score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from retriever._expression import Area, all_of, any_of
from retriever._passing import passing
from retriever._spatial import both_names
from retriever.rag._archive import Archive
from retriever.rag.evidence._retrieve import Candidate, Search, candidate_of

SHARED = 0.5
"""Least share of the smaller footprint that two tiles of one place have in common."""

_COLUMNS = ("tile_id", "sensor", "footprint", "valid", "cloud")


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A place that one period shows."""

    footprint: BaseGeometry
    """Its tile's, in lon, lat."""
    sensor: str
    """Its tile's."""


def counterparts(archive: Archive, search: Search, places: Sequence[Shown]) -> tuple[Candidate | None, ...]:
    """Return, for each place, the tile that shows it best in a search's period; None where none does.

    The same sensor comes first, then the one that shares more of the place, then the clearer one.

    Args:
        archive: Where tiles are looked for.
        search: Its filters say when; its phrase gives scores.
        places: What is to be shown.

    Raises:
        StoreError: The index cannot be read.
    """
    if not places:
        return ()
    parts = [part for place in places for part in both_names(place.footprint)]
    meets = any_of([Area(relation="intersects", geometry=part) for part in parts])
    own = search.filtered.request.where()
    best: list[tuple[Any, ...] | None] = [None] * len(places)
    for batch in passing(archive.rows, _COLUMNS, meets if own is None else all_of([own, meets])):
        footprints = shapely.from_wkb(np.array(batch["footprint"].to_pylist(), dtype=np.object_))
        for at, place in enumerate(places):
            for key in _keys(batch, footprints, place):
                best[at] = min(filter(None, (best[at], key)))
    return tuple(None if key is None else candidate_of(archive, search, int(key[-1])) for key in best)


def _keys(batch: Any, footprints: NDArray[np.object_], place: Shown) -> list[tuple[Any, ...]]:
    """Return for every tile that shows the place what it is chosen by, the best the smallest; its row id comes last."""
    shared = shapely.area(shapely.intersection(footprints, place.footprint))
    smaller = np.minimum(shapely.area(footprints), place.footprint.area)
    rows = np.flatnonzero((smaller > 0) & (shared >= SHARED * smaller)).tolist()
    columns = {name: batch[name].to_pylist() for name in ("tile_id", "sensor", "valid", "cloud", "_rowid")}
    return [
        (
            columns["sensor"][row] != place.sensor,
            -round(float(shared[row] / smaller[row]), 2),
            -columns["valid"][row] * (1 - (columns["cloud"][row] or 0.0)),
            columns["tile_id"][row],
            columns["_rowid"][row],
        )
        for row in rows
    ]
