"""From source texts to an index: what ``swath index`` and ``swath.index`` run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core import BBox, EncodesTiles, Settings, parse_bbox
from embeddings import DEFAULT_ENCODER, open_encoder
from indexer import IngestOptions, IngestReport, Progress, TilingOptions, ingest
from indexer.sources import SourceOptions, joined_datasets, open_source
from indexer.store import Store
from swath._watching import Watching

if TYPE_CHECKING:
    from retriever.watches import WatchRun


def index_archive(
    *sources: str,
    into: str | PathLike[str],
    collection: str | None = None,
    sensor: str | None = None,
    encoder: str | None = None,
    tile_size: int = 224,
    overlap: float = 0.0,
    gsd: float | None = None,
    min_valid: float = 0.1,
    datetime_pattern: str | None = None,
    bbox: str | Sequence[float] | None = None,
    datetime: str | None = None,
    pictures: bool = False,
    split: str | None = None,
    workers: int | None = None,
    vectors: Literal["float16", "float32"] = "float16",
    progress: Callable[[Progress], None] | None = None,
    watched: Callable[[WatchRun], None] | None = None,
) -> IngestReport:
    """Index scenes. Running it again skips what is done, resumes what was cut off, re-embeds what changed.

    Args:
        sources: Files, folders, globs, ``s3://`` or allow-listed ``https://`` addresses, STAC documents or APIs;
            ``dataset:NAME`` and the folder after it is a published dataset.
        into: Index directory; made if missing.
        collection: Name for the scenes; default: the STAC collection, else the folder's name.
        sensor: ``NAME``, ``NAME/ENCODING`` or a TOML file; default: what metadata proves.
        encoder: Registry name; default: the index's own, else swath-mini.
        tile_size: Pixels a side.
        overlap: Fraction of a tile shared with its neighbour, 0 <= overlap < 1.
        gsd: Metres per pixel to read at; default: the scene's own.
        min_valid: Tiles with a smaller fraction of valid pixels are dropped and counted.
        datetime_pattern: strptime pattern searched in file names.
        bbox: Scenes to take from a STAC source.
        datetime: Interval of the scenes to take from a STAC source.
        pictures: Take rasters without a CRS as plain pictures.
        split: Only this split of a picture folder's captions.jsonl, or of a dataset.
        workers: Reader threads; default: as many as cores.
        vectors: How a new index stores vectors; half the space, or the encoder's own precision.
        progress: Called after every batch.
        watched: Called with what came of the index's watches, from another thread while the ingest goes on; default:
            problems are logged. A watch that cannot be run, or a webhook that does not answer, fails no ingest.

    Raises:
        InputError: A source or an option cannot be used at all.
        StoreError: The index cannot be written.
    """
    tiling = TilingOptions(tile_size=tile_size, overlap=overlap, gsd=gsd, min_valid=min_valid)
    options = SourceOptions(
        collection=collection,
        sensor=sensor,
        datetime_pattern=datetime_pattern,
        bbox=_box(bbox),
        datetime=datetime,
        pictures=pictures,
        split=split,
        settings=Settings(),
    )
    opened = [open_source(source, options) for source in joined_datasets(sources)]
    with Watching(Path(into), watched) as watching:
        return ingest(
            opened,
            into=Path(into),
            encoder=_encoder_for(Path(into), encoder),
            tiling=tiling,
            options=IngestOptions(dtype=vectors) if workers is None else IngestOptions(workers=workers, dtype=vectors),
            progress=progress,
            committed=watching.committed,
        )


def _box(value: str | Sequence[float] | None) -> BBox | None:
    return None if value is None else parse_bbox(value)


def _encoder_for(path: Path, name: str | None) -> EncodesTiles:
    """Open the encoder asked for, or the one the index already has; the store refuses it if it does not fit."""
    if name is None:
        name = Store.open(path).space.encoder if Store.exists(path) else DEFAULT_ENCODER
    return open_encoder(name)
