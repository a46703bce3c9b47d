"""Knowledge beside imagery: Markdown, text, CSV and GeoJSON in, passages with vectors and places out."""

from indexer.knowledge._add import add_knowledge, clear_knowledge, list_knowledge, remove_knowledge
from indexer.knowledge._embedding import Embedding, embedding_of
from indexer.knowledge._geometry import DEFAULT_RADIUS_KM, circle, extent
from indexer.knowledge._types import BadEntry, FileReport, KnowledgeFile, KnowledgeReport
from indexer.knowledge._verify import verify_knowledge
from indexer.knowledge.table import KnowledgeTable, version_stamp

__all__ = [
    "DEFAULT_RADIUS_KM",
    "BadEntry",
    "Embedding",
    "FileReport",
    "KnowledgeFile",
    "KnowledgeReport",
    "KnowledgeTable",
    "add_knowledge",
    "circle",
    "clear_knowledge",
    "embedding_of",
    "extent",
    "list_knowledge",
    "remove_knowledge",
    "verify_knowledge",
    "version_stamp",
]
