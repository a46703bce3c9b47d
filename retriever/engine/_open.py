"""Opens a snapshot: its document at once, a shard's arrays as memory maps when it is first asked for."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import StoreError
from indexer.store import SEARCH
from retriever.engine._arrays import LAYOUT, SCALARS, SHARED, ArraySpec, array_file, shard_arrays, shared_arrays
from retriever.engine._layout import FORMAT, Layout, ShardEntry
from retriever.engine._shard import Shard, Shared

CURRENT = "CURRENT"
"""File that names the newest complete snapshot."""


class OpenSnapshot:
    """A snapshot on disk; safe to use from many threads at once. Made by ``open_snapshot``."""

    def __init__(self, folder: Path, layout: Layout, shared: Shared) -> None:
        self.folder = folder
        self.layout = layout
        self.shared = shared
        self._shards: list[Shard | None] = [None] * len(layout.shards)
        self._lock = Lock()

    def shard(self, number: int) -> Shard:
        """Return a shard, opened when it is first asked for.

        Raises:
            StoreError: It is damaged, or the snapshot has been replaced and cleared away meanwhile.
        """
        found = self._shards[number]
        if found is None:
            with self._lock:
                found = self._shards[number] = self._shards[number] or self._open(number)
        return found

    def _open(self, number: int) -> Shard:
        entry = self.layout.shards[number]
        home = self.folder / entry.folder
        arrays = {name: _mapped(home, name, spec) for name, spec in shard_arrays(self.layout, entry).items()}
        first = sum(before.rows for before in self.layout.shards[:number])
        return Shard(rows=entry.rows, first=first, scalars=_scalars(home, entry.rows), **arrays)


def current(index_path: Path) -> Path | None:
    """Return the folder of the newest complete snapshot of an index, None where there is none."""
    home = index_path / SEARCH
    try:
        name = (home / CURRENT).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(home / CURRENT, str(error)) from error
    if not name or name != Path(name).name or not (home / name).is_dir():
        return None
    return home / name


def open_snapshot(folder: Path) -> OpenSnapshot:
    """Open the snapshot in a folder, as ``current`` names it.

    Raises:
        StoreError: It is damaged, of another format, or gone; run ``swath optimize``.
    """
    layout = read_layout(folder)
    home = folder / SHARED
    rounds = _size(array_file(home, "signs")) // (4 * max(layout.dim, 1))
    arrays: dict[str, Any] = {
        name: np.array(_mapped(home, name, spec)) for name, spec in shared_arrays(layout, rounds=rounds).items()
    }
    scale = _size_of_unit(arrays["centroids"])
    return OpenSnapshot(folder, layout, Shared(centroid_scale=scale, **arrays))


def read_layout(folder: Path) -> Layout:
    """Return the document of a snapshot.

    Raises:
        StoreError: It is missing, damaged or of another format.
    """
    path = folder / LAYOUT
    try:
        document = json.loads(path.read_text())
        if document["format"] != FORMAT:
            raise _damaged(path, f"has format {document['format']}, this Swath reads {FORMAT}")
        return _layout(document)
    except StoreError:
        raise
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path, str(error)) from error


def centroid_scale(centroids: NDArray[np.float32]) -> float:
    """Return the factor that makes the largest number of the centroids 127."""
    return float(127 / max(float(np.abs(centroids).max()), 1e-9))


_size_of_unit = centroid_scale


def _layout(document: dict[str, Any]) -> Layout:
    entries = tuple(ShardEntry(**_tuples(entry)) for entry in document.pop("shards"))
    return Layout(shards=entries, **_tuples(document))


def _tuples(document: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists where the documents have tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in document.items()}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error


def _mapped(folder: Path, name: str, spec: ArraySpec) -> NDArray[Any]:
    path = array_file(folder, name)
    size = _size(path)
    if size != spec.nbytes:
        raise _damaged(path, f"has {size:,} bytes instead of {spec.nbytes:,}")
    if not size:
        return np.empty(spec.shape, spec.dtype)
    with path.open("rb") as stream:
        # Private and writable, so that kernels see the type of an ordinary array; the file is never written to.
        view = mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_COPY)
    return np.frombuffer(view, spec.dtype).reshape(spec.shape)


def _scalars(folder: Path, rows: int) -> pa.Table:
    path = folder / SCALARS
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
    except (OSError, pa.ArrowInvalid) as error:
        raise _damaged(path, str(error)) from error
    if len(table) != rows:
        raise _damaged(path, f"has {len(table):,} rows instead of {rows:,}")
    return table


def _damaged(path: Path, reason: str) -> StoreError:
    line = reason.splitlines()[0] if reason else "unreadable"
    return StoreError(f"the search snapshot cannot be used: {path}: {line}; make it anew with: swath optimize")
