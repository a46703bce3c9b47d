"""A request in, hits out: filters, exact search, and hits in the formats other programs read."""

from retriever._evaluate import evaluate
from retriever._expression import Expression
from retriever._hits import Format, Hits
from retriever._memory import MemoryIndex, MemoryRows
from retriever._query_image import query_tile
from retriever._request import MAX_K, SearchRequest
from retriever._search import Searcher, find_tile
from retriever._translate import parse_filter
from retriever._vector_index import FlatIndex, Matches, SearchesVectors, VectorIndex

__all__ = [
    "MAX_K",
    "Expression",
    "FlatIndex",
    "Format",
    "Hits",
    "Matches",
    "MemoryIndex",
    "MemoryRows",
    "SearchRequest",
    "Searcher",
    "SearchesVectors",
    "VectorIndex",
    "evaluate",
    "find_tile",
    "parse_filter",
    "query_tile",
]
