"""What the tests that cut a re-embedding off have in common."""

from pathlib import Path

from core import EncodesTiles, Settings
from indexer import IngestOptions, TilingOptions, ingest
from indexer.knowledge import KnowledgeTable
from indexer.sources import SourceOptions, open_source
from indexer.store import Store
from tests.two_encoders import Scatter

A, B = Scatter("scatter-a"), Scatter("scatter-b")


def index_scenes(folder: Path, into: Path, encoder: EncodesTiles = A) -> None:
    """Index a folder at 16 px a tile: 272 px are four pieces, which wait in the staging folder."""
    source = open_source(str(folder), SourceOptions(collection="c", sensor="rgb", settings=Settings()))
    ingest([source], into=into, encoder=encoder, tiling=TilingOptions(tile_size=16), options=IngestOptions(workers=1))


def vectors(store: Store) -> dict[str, list[float]]:
    """Every tile's vector."""
    found: dict[str, list[float]] = {}
    for batch in store.snapshot().scan(["tile_id", "vector"]):
        found |= dict(zip(batch["tile_id"].to_pylist(), batch["vector"].to_pylist(), strict=True))
    return found


def passages(index: Path) -> list[tuple[str, list[float]]]:
    """Every passage's text and vector."""
    table = KnowledgeTable.open(Store.open(index).path)
    rows = [row for batch in table.snapshot().scan(["text", "vector"]) for row in batch.to_pylist()]
    return sorted((row["text"], row["vector"]) for row in rows)
