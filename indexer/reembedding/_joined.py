"""The rows of a scene with other vectors: everything but those as it was, and proof that the pixels are the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import SceneError, VectorSpace
from indexer._ledger import LedgerRow, SceneRows
from indexer._origin import with_origin
from indexer._preview import stored_picture
from indexer._snapshot import SCAN_ROWS, Snapshot

PICTURE_TOLERANCE = 3.0
"""Most that two previews of the same pixels differ by, in levels of 255 on the mean over a picture. The same pixels
through libwebp at quality 80 gave the same bytes in every test here; another release of it may round otherwise, while a
picture of other pixels differs by tens of levels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Joining:
    """Puts new vectors beside the rows that a scene has."""

    tiles: Snapshot
    """The version of the other generation that the scene is taken from."""
    schema: pa.Schema
    """Of the tile table that is written."""
    space: VectorSpace
    """Of the generation that the scene is taken from."""

    def rows(self, new: SceneRows, row: LedgerRow, row_ids: NDArray[np.uint64]) -> SceneRows:
        """Return the scene for the store.

        Args:
            new: What the pipeline made of the scene today.
            row: The ledger's row of it in the other generation.
            row_ids: (n,) its tiles there.

        Raises:
            SceneError: Its source gives other tiles or other pixels than were indexed.
            StoreError: The index cannot be read.
        """
        places = _by_tile(self.tiles, row_ids)
        order, vectors = self._compared(new.batches, places, row)
        if len(order) != len(row_ids):
            raise SceneError(f"gives {len(order):,} tiles, {len(row_ids):,} were indexed; {_again(row)}")
        ledger = replace(
            row,
            parameters=with_origin(row, self.space),
            committed=new.ledger.committed,
            digest=None,
        )
        return SceneRows(ledger=ledger, batches=self._batches(order, vectors), undated=new.undated)

    def _compared(
        self, batches: Iterable[pa.RecordBatch], places: dict[str, int], row: LedgerRow
    ) -> tuple[list[int], pa.ChunkedArray]:
        """Row ids and vectors in the order of the batches, once it is certain that the tiles are those indexed."""
        order: list[int] = []
        vectors: list[pa.Array] = []
        for batch in batches:
            ids = batch["tile_id"].to_pylist()
            unknown = [tile_id for tile_id in ids if tile_id not in places]
            if unknown:
                raise SceneError(f"gives a tile {unknown[0]!r} that was not indexed; {_again(row)}")
            here = [places[tile_id] for tile_id in ids]
            self._check_pictures(batch, here, row)
            order += here
            vectors.append(batch["vector"])
        return order, pa.chunked_array(vectors, type=self.schema.field("vector").type)

    def _check_pictures(self, batch: pa.RecordBatch, here: list[int], row: LedgerRow) -> None:
        if not here:
            return
        known = self.tiles.take(here, ["preview"])["preview"].combine_chunks()
        for place in np.flatnonzero(pc.not_equal(known, batch["preview"]).to_numpy(zero_copy_only=False)):
            if _difference(known[place].as_py(), batch["preview"][place].as_py()) > PICTURE_TOLERANCE:
                tile_id = batch["tile_id"][place].as_py()
                raise SceneError(f"the pixels of tile {tile_id!r} are not those that were indexed; {_again(row)}")

    def _batches(self, order: list[int], vectors: pa.ChunkedArray) -> Iterator[pa.RecordBatch]:
        names = [name for name in self.schema.names if name != "vector"]
        for start in range(0, len(order), SCAN_ROWS):
            rows = self.tiles.take(order[start : start + SCAN_ROWS], names)
            part = vectors.slice(start, len(rows)).combine_chunks()
            columns = [part if name == "vector" else rows[name].combine_chunks() for name in self.schema.names]
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _by_tile(tiles: Snapshot, row_ids: NDArray[np.uint64]) -> dict[str, int]:
    names = tiles.take(row_ids, ["tile_id"])["tile_id"].to_pylist() if len(row_ids) else []
    return dict(zip(names, row_ids.tolist(), strict=True))


def _difference(one: bytes, other: bytes) -> float:
    """Mean difference of two stored pictures in levels of 255."""
    first, second = (np.asarray(stored_picture(preview), np.float32) for preview in (one, other))
    return float(np.abs(first - second).mean()) if first.shape == second.shape else 255.0


def _again(row: LedgerRow) -> str:
    return f"index it again first: swath index {row.href}"
