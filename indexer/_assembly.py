"""A scene being put together from its pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer._events import Opened, Ready, UnitRead
from indexer._ledger import LedgerRow, SceneRows
from indexer._plan import Unit
from indexer._records import Row, rows_to_batch, unfit_rows
from indexer._staging import Staged, Staging


@dataclass(kw_only=True)
class _Piece:
    """Tiles of one unit as they come out of the encoder, until all are there."""

    rows: list[Row] = field(default_factory=list)
    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    read: UnitRead | None = None

    @property
    def complete(self) -> bool:
        return self.read is not None and self.read.tiles == len(self.rows)


class Assembly:
    """Collects what the encoder made of a scene. A scene of several pieces keeps finished ones in the staging folder.

    Args:
        opened: The scene, its pieces, and those done by an earlier run.
        staging: Where finished pieces go.
        schema: Of the tile table.
    """

    def __init__(self, opened: Opened, staging: Staging, schema: pa.Schema) -> None:
        self.job = opened.job
        self.units = opened.units
        self.resumed = sum(piece.tiles + piece.dropped for piece in opened.staged.values())
        self._done = dict(opened.staged)
        self._pieces = {unit: _Piece() for unit in opened.units if unit not in opened.staged}
        self._kept: list[pa.RecordBatch] = []
        self._staging = staging
        self._schema = schema
        self._bad_vector: float | None = None
        self.seen = self.resumed

    @property
    def grid_tiles(self) -> int:
        """Positions of the scene's grid."""
        return sum(unit.rows * unit.cols for unit in self.units)

    @property
    def tiles(self) -> int:
        """Tiles in finished pieces."""
        return sum(piece.tiles for piece in self._done.values())

    @property
    def dropped(self) -> int:
        """Tiles of finished pieces that had too few valid pixels."""
        return sum(piece.dropped for piece in self._done.values())

    @property
    def whole(self) -> bool:
        """Whether all pieces are finished."""
        return len(self._done) == len(self.units)

    @property
    def undated(self) -> bool:
        """Whether nothing tells when the scene was taken; given scenes tell it with their pixels."""
        scene = self.job.scene
        return any(batch["datetime"].null_count for batch in self._kept) if scene.read else scene.datetime is None

    def failure(self) -> str | None:
        """Why this scene cannot be indexed, if it cannot."""
        if self._bad_vector is not None:
            return f"the encoder returned a vector of length {self._bad_vector:g} instead of 1"
        if self.whole and not self.tiles:
            return f"no tile has enough valid pixels ({self.dropped} tiles dropped)"
        return None

    def encoded(self, ready: Ready, vector: NDArray[np.float32]) -> None:
        """Take the (dim,) vector of a tile."""
        if unfit_rows(vector[None])[0]:
            self._bad_vector = float(np.linalg.norm(vector))
        self.seen += 1
        piece = self._pieces[ready.unit]
        piece.rows.append(ready.row)
        piece.vectors.append(vector)
        self._finish(ready.unit)

    def unit_read(self, event: UnitRead) -> None:
        """Take note that a piece has been read to its end."""
        self.seen += event.dropped
        self._pieces[event.unit].read = event
        self._finish(event.unit)

    def _finish(self, unit: Unit) -> None:
        piece = self._pieces[unit]
        if not piece.complete or self._bad_vector is not None:
            return
        del self._pieces[unit]
        dropped = piece.read.dropped if piece.read else 0
        dim = self._schema.field("vector").type.list_size
        vectors: NDArray[Any] = np.array(piece.vectors, np.float32).reshape(-1, dim)
        batch = rows_to_batch(piece.rows, vectors, self._schema)
        if len(self.units) == 1:
            self._kept.append(batch)
            self._done[unit] = Staged(tiles=batch.num_rows, dropped=dropped)
        else:
            self._done[unit] = self._staging.write(self.job, unit, batch, dropped=dropped)

    def scene_rows(self) -> SceneRows:
        """Return the finished scene for the store."""
        scene = self.job.scene
        ledger = LedgerRow(
            scene_key=self.job.key,
            scene_id=scene.scene_id,
            collection=scene.collection,
            href=scene.href,
            fingerprint=self.job.fingerprint,
            tiles=self.tiles,
            dropped=self.dropped,
            parameters=self.job.parameters,
            committed=datetime.now(UTC),
        )
        return SceneRows(ledger=ledger, batches=self._batches(), undated=self.undated)

    def _batches(self) -> Iterable[pa.RecordBatch]:
        return self._kept if len(self.units) == 1 else self._staging.read(self.job, self.units)
