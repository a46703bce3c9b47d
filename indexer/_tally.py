"""One pass over the rows of the tile table: how many each scene has, their check sums, and what is wrong with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import StoreError
from indexer._digest import DIGESTED, Digest, row_sums
from indexer._records import unfit_rows
from indexer._snapshot import Snapshot, vector_matrix

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""

SALVAGED_ROWS = 1024
"""Rows that are read at once where some cannot be: as many are given up with one that is damaged."""

_FRAGMENT = np.uint64(32)
"""A row id is ``fragment << 32 | place in the fragment`` (https://lance.org/format/table/row_id_lineage/)."""

_Scan = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]


@dataclass(kw_only=True)
class SceneTally:
    """What the table holds of a scene."""

    names: set[tuple[str, str]] = field(default_factory=set)
    """Scene id and collection of its rows; more than one where rows are mixed up."""
    digest: Digest = field(default_factory=Digest)
    """Of the rows that could be read."""
    unfit: list[str] = field(default_factory=list)
    """Tiles whose vector is not finite or not of unit length."""
    doubled: list[str] = field(default_factory=list)
    """Tiles that are in the table more than once."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What a pass over a table saw."""

    scenes: Mapping[str, SceneTally]
    """By scene key."""
    rows: int
    """That could be read."""
    lost: tuple[str, ...]
    """A line for each fragment with rows that could not be."""


def tally_of(tiles: Snapshot, progress: Progress | None = None) -> Tally:
    """Read every row of a version; what cannot be read is counted and passed over.

    Memory: 8 bytes a row, and what is known of each scene.

    Raises:
        StoreError: Not even the row ids can be read.
    """
    try:
        return _Pass(tiles.scan, tiles.count(), progress).tally()
    except StoreError:
        salvage = _Salvage(tiles)
        return _Pass(salvage.scan, tiles.count(), progress).tally(salvage.lines)


class _Pass:
    """Reads all rows once, and the names of the tiles again where two seem to be the same."""

    def __init__(self, scan: _Scan, total: int, progress: Progress | None) -> None:
        self._scan = scan
        self._total = total
        self._progress = progress
        self._scenes: dict[str, SceneTally] = defaultdict(SceneTally)
        self._hashes: list[NDArray[np.int64]] = []

    def tally(self, lost: Callable[[], tuple[str, ...]] = tuple) -> Tally:
        rows = 0
        for batch in self._scan(DIGESTED):
            self._add(batch)
            rows += batch.num_rows
            if self._progress is not None:
                self._progress(rows, self._total)
        self._find_doubled()
        return Tally(scenes=dict(self._scenes), rows=rows, lost=lost())

    def _add(self, batch: pa.RecordBatch) -> None:
        tiles, keys = batch["tile_id"].to_pylist(), batch["scene_key"].to_pylist()
        self._hashes.append(_hashes(tiles))
        for key, row_sum in zip(keys, row_sums(batch), strict=True):
            self._scenes[key].digest.add(row_sum)
        names = pa.table(batch).group_by(["scene_key", "scene_id", "collection"]).aggregate([])
        for row in names.to_pylist():
            self._scenes[row["scene_key"]].names.add((row["scene_id"], row["collection"]))
        for place in np.flatnonzero(unfit_rows(vector_matrix(batch["vector"]))):
            self._scenes[keys[place]].unfit.append(tiles[place])

    def _find_doubled(self) -> None:
        """Two different names may have one hash: those that do are read again."""
        hashes = np.sort(np.concatenate([np.empty(0, np.int64), *self._hashes]))
        again = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        if not len(again):
            return
        seen: Counter[tuple[str, str]] = Counter()
        for batch in self._scan(("tile_id", "scene_key")):
            tiles, keys = batch["tile_id"].to_pylist(), batch["scene_key"].to_pylist()
            for place in np.flatnonzero(np.isin(_hashes(tiles), again)):
                seen[tiles[place], keys[place]] += 1
        times = Counter(tile for tile, _ in seen.elements())
        for tile, key in seen:
            if times[tile] > 1:
                self._scenes[key].doubled.append(tile)


def _hashes(names: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(map(hash, names), np.int64, len(names))


class _Salvage:
    """Reads the rows of a version that can be read, a few at a time."""

    def __init__(self, tiles: Snapshot) -> None:
        self._tiles = tiles
        self._row_ids = np.sort(np.concatenate([np.empty(0, np.uint64), *(b["_rowid"] for b in tiles.scan(()))]))
        self._lost: dict[int, tuple[int, str]] = {}

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        self._lost.clear()
        fragments, starts = np.unique(self._row_ids >> _FRAGMENT, return_index=True)
        for fragment, row_ids in zip(fragments, np.split(self._row_ids, starts[1:]), strict=True):
            for start in range(0, len(row_ids), SALVAGED_ROWS):
                some = row_ids[start : start + SALVAGED_ROWS]
                try:
                    table = self._tiles.take(some, columns)
                except StoreError as error:
                    before = self._lost.get(int(fragment), (0, ""))[0]
                    self._lost[int(fragment)] = before + len(some), str(error)
                    continue
                yield from table.combine_chunks().to_batches()

    def lines(self) -> tuple[str, ...]:
        """Return what could not be read, a line for each fragment."""
        return tuple(f"{rows:,} rows of fragment {number}: {why}" for number, (rows, why) in self._lost.items())
