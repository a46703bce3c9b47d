"""Sources: from what a caller writes to the scenes it stands for. Only metadata is read."""

from indexer.sources._dataset import joined_datasets
from indexer.sources._example import example_tile
from indexer.sources._open import SOURCES, open_source, source_kind
from indexer.sources._options import SourceOptions

__all__ = ["SOURCES", "SourceOptions", "example_tile", "joined_datasets", "open_source", "source_kind"]
