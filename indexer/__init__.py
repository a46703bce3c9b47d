"""Scenes in, records out: sources, tiling, pixels, the ingest pipeline and the store."""

from indexer._calibration_file import read_calibration, remove_calibration, write_calibration
from indexer._ledger import CompactReport, LedgerRow, Removed, SceneRows
from indexer._pipeline import ingest
from indexer._records import RECORD_COLUMNS, record_from_row, records_to_batch, scene_key
from indexer._report import Failure, IngestOptions, IngestReport, Progress
from indexer._revisit import read_original
from indexer._schema import SCHEMA_VERSION, tile_schema
from indexer._snapshot import IndexInfo, Snapshot, vector_matrix
from indexer._tiling import TilingOptions
from indexer.store import Store

__all__ = [
    "RECORD_COLUMNS",
    "SCHEMA_VERSION",
    "CompactReport",
    "Failure",
    "IndexInfo",
    "IngestOptions",
    "IngestReport",
    "LedgerRow",
    "Progress",
    "Removed",
    "SceneRows",
    "Snapshot",
    "Store",
    "TilingOptions",
    "ingest",
    "read_calibration",
    "read_original",
    "record_from_row",
    "records_to_batch",
    "remove_calibration",
    "scene_key",
    "tile_schema",
    "vector_matrix",
    "write_calibration",
]
