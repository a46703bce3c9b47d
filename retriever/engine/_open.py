"""Opens a snapshot: its document at once, a shard's arrays as memory maps when it is first asked for."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import StoreError
from indexer.store import CURRENT, SEARCH
from retriever.engine._arrays import LAYOUT, SCALARS, SHARED, ArraySpec, array_file, shard_arrays, shared_arrays
from retriever.engine._layout import FORMAT, Layout, ShardEntry
from retriever.engine._maps import mapped
from retriever.engine._shard import Shard, Shared
from retriever.engine._sums import first_wrong

SUM = "sum"
"""Key of the check sum beside the fields of the Layout."""

_SCATTERED = frozenset({"vectors"})
"""Arrays of which a query reads rows here and there."""


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
        _check(home)
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
    try:
        there = bool(name) and name == Path(name).name and (home / name).is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return None
    return home / name if there else None


def snapshot_bytes(index_path: Path) -> int:
    """Return the size of the current snapshot's files, 0 where there is none.

    Raises:
        StoreError: What names it cannot be read.
    """
    folder = current(index_path)
    return 0 if folder is None else sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def open_snapshot(folder: Path) -> OpenSnapshot:
    """Open the snapshot in a folder, as ``current`` names it.

    Raises:
        StoreError: It is damaged, of another format, or gone; run ``swath optimize``.
    """
    layout = read_layout(folder)
    home = folder / SHARED
    _check(home)
    rounds = _size(array_file(home, "signs")) // (4 * max(layout.dim, 1))
    arrays: dict[str, Any] = {
        name: np.array(_mapped(home, name, spec)) for name, spec in shared_arrays(layout, rounds=rounds).items()
    }
    scale = centroid_scale(arrays["centroids"])
    return OpenSnapshot(folder, layout, Shared(centroid_scale=scale, **arrays))


def read_layout(folder: Path) -> Layout:
    """Return the document of a snapshot.

    Raises:
        StoreError: It is missing, damaged or of another format.
    """
    path = folder / LAYOUT
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise _damaged(path, f"has format {document['format']}, this Swath reads {FORMAT}")
        if document.pop(SUM) != layout_sum(document):
            raise _damaged(path, "was changed after it was written")
        return _layout(document)
    except StoreError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(path, str(error)) from error


def layout_sum(document: Mapping[str, Any]) -> int:
    """Return the check sum of a Layout as JSON, however it is indented."""
    return zlib.crc32(json.dumps(document, sort_keys=True).encode())


def centroid_scale(centroids: NDArray[np.float32]) -> float:
    """Return the factor that makes the largest number of the centroids 127."""
    return float(127 / max(float(np.abs(centroids).max()), 1e-9))


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


def _check(folder: Path) -> None:
    try:
        wrong = first_wrong(folder)
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(folder, str(error)) from error
    if wrong is not None:
        raise _damaged(wrong, "is not as it was written")


def _mapped(folder: Path, name: str, spec: ArraySpec) -> NDArray[Any]:
    path = array_file(folder, name)
    try:
        size = path.stat().st_size
        if size != spec.nbytes:
            raise _damaged(path, f"has {size:,} bytes instead of {spec.nbytes:,}")
        view = mapped(path, scattered=name in _SCATTERED) if size else b""
    except OSError as error:
        raise error if isinstance(error, StoreError) else _damaged(path, error.strerror or str(error)) from error
    return np.frombuffer(view, spec.dtype).reshape(spec.shape)


def _scalars(folder: Path, rows: int) -> pa.Table:
    path = folder / SCALARS
    try:
        table = pa.ipc.open_file(pa.py_buffer(mapped(path, scattered=True))).read_all()
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        raise _damaged(path, str(error)) from error
    if len(table) != rows:
        raise _damaged(path, f"has {len(table):,} rows instead of {rows:,}")
    return table


def _damaged(path: Path, reason: str) -> StoreError:
    line = reason.splitlines()[0] if reason else "unreadable"
    return StoreError(f"the search snapshot cannot be used: {path}: {line}; make it anew with: swath optimize")
