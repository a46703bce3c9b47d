"""`swath index --ray`: from sources to an index over a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path

from core import EncodesTiles, TileSource, span
from embeddings import GPU_BATCH
from indexer._listing import Listing
from indexer._meter import Meter
from indexer._pipeline import tidy
from indexer._place import BucketPath, place_of
from indexer._report import IngestOptions, IngestReport, Progress
from indexer._staging import Staging
from indexer._tiling import TilingOptions
from indexer.distributed._cluster import cluster, import_ray
from indexer.distributed._commit import Committer, clean_orphans, recover
from indexer.distributed._crew import RayCrew
from indexer.distributed._driver import Driver
from indexer.distributed._messages import Plan
from indexer.distributed._options import RayOptions
from indexer.store import Store

_SENT = ("SWATH_", "AWS_", "GOOGLE_", "AZURE_")
"""Beginnings of the variables that workers get from here: settings, and how buckets are reached."""


def ingest_on_ray(
    sources: Iterable[TileSource],
    *,
    into: str | PathLike[str] | BucketPath,
    open_encoder: Callable[[], EncodesTiles],
    ray: RayOptions,
    tiling: TilingOptions | None = None,
    options: IngestOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Index the scenes of some sources in the workers of a Ray cluster, as `ingest` does in one process.

    The same scenes are skipped, replaced and reported, and the same rows come out. Workers write their tiles next to
    those of the index; this process, which needs to be on a machine of the cluster, commits them.

    Args:
        sources: Where scenes come from; listed here, read in the workers.
        into: Index directory, which every machine of the cluster sees under the same path, or a place in a bucket.
        open_encoder: Opens the encoder, here and in each worker; can be pickled.
        ray: Which cluster, how many workers, and what each may use.
        tiling: How scenes are cut; default 224 px without overlap.
        options: Threads, batches and commits of each worker; default: a reader for each of its cores.
        progress: Called in this thread with the sum over all workers.

    Raises:
        MissingExtraError: Ray or pylance is not installed.
        InputError: As `ingest`, or no cluster answers, or a worker does not see ``into``.
        SpaceMismatchError: The index was filled by another encoder.
        StoreError: The index cannot be written, or another process is writing to it.
        SwathError: Workers give up or are lost all the time.
    """
    import_ray()
    options, tiling = _fitted(options, ray), tiling or TilingOptions()
    space = open_encoder().space
    with cluster(ray) as workers:
        place = place_of(into)
        seen = place.absolute() if isinstance(place, Path) else place
        store = Store.create_or_open(seen, space=space, dtype=options.dtype)
        meter, staging = Meter(progress, encoders=workers), Staging(store.staging, store.schema)
        with span("ingest", {"swath.workers": workers}), store.writing():
            recover(store)
            clean_orphans(store)
            plan = Plan(
                index=store.path, space=space, open_encoder=open_encoder, tiling=tiling, options=options,
                environment={name: value for name, value in os.environ.items() if name.startswith(_SENT)},
            )  # fmt: skip
            driver = Driver(
                RayCrew(plan, ray),
                Listing(sources, ledger=store.ledger(), tiling=tiling, space=space),
                committer=Committer(store),
                staging=staging,
                meter=meter,
                workers=workers,
                batch_size=options.batch_size,
            )
            driver.run()
            if driver.lost:
                clean_orphans(store)
            tidy(store, staging)
        return meter.report()


def _fitted(options: IngestOptions | None, ray: RayOptions) -> IngestOptions:
    """What a worker runs with: its own cores and its own device."""
    options = options or IngestOptions(workers=ray.cpus)
    return replace(options, batch_size=GPU_BATCH) if ray.gpus else options
