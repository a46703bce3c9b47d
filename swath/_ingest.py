"""From source texts to an index: what ``swath index`` and ``swath.index`` run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Literal

from core import BBox, InputError, Settings, parse_bbox
from embeddings import DEFAULT_ENCODER, open_encoder
from indexer import BucketPath, IngestOptions, IngestReport, Place, Progress, TilingOptions, ingest, place_of
from indexer.distributed import RayOptions, ingest_on_ray
from indexer.sources import SourceOptions, joined_datasets, open_source
from indexer.store import Store
from swath._watching import Watching

if TYPE_CHECKING:
    from retriever.watches import WatchRun


def index_archive(
    *sources: str,
    into: str | PathLike[str] | BucketPath,
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
    ray: str | None = None,
    ray_workers: int | None = None,
    ray_cpus: int = 1,
    ray_gpus: float = 0.0,
    progress: Callable[[Progress], None] | None = None,
    watched: Callable[[WatchRun], None] | None = None,
) -> IngestReport:
    """Index scenes. Running it again skips what is done, resumes what was cut off, re-embeds what changed.

    Args:
        sources: Files, folders, globs, ``s3://`` or allow-listed ``https://`` addresses, STAC documents or APIs;
            ``dataset:NAME`` and the folder after it is a published dataset.
        into: Index directory, or ``s3://``, ``gs://`` or ``az://`` with a bucket and a prefix; made if missing.
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
        workers: Reader threads; default: as many as cores. With ``ray``, of each Ray worker.
        vectors: How a new index stores vectors; half the space, or the encoder's own precision.
        ray: Spread the work over a Ray cluster: ``"local"`` for one of this machine alone, ``"auto"`` or
            ``"HOST:PORT"`` for one that this machine belongs to; None works in this process.
        ray_workers: Ray workers; default: as many as fit.
        ray_cpus: Cores of each.
        ray_gpus: GPUs of each; a fraction shares one.
        progress: Called after every batch.
        watched: Called with what came of the index's watches, from another thread while the ingest goes on; default:
            problems are logged. A watch that cannot be run, or a webhook that does not answer, fails no ingest.

    Raises:
        InputError: A source or an option cannot be used at all.
        MissingExtraError: ``ray`` needs a package that is not installed.
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
    if ray is None and (ray_workers, ray_cpus, ray_gpus) != (None, 1, 0.0):
        raise InputError(
            "Ray workers, CPUs and GPUs have a meaning only with --ray local, --ray auto or --ray HOST:PORT"
        )
    cluster = None if ray is None else RayOptions(address=ray, workers=ray_workers, cpus=ray_cpus, gpus=ray_gpus)
    if workers is None and cluster is not None:
        workers = cluster.cpus
    running = IngestOptions(dtype=vectors) if workers is None else IngestOptions(workers=workers, dtype=vectors)
    place = place_of(into)
    opened = [open_source(source, options) for source in joined_datasets(sources)]
    opener = partial(open_encoder, _encoder_name(place, encoder))
    with Watching(place, watched) as watching:
        if cluster is not None:
            return ingest_on_ray(
                opened, into=place, open_encoder=opener, ray=cluster, tiling=tiling, options=running,
                progress=progress,
            )  # fmt: skip
        return ingest(
            opened, into=place, encoder=opener(), tiling=tiling, options=running, progress=progress,
            committed=watching.committed,
        )  # fmt: skip


def _box(value: str | Sequence[float] | None) -> BBox | None:
    return None if value is None else parse_bbox(value)


def _encoder_name(path: Place, name: str | None) -> str:
    """The encoder asked for, or the one the index already has; the store refuses it if it does not fit."""
    if name is not None:
        return name
    return Store.open(path).space.encoder if Store.exists(path) else DEFAULT_ENCODER
