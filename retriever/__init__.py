"""A request in, hits out: words, filters, exact search, calibration, and hits in the formats other programs read."""

from retriever._calibrate import CalibrationPlan, calibrate_index, write_fit_report
from retriever._calibration import Calibration, SensorLine
from retriever._calibration_fit import FitReport, LabelledTiles, background_calibration, fit_calibration
from retriever._calibration_io import keep_calibration, load_calibration
from retriever._columns import COLUMNS as FILTER_COLUMNS
from retriever._cql2 import cql2_json
from retriever._evaluate import evaluate
from retriever._every import Every
from retriever._every_files import EveryFormat, every_format
from retriever._expansion import Expansion, LandClass, expand, land_classes
from retriever._export import csv_chunks, feature, geojson_geometry, preview_uri
from retriever._expression import Expression
from retriever._facet_search import facets, filters_given, filters_only
from retriever._facets import FacetRequest, Facets
from retriever._found import Found
from retriever._geoparquet import geoparquet_chunks
from retriever._hits import Format, Hits
from retriever._listing import NEWEST_FIRST, Order, list_tiles, take_tiles
from retriever._lookup import find_tile
from retriever._memory import MemoryIndex, MemoryRows
from retriever._metrics import RANKED
from retriever._places import Placed, tiles_near, tiles_over
from retriever._query_image import query_tile
from retriever._reliability import Reliability, reliability, reliability_picture
from retriever._request import MAX_K, SearchRequest
from retriever._search import Searcher
from retriever._shadow import ShadowReport, shadow
from retriever._text_query import TextQuery, text_query
from retriever._translate import parse_filter
from retriever._vector_index import FlatIndex, Matches, SearchesVectors, VectorIndex
from retriever._version import Version

__all__ = [
    "FILTER_COLUMNS",
    "MAX_K",
    "NEWEST_FIRST",
    "RANKED",
    "Calibration",
    "CalibrationPlan",
    "Every",
    "EveryFormat",
    "Expansion",
    "Expression",
    "FacetRequest",
    "Facets",
    "FitReport",
    "FlatIndex",
    "Format",
    "Found",
    "Hits",
    "LabelledTiles",
    "LandClass",
    "Matches",
    "MemoryIndex",
    "MemoryRows",
    "Order",
    "Placed",
    "Reliability",
    "SearchRequest",
    "Searcher",
    "SearchesVectors",
    "SensorLine",
    "ShadowReport",
    "TextQuery",
    "VectorIndex",
    "Version",
    "background_calibration",
    "calibrate_index",
    "cql2_json",
    "csv_chunks",
    "evaluate",
    "every_format",
    "expand",
    "facets",
    "feature",
    "filters_given",
    "filters_only",
    "find_tile",
    "fit_calibration",
    "geojson_geometry",
    "geoparquet_chunks",
    "keep_calibration",
    "land_classes",
    "list_tiles",
    "load_calibration",
    "parse_filter",
    "preview_uri",
    "query_tile",
    "reliability",
    "reliability_picture",
    "shadow",
    "take_tiles",
    "text_query",
    "tiles_near",
    "tiles_over",
    "write_fit_report",
]
