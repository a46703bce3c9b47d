"""One version of the index, as a reader sees it: what others write meanwhile does not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import BBox, VectorSpace
from indexer._lance import lance_errors
from indexer._place import Place
from indexer._schema import VectorType

if TYPE_CHECKING:
    from lancedb.expr import Expr

SCAN_ROWS = 8192
"""Rows of a scanned batch: 6 MB of 384-d float16 vectors."""

_INFO_COLUMNS = ("scene_key", "collection", "sensor", "datetime", "west", "south", "east", "north")


@dataclass(frozen=True, kw_only=True)
class IndexInfo:
    """What an index holds."""

    tiles: int
    """Number of tiles."""
    scenes: int
    """Number of scenes with at least one tile."""
    collections: Mapping[str, int]
    """Collection name to number of tiles, sorted by name."""
    sensors: Mapping[str, int]
    """Sensor name to number of tiles, sorted by name."""
    datetime: tuple[datetime | None, datetime | None]
    """First and last instant, UTC; both None where no tile is dated."""
    undated: int
    """Tiles without a date."""
    bbox: BBox | None
    """Of all footprints; west > east only where a footprint crosses the antimeridian. None for plain pictures."""
    encoder: str
    """See VectorSpace."""
    revision: str
    """See VectorSpace."""
    dim: int
    """See VectorSpace."""
    dtype: VectorType
    """How vectors are stored."""
    version: int
    """Rises with every change."""


class Snapshot:
    """A consistent view of one version of the tile table; made by ``Store.snapshot``.

    Args:
        table: LanceDB table, checked out at a version.
        path: The index, for messages.
        space: Its vector space.
        dtype: How its vectors are stored.
    """

    def __init__(self, table: Any, *, path: Place, space: VectorSpace, dtype: VectorType) -> None:
        self._table = table
        self.path = path
        self.space = space
        self.dtype = dtype
        self.version = int(table.version)

    def count(self, where: Expr | None = None) -> int:
        """Return the number of tiles, of those that match where a filter is given."""
        with lance_errors("read", self.path):
            return int(self._table.count_rows(None if where is None else where.to_sql()))

    def committed(self) -> datetime:
        """Return when this version was committed, UTC; looks at every version that is kept.

        Raises:
            StoreError: The index cannot be read.
        """
        with lance_errors("read", self.path):
            times: dict[int, datetime] = {each["version"]: each["timestamp"] for each in self._table.list_versions()}
            return times[self.version].astimezone(UTC)  # LanceDB tells the machine's own time

    def scan(
        self, columns: Sequence[str], where: Expr | None = None, *, batch_size: int = SCAN_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield every matching row, a batch at a time, with its row id.

        Args:
            columns: Names of columns; ``vector`` is one of them.
            where: Filter built with ``lancedb.expr``; None for all rows.
            batch_size: Most rows in a batch.

        Yields:
            Batches of the columns asked for and ``_rowid`` (uint64, valid in this snapshot only).

        Raises:
            StoreError: The index cannot be read.
        """
        with lance_errors("read", self.path):
            query = self._table.search(None).select(list(columns) or ["_rowid"]).with_row_id(True)
            query = query if where is None else query.where(where)
            for batch in query.to_batches(batch_size=batch_size):
                if batch.num_rows:
                    yield batch

    def take(self, row_ids: Sequence[int] | NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
        """Return the rows with these ids, in the order asked for, repeats included.

        Raises:
            StoreError: A row id is not in this snapshot, or the index cannot be read.
        """
        wanted = pa.array(np.asarray(row_ids, dtype=np.uint64))
        with lance_errors("read", self.path):
            distinct = pc.unique(wanted).to_pylist()  # LanceDB drops repeats and sorts by row id
            found = self._table.take_row_ids(distinct).select(list(columns)).with_row_id().to_arrow()
            places = pc.index_in(wanted, value_set=found["_rowid"].combine_chunks())
            if places.null_count:
                missing = pc.filter(wanted, pc.is_null(places)).to_pylist()
                raise KeyError(f"no rows with ids {missing[:5]} in version {self.version}")
            return found.take(places).select(list(columns))

    def info(self) -> IndexInfo:
        """Return what the index holds.

        Raises:
            StoreError: The index cannot be read.
        """
        summary = _Summary()
        for batch in self.scan(_INFO_COLUMNS):
            summary.add(batch)
        return IndexInfo(
            tiles=summary.tiles,
            scenes=len(summary.scenes),
            collections=dict(sorted(summary.collections.items())),
            sensors=dict(sorted(summary.sensors.items())),
            datetime=(summary.first, summary.last),
            undated=summary.undated,
            bbox=enclosing_bbox(np.concatenate(summary.boxes)) if summary.boxes else None,
            encoder=self.space.encoder,
            revision=self.space.revision,
            dim=self.space.dim,
            dtype=self.dtype,
            version=self.version,
        )


class _Summary:
    def __init__(self) -> None:
        self.tiles = 0
        self.undated = 0
        self.scenes: set[str] = set()
        self.collections: Counter[str] = Counter()
        self.sensors: Counter[str] = Counter()
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.boxes: list[NDArray[np.float64]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        self.tiles += batch.num_rows
        self.undated += batch["datetime"].null_count
        self.scenes.update(pc.unique(batch["scene_key"]).to_pylist())
        _count(self.collections, batch["collection"])
        _count(self.sensors, batch["sensor"])
        self._add_dates(batch["datetime"])
        sides = [batch[name].to_numpy(zero_copy_only=False) for name in ("west", "south", "east", "north")]
        boxes = np.stack(sides, axis=1)
        boxes = boxes[~np.isnan(boxes[:, 0])]
        if len(boxes):
            self.boxes.append(boxes)

    def _add_dates(self, dates: pa.Array) -> None:
        bounds = pc.min_max(dates).as_py()
        if bounds["min"] is not None:
            first, last = bounds["min"].astimezone(UTC), bounds["max"].astimezone(UTC)
            self.first = min(first, self.first or first)
            self.last = max(last, self.last or last)


def _count(counter: Counter[str], values: pa.Array) -> None:
    for entry in values.value_counts().to_pylist():
        counter[entry["values"]] += entry["counts"]


def enclosing_bbox(boxes: NDArray[np.float64]) -> BBox:
    """Return the bbox around (n, 4) boxes; the shortest way round the globe where one crosses the antimeridian."""
    west, south, east, north = boxes.T
    low, high = float(south.min()), float(north.max())
    if (west <= east).all():
        return float(west.min()), low, float(east.max()), high
    edges = _longest_gap(west, np.where(west <= east, east, east + 360))
    return edges[0], low, edges[1], high


def _longest_gap(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> tuple[float, float]:
    """Return west, east of what is left of the circle when its longest uncovered stretch is taken away."""
    order = np.argsort(starts)
    starts, reach = starts[order], np.maximum.accumulate(ends[order])
    # What runs past 180 also covers the beginning of the circle.
    covered = np.maximum(reach, reach[-1] - 360)
    gaps = np.append(starts[1:] - covered[:-1], starts[0] + 360 - reach[-1])
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 0:
        return -180.0, 180.0
    west, east = starts[(widest + 1) % len(starts)], covered[widest]
    return float(west), float((east + 180) % 360 - 180)


def vector_matrix(column: pa.Array | pa.ChunkedArray) -> NDArray[np.floating[Any]]:
    """Return a vector column as (n, dim) numbers of its stored type."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values: NDArray[np.floating[Any]] = array.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(-1, array.type.list_size)
