"""Where the tiles of each scene are in a version of the tile table, found in one reading of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from indexer._ledger import LedgerRow
from indexer._snapshot import Snapshot


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Row ids of the tiles of some scenes: 12 bytes a tile."""

    keys: dict[str, int]
    """Scene key to its number."""
    scenes: NDArray[np.int32]
    """(n,) scene number of each tile, rising."""
    row_ids: NDArray[np.uint64]
    """(n,) of the tile."""
    pictures: frozenset[str]
    """Keys of scenes with a tile that has no place on the globe."""

    @classmethod
    def of(cls, rows: Iterable[LedgerRow], tiles: Snapshot) -> Self:
        """Read which tiles are whose.

        Raises:
            StoreError: The index cannot be read.
        """
        keys = [row.scene_key for row in rows]
        wanted, numbers, ids, placeless = pa.array(keys, pa.string()), [], [], set()
        for batch in tiles.scan(["scene_key", "west"]):
            places = pc.index_in(batch["scene_key"], value_set=wanted)
            known = places.is_valid()
            numbers.append(places.filter(known).to_numpy())
            ids.append(batch["_rowid"].filter(known).to_numpy())
            placeless |= set(batch["scene_key"].filter(batch["west"].is_null()).unique().to_pylist())
        scenes = np.concatenate([np.empty(0, np.int32), *numbers])
        order = np.argsort(scenes, kind="stable")
        row_ids = np.concatenate([np.empty(0, np.uint64), *ids])[order]
        named = {key: number for number, key in enumerate(keys)}
        return cls(keys=named, scenes=scenes[order], row_ids=row_ids, pictures=frozenset(placeless))

    def of_scene(self, key: str) -> NDArray[np.uint64]:
        """Return the (m,) row ids of a scene's tiles."""
        number = self.keys[key]
        first, last = np.searchsorted(self.scenes, [number, number + 1])
        return self.row_ids[first:last]
