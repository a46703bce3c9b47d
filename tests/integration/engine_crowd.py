"""Fifty readers and one writer on one index: what every answer must be, whenever it is asked for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from indexer import Store, scene_key
from retriever import parse_filter
from retriever.engine import Fresh
from retriever.engine._build import build_snapshot, compact, optimize
from tests.unit.retriever.engine.random_histories import scene_rows
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker

READERS = 50
PAUSE_S = 0.02
"""Between two questions of a reader, so that the writer has a turn on one core too."""

SCENES = 200
"""There from the start, removed one after the other."""

TILES = 8
"""Of the scene that is replaced again and again; all of them carry its generation."""

RECIPE = Recipe(
    dim=16, dtype="float32", spread="clustered", sensors=3, collections=1, undated=0.1, unlocated=0.1,
    years=(2016, 2024), odd=0.2,
)  # fmt: skip
_LIVE = parse_filter("scene_id = 'live'")
_OTHERS = parse_filter("scene_id <> 'live' AND cloud < 0.5")


def direction(generation: int) -> NDArray[np.float32]:
    """The vector of all tiles of a generation: two numbers of the circle, so that a score tells the generation."""
    vector = np.zeros(RECIPE.dim, np.float32)
    vector[:2] = np.cos(generation * 0.001), np.sin(generation * 0.001)
    return vector


def live_scene(maker: TileMaker, generation: int) -> pa.Table:
    """Return the scene that readers watch: tile ids and ``offset`` name the generation, and so do the vectors."""
    key = scene_key("c000", "live")
    tiles = pa.concat_tables(maker.scenes([f"l{place}" for place in range(TILES)], 1).values())
    values = {
        "tile_id": [f"live~{generation:06d}~{place}" for place in range(TILES)],
        "scene_key": [key] * TILES,
        "scene_id": ["live"] * TILES,
        "href": ["/live.tif"] * TILES,
        "offset": [float(generation)] * TILES,
        "vector": [direction(generation).tolist()] * TILES,
    }
    for name, column in values.items():
        place = tiles.schema.get_field_index(name)
        tiles = tiles.set_column(place, tiles.schema.field(name), pa.array(column, tiles.schema.field(name).type))
    return tiles


@dataclass
class Crowd:
    """Readers and a writer, and what went wrong.

    Args:
        path: Where the index is made.
        seed: Where chance comes from.
    """

    path: Path
    seed: int = 0
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    committed: int = 0
    """The last generation that was surely visible."""
    begun: int = 0
    """The last generation whose commit was begun."""

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.maker = TileMaker(RECIPE, self.rng)
        self.store = Store.create_or_open(self.path, space=RECIPE.space, dtype=RECIPE.dtype)
        self.commit([*self.maker.scenes([f"s{number:04d}" for number in range(SCENES)]).values()])
        self.replace()
        self.build()
        self.fresh = Fresh(Store.open(self.path))
        self._over = threading.Event()

    def commit(self, scenes: list[pa.Table]) -> None:
        self.store.commit([scene_rows(tiles, self.store.schema) for tiles in scenes])

    def replace(self) -> None:
        """Commit the next generation of the watched scene."""
        self.begun += 1
        self.commit([live_scene(self.maker, self.begun)])
        self.committed = self.begun

    def build(self) -> None:
        build_snapshot(self.store.snapshot(), self.path, lists=5, shard_rows=int(self.rng.choice([700, 10_000])))

    def run(self, seconds: float, readers: int = READERS) -> None:
        """Read and write for so long."""
        threads = [threading.Thread(target=self._read, args=(number,)) for number in range(readers)]
        for thread in threads:
            thread.start()
        try:
            self._write(time.monotonic() + seconds)
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _write(self, until: float) -> None:
        number = 0
        while time.monotonic() < until or not self.counts["extended"]:
            number += 1
            self.replace()
            if number % 3 == 0:
                self.commit([*self.maker.scenes([f"more{number:05d}"]).values()])
            if number % 5 == 0:
                self._remove(number // 5)
            if number % 7 == 2:
                self.counts[optimize(self.store).snapshot] += 1
            if number % 21 == 8:
                self.build()
            if number % 20 == 0:
                self.store.compact() if self.rng.random() < 0.5 else compact(self.store)
                self.counts["compactions"] += 1
            self.counts["commits"] += 1
            time.sleep(0.01)

    def _remove(self, number: int) -> None:
        if number < SCENES:
            self.store.remove(scene_id=f"s{number:04d}")

    def _read(self, number: int) -> None:
        rng = np.random.default_rng(number)
        try:
            self._watch()
            self._look(rng)
            while not self._over.is_set() and not self.faults:
                self._watch()
                self._look(rng)
                time.sleep(PAUSE_S)
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")

    def _watch(self) -> None:
        """The watched scene is there wholly, in one generation, none older than the last commit before the question."""
        before = self.committed
        version = self.fresh.newest()
        found = version.index().search(direction(before), k=100, where=_LIVE)
        columns = version.rows.take(found.row_ids, ["tile_id", "offset"])
        after = self.begun
        generations = {int(name.split("~")[1]) for name in found.tile_ids}
        if found.matched != TILES or len(found.tile_ids) != TILES or len(generations) != 1:
            self.faults.append(f"torn: {found.matched} matched, {found.tile_ids}")
            return
        generation = generations.pop()
        if not before <= generation <= after:
            self.faults.append(f"stale: generation {generation}, committed {before} to {after}")
        if set(columns["offset"].to_pylist()) != {float(generation)}:
            self.faults.append(f"mixed: {columns.to_pylist()}")
        score = float(direction(before) @ direction(generation))
        if np.abs(found.scores - score).max() > 1e-6:
            self.faults.append(f"scores {found.scores} instead of {score}")
        self.counts["watched"] += 1

    def _look(self, rng: np.random.Generator) -> None:
        """A filtered search finds as many as it counts, and only what passes."""
        version = self.fresh.newest()
        vector = rng.normal(size=RECIPE.dim).astype(np.float32)
        found = version.index().search(vector / np.linalg.norm(vector), k=20, where=_OTHERS)
        columns = version.rows.take(found.row_ids, ["tile_id", "scene_id", "cloud"])
        if len(found.tile_ids) != min(20, found.matched) or tuple(columns["tile_id"].to_pylist()) != found.tile_ids:
            self.faults.append(f"{len(found.tile_ids)} of {found.matched} found, {columns.to_pylist()}")
        if not pc.all(pc.less(columns["cloud"], 0.5)).as_py() or "live" in columns["scene_id"].to_pylist():
            self.faults.append(f"does not pass: {columns.to_pylist()}")
        self.counts["looked"] += 1
