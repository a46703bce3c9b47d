"""What the soak searches: the demo's archive with its pixels, made-up tiles, and small scenes that come and go.

The first two never change while the soak runs, so what a search among them has to find is known before it starts. The
scenes that come and go (``Scenes``) are written by ``make_scene``, one small GeoTIFF each.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np

from api._services import Service, open_service
from benchmarks.ingest import SENSOR, make_scene
from benchmarks.serve_scale import Asked
from benchmarks.synthetic_archive import SyntheticArchive
from benchmarks.synthetic_tiles import scene_rows
from embeddings import DEFAULT_ENCODER, open_encoder
from indexer import Store
from retriever import SearchRequest

MADE_UP_TILES = 20_000
"""Tiles beside the demo's 600: enough for a search snapshot with lists, few enough that a leak shows in memory."""

COLLECTION = "soak"
"""Of the scenes that come and go."""

QUESTIONS = 300
"""Searches whose answers are known."""

SIDES = (448, 672, 896)
"""Pixels a side of a scene that comes and goes: 4, 9 or 16 tiles of 224."""

TILE = 224


@dataclass(frozen=True, kw_only=True)
class Known:
    """A search among what never changes, and its answer."""

    body: dict[str, Any]
    """As it is sent."""
    matched: int
    """Tiles that pass its filters."""
    scores: tuple[float, ...]
    """Of the k best, best first."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What requests are made of."""

    known: tuple[Known, ...]
    """Searches with known answers."""
    tiles: int
    """Tiles that never change."""
    drawn: tuple[str, ...]
    """Ids of tiles of the demo, whose pixels are there."""
    others: tuple[str, ...]
    """Ids of made-up tiles."""
    collections: tuple[str, ...]
    """Collections that never change."""


def build_index(into: Path, archive: Path | None = None) -> Path:
    """Index the demo's archive, made first where none is given; add made-up tiles; make searches quick."""
    import swath
    from demo import generate

    source = archive or generate(into / "archive").path
    index = into / "index"
    swath.index(str(source / "catalog.json"), into=index)
    store = Store.open(index)
    made = SyntheticArchive(MADE_UP_TILES, store.space.dim)
    store.commit([scene_rows(scene, store.schema) for scene in made.scenes() if len(scene.lon)])
    swath.open(index).optimize()
    return index


def look(index: Path) -> World:
    """Return what is known of an index before the soak starts."""
    service = open_service("soak", index)
    info = service.info()
    ids = [name for batch in service.store.snapshot().scan(["tile_id"]) for name in batch["tile_id"].to_pylist()]
    drawn = [name for name in ids if name.startswith("demo-")]
    return World(
        known=tuple(_known(service, tuple(info.collections))),
        tiles=info.tiles,
        drawn=tuple(drawn),
        others=tuple(sorted(set(ids) - set(drawn))),
        collections=tuple(info.collections),
    )


def _known(service: Service, collections: tuple[str, ...]) -> list[Known]:
    asked, rng = Asked(service), np.random.default_rng(11)
    found = []
    for number in range(QUESTIONS):
        body = asked.search() | {"k": int(rng.choice([5, 10, 50])), "collection": list(collections)}
        if number % 4 == 0:
            del body["text"]
            body["like"] = asked.tile()["tile_id"]
        hits = service.searcher.search(SearchRequest.build(**body, exact=True))
        found.append(Known(body=body, matched=hits.matched, scores=tuple(hit.score for hit in hits)))
    return found


@dataclass(kw_only=True)
class _Scene:
    """One scene that comes and goes."""

    tiles: int = 0
    """In the index; 0 for a scene that is not there."""
    ended: float | None = None
    """When the last change was acknowledged; None while one goes on."""


class Scenes:
    """The scenes that come and go, and since when what is known of each is certain; used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, _Scene] = {}

    def begin(self, name: str) -> None:
        """A change of this scene begins: until it ends, what a search finds of it is not known."""
        with self._lock:
            self._known.setdefault(name, _Scene()).ended = None

    def end(self, name: str, tiles: int) -> None:
        """The change was acknowledged."""
        with self._lock:
            self._known[name] = _Scene(tiles=tiles, ended=monotonic())

    def present(self) -> list[str]:
        """Return the scenes in the index that nobody is changing."""
        with self._lock:
            return [name for name, scene in self._known.items() if scene.tiles and scene.ended is not None]

    def gone(self) -> list[str]:
        """Return scenes that were in the index."""
        with self._lock:
            return [name for name, scene in self._known.items() if not scene.tiles and scene.ended is not None]

    def settled(self, started: float) -> Mapping[str, int]:
        """Return the tiles of each scene that was as it is now when a request started, and ever since."""
        with self._lock:
            return {
                name: scene.tiles
                for name, scene in self._known.items()
                if scene.ended is not None and scene.ended <= started
            }

    def total(self, started: float) -> int | None:
        """Return the tiles of all of them, None where one changed since a request started."""
        settled = self.settled(started)
        with self._lock:
            return sum(settled.values()) if len(settled) == len(self._known) else None


def write_scene(folder: Path, name: str, side: int, seed: int) -> Path:
    """Write a scene, or replace it by another of the same name, in one step."""
    path = folder / f"{name}.tif"
    made = folder / "new" / path.name
    made.parent.mkdir(parents=True, exist_ok=True)
    make_scene(made, side, seed=seed)
    os.replace(made, path)  # noqa: PTH105  # the one call of which it is known that it happens at once
    return path


def tiles_of(side: int) -> int:
    """Return the tiles of a scene of so many pixels a side."""
    return (side // TILE) ** 2


def encoder_of_soak() -> str:
    """Return the name of the encoder, for the page."""
    return str(open_encoder(DEFAULT_ENCODER).space)


INDEX_OPTIONS = ("--sensor", SENSOR, "--collection", COLLECTION, "--datetime-pattern", "%Y%m%d")
"""How ``swath index`` is told what a scene that comes and goes is."""
