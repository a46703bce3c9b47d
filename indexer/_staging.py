"""Finished pieces of scenes that are too large to be kept in memory until they are whole.

Each is an Arrow file, written under another name and renamed when complete: what is there is whole, and a run that was
killed resumes behind it. Nothing here is visible to a search.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from core import StoreError
from indexer._plan import Job, Unit

ABANDONED_AFTER_S = 7 * 86400
"""Age in seconds at which pieces of a scene that never came back are thrown away."""

_DROPPED = b"swath:dropped"


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A piece that is done."""

    tiles: int
    """Rows in its file."""
    dropped: int
    """Tiles with too few valid pixels."""


class Staging:
    """The staging folder of an index.

    Args:
        folder: Made when first needed.
        schema: Of the tile table.
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder = folder
        self._schema = schema

    def resume(self, job: Job, units: Sequence[Unit]) -> Mapping[Unit, Staged]:
        """Return the pieces of a job that are already done; pieces of other versions of the scene are deleted."""
        home = self._home(job)
        for other in self._folder.glob(f"{job.key}-*"):
            if other != home:
                shutil.rmtree(other, ignore_errors=True)
        found = {unit: self._inspect(self._file(job, unit)) for unit in units}
        return {unit: staged for unit, staged in found.items() if staged is not None}

    def write(self, job: Job, unit: Unit, batch: pa.RecordBatch, *, dropped: int) -> Staged:
        """Keep a finished piece.

        Raises:
            StoreError: It cannot be written.
        """
        target = self._file(job, unit)
        schema = self._schema.with_metadata({_DROPPED: str(dropped)})
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # A worker that was given up for lost may still be writing the same piece.
            partial = target.with_suffix(f".{uuid4().hex}.partial")
            with partial.open("wb") as sink:
                with pa.ipc.new_file(sink, schema) as writer:
                    writer.write_batch(batch.replace_schema_metadata(schema.metadata))
                sink.flush()
                os.fsync(sink.fileno())
            partial.replace(target)
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
        return Staged(tiles=batch.num_rows, dropped=dropped)

    def read(self, job: Job, units: Sequence[Unit]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of pieces, from one file at a time.

        Raises:
            StoreError: A piece is damaged.
        """
        for unit in units:
            file = self._file(job, unit)
            try:
                with pa.OSFile(str(file)) as source:
                    for batch in _batches(pa.ipc.open_file(source)):
                        yield batch.replace_schema_metadata(self._schema.metadata)
            except (OSError, pa.ArrowInvalid) as error:
                raise StoreError(f"cannot read {file}: {error}; delete {file.parent} and index again") from error

    def forget(self, key: str) -> None:
        """Delete all pieces of a scene."""
        for home in self._folder.glob(f"{key}-*"):
            shutil.rmtree(home, ignore_errors=True)

    def tidy(self) -> None:
        """Delete what was abandoned, and the folder where it is empty."""
        if not self._folder.is_dir():
            return
        limit = time.time() - ABANDONED_AFTER_S
        for home in list(self._folder.iterdir()):
            if home.stat().st_mtime < limit:
                shutil.rmtree(home, ignore_errors=True)
        if not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _home(self, job: Job) -> Path:
        return self._folder / f"{job.key}-{job.fingerprint[:16]}"

    def _file(self, job: Job, unit: Unit) -> Path:
        return self._home(job) / f"{unit.name}.arrow"

    def _inspect(self, file: Path) -> Staged | None:
        """What a file holds, or None where there is none or it was damaged (a power cut); then it is made again."""
        if not file.exists():
            return None
        try:
            with pa.OSFile(str(file)) as source:
                reader = pa.ipc.open_file(source)
                tiles = sum(batch.num_rows for batch in _batches(reader))
                return Staged(tiles=tiles, dropped=int(reader.schema.metadata[_DROPPED]))
        except (OSError, pa.ArrowInvalid, KeyError):
            file.unlink(missing_ok=True)
            return None


def _batches(reader: pa.ipc.RecordBatchFileReader) -> Iterator[pa.RecordBatch]:
    return (reader.get_batch(index) for index in range(reader.num_record_batches))
