"""What a scene's rows must satisfy before they may enter the store, checked as they stream in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from core import InputError
from indexer._digest import Digest, row_sums
from indexer._ledger import SceneRows
from indexer._records import check_vectors
from indexer._snapshot import vector_matrix


class Intake:
    """Streams the rows of several scenes and stops at the first that does not fit.

    Args:
        scenes: Scenes to be committed together.
        schema: Of the tile table.
        check: Raises where this process may no longer commit; asked for every batch and after the last.
    """

    def __init__(
        self, scenes: Sequence[SceneRows], schema: pa.Schema, *, check: Callable[[], None] | None = None
    ) -> None:
        self._scenes = scenes
        self._schema = schema
        self._check_writing = check or (lambda: None)
        self._error: Exception | None = None
        self.digests: dict[str, str] = {}
        """By scene key, of the scenes that have been streamed to their end."""

    def reader(self) -> pa.RecordBatchReader:
        """Return the rows of all scenes; an error in them ends the stream, so that nothing is committed."""
        return pa.RecordBatchReader.from_batches(self._schema, self._guarded())

    @contextmanager
    def first_error(self) -> Iterator[None]:
        """Raise the original error in place of what LanceDB made of it."""
        try:
            yield
        except Exception:
            if self._error is not None:
                raise self._error from None
            raise

    def _guarded(self) -> Iterator[pa.RecordBatch]:
        try:
            seen: set[str] = set()
            for scene in self._scenes:
                yield from self._scene(scene, seen)
            self._check_writing()
        except Exception as error:
            self._error = error
            raise

    def _scene(self, scene: SceneRows, seen: set[str]) -> Iterator[pa.RecordBatch]:
        digest, expected = Digest(), scene.ledger.tiles
        for batch in scene.batches:
            self._check(batch, scene.ledger.scene_key, seen)
            for row_sum in row_sums(batch):
                digest.add(row_sum)
            self._check_writing()
            yield batch
        if digest.rows != expected:
            came = f"came with {digest.rows} tiles, its ledger row says {expected}"
            raise InputError(f"scene {scene.ledger.scene_id!r} {came}")
        self.digests[scene.ledger.scene_key] = str(digest)

    def _check(self, batch: pa.RecordBatch, scene_key: str, seen: set[str]) -> None:
        if batch.schema != self._schema:
            raise InputError(f"rows of schema {batch.schema.names} do not fit the index; use records_to_batch")
        batch.validate()
        if set(batch["scene_key"].to_pylist()) - {scene_key}:
            raise InputError("rows carry another scene key than their ledger row")
        for tile_id in batch["tile_id"].to_pylist():
            if tile_id in seen:
                raise InputError(f"tile {tile_id!r} came twice")
            seen.add(tile_id)
        check_vectors(vector_matrix(batch["vector"]), self._schema.field("vector").type.list_size)
