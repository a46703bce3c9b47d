"""What an index holds, scene by scene, and whether searches find just that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import swath
from indexer import Store
from retriever.engine import Fresh
from tests.unit.retriever.engine.congruence import check_exact
from tests.unit.retriever.engine.random_expressions import RandomExpressions
from tests.unit.retriever.engine.random_histories import held

QUERIES = 3

Tiles = frozenset[tuple[str, bytes, bytes]]
"""Tile id, vector and preview of each tile of a scene."""

Claim = tuple[object, ...]
"""What the ledger says of a scene, but for when it was written."""


@dataclass(frozen=True, kw_only=True)
class State:
    """An index as it is read back."""

    scenes: Mapping[str, Tiles]
    """The tile table."""
    ledger: Mapping[str, Claim]
    """The ledger."""


EMPTY = State(scenes={}, ledger={})


def state_of(index: Path) -> State:
    """Read an index back; one that is not there yet holds nothing."""
    if not Store.exists(index):
        return EMPTY
    store = Store.open(index)
    scenes: dict[str, list[tuple[str, bytes, bytes]]] = defaultdict(list)
    for batch in store.snapshot().scan(["scene_id", "tile_id", "vector", "preview"]):
        for row in batch.to_pylist():
            vector = np.array(row["vector"], np.float32).tobytes()
            scenes[row["scene_id"]].append((row["tile_id"], vector, row["preview"]))
    for name, tiles in scenes.items():
        assert len({tile[0] for tile in tiles}) == len(tiles), f"{name} has a tile twice"
    ledger = {
        row.scene_id: (row.fingerprint, row.tiles, row.dropped, row.parameters, row.digest)
        for row in store.ledger().values()
    }
    return State(scenes={name: frozenset(tiles) for name, tiles in scenes.items()}, ledger=ledger)


def check_whole(index: Path) -> None:
    """``swath verify --full`` finds nothing lost or wrong; what is unfinished is no damage."""
    report = swath.verify(index, full=True)
    assert report.whole, [finding.message for finding in report.findings if finding.damage]


def check_between(
    found: State, before: State, after: State, *, acknowledged: frozenset[str] = frozenset(), gaps: bool = False
) -> None:
    """Each scene is as it was or as it will be, wholly; what was acknowledged is as it will be.

    Args:
        found: After the kill.
        before: Before the command.
        after: When it has ended.
        acknowledged: Ids of scenes of which the command said that they are written.
        gaps: Whether a scene that is replaced may be missing for now, see ``MERGE_LIMIT``.
    """
    for name in {*found.scenes, *before.scenes, *after.scenes}:
        either = [state.scenes.get(name) for state in (before, after)]
        either += [None] if gaps and either[0] != either[1] else []
        assert found.scenes.get(name) in either, f"{name} is neither as it was nor as it will be"
        claims = {state.ledger.get(name) for state in (before, after)}
        changes = before.ledger.get(name) != after.ledger.get(name)
        assert found.ledger.get(name) in (claims | {None} if changes else claims), f"the ledger is wrong about {name}"
    for name in acknowledged:
        assert found.scenes[name] == after.scenes[name], f"{name} was acknowledged and is not there"
        assert found.ledger[name] == after.ledger[name], f"{name} was acknowledged and is not in the ledger"


def check_searches(index: Path, seed: int) -> None:
    """The engine answers as the flat index does over the rows that are there, to the last bit.

    The rows are compared with what was acknowledged before this is called.
    """
    store = Store.open(index)
    rows, rng = held(store), np.random.default_rng(seed)
    version = Fresh(store).newest()
    if not len(rows.table):
        return
    filters = RandomExpressions(rows.table, rng)
    for turn in range(QUERIES):
        vector = rng.standard_normal(store.space.dim).astype(np.float32)
        vector /= np.linalg.norm(vector)
        where, k = (None if not turn else filters.draw()), int(rng.choice([1, 10, 1000]))
        found = version.index(exact=True).search(vector, k=k, where=where)
        check_exact(found, rows.ranking(vector, where), k, (k, where))
