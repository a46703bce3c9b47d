"""Scenes in, records out: sources, tiling, pixels, the ingest pipeline and the store."""

from indexer._arrivals import Scenes, marks_from_bytes, marks_to_bytes, next_row_id, rows_of, take_rows
from indexer._backup import BackupReport, back_up
from indexer._calibration_file import CALIBRATION, read_calibration, remove_calibration, write_calibration
from indexer._digest import Digest, digest_of
from indexer._findings import Finding
from indexer._footprint import Georeference
from indexer._gdal import open_raster, scene_errors
from indexer._generation import home_of
from indexer._hosts import check_host, guarded_session, is_url
from indexer._lance import tiles_stamp
from indexer._ledger import CompactReport, LedgerRow, Removed, SceneRows
from indexer._legend_words import legend_in_words
from indexer._legends import (
    Legend,
    RenderingError,
    legend_of,
    legends_of,
    renderings_of,
    sensor_of,
)
from indexer._objects import download_file, objects_in, upload_file
from indexer._pipeline import ingest
from indexer._place import BucketPath, Place, local_place, place_of
from indexer._preview import stored_picture
from indexer._pyramid import LEVEL, Pyramid, check_scene_file, index_pyramid, is_level, scene_size
from indexer._reach import Reach
from indexer._records import RECORD_COLUMNS, record_from_row, records_to_batch, scene_key
from indexer._rendered import Picture, check_rendering, color_stops, draw, reread
from indexer._report import Failure, IngestOptions, IngestReport, Progress
from indexer._restore import RestoreReport, restore
from indexer._revisit import Original, read_original
from indexer._schema import SCHEMA_VERSION, VectorType, tile_schema
from indexer._small_files import (
    file_stamp,
    read_document,
    read_file,
    remove_file,
    replace_document,
    replace_file,
    sync_folder,
)
from indexer._snapshot import IndexInfo, Snapshot, enclosing_bbox, vector_matrix
from indexer._tiling import TilingOptions
from indexer._verify import TableCheck, verify_files, verify_tables
from indexer._window_file import window_file
from indexer.store import Store

__all__ = [
    "CALIBRATION",
    "LEVEL",
    "RECORD_COLUMNS",
    "SCHEMA_VERSION",
    "BackupReport",
    "BucketPath",
    "CompactReport",
    "Digest",
    "Failure",
    "Finding",
    "Georeference",
    "IndexInfo",
    "IngestOptions",
    "IngestReport",
    "LedgerRow",
    "Legend",
    "Original",
    "Picture",
    "Place",
    "Progress",
    "Pyramid",
    "Reach",
    "Removed",
    "RenderingError",
    "RestoreReport",
    "SceneRows",
    "Scenes",
    "Snapshot",
    "Store",
    "TableCheck",
    "TilingOptions",
    "VectorType",
    "back_up",
    "check_host",
    "check_rendering",
    "check_scene_file",
    "color_stops",
    "digest_of",
    "download_file",
    "draw",
    "enclosing_bbox",
    "file_stamp",
    "guarded_session",
    "home_of",
    "index_pyramid",
    "ingest",
    "is_level",
    "is_url",
    "legend_in_words",
    "legend_of",
    "legends_of",
    "local_place",
    "marks_from_bytes",
    "marks_to_bytes",
    "next_row_id",
    "objects_in",
    "open_raster",
    "place_of",
    "read_calibration",
    "read_document",
    "read_file",
    "read_original",
    "record_from_row",
    "records_to_batch",
    "remove_calibration",
    "remove_file",
    "renderings_of",
    "replace_document",
    "replace_file",
    "reread",
    "restore",
    "rows_of",
    "scene_errors",
    "scene_key",
    "scene_size",
    "sensor_of",
    "stored_picture",
    "sync_folder",
    "take_rows",
    "tile_schema",
    "tiles_stamp",
    "upload_file",
    "vector_matrix",
    "verify_files",
    "verify_tables",
    "window_file",
    "write_calibration",
]
