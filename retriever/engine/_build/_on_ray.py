"""Shards written by the tasks of a Ray cluster: the long half of a build, where an archive fills several shards."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core import StoreError
from indexer.distributed import RayOptions, cluster, import_ray
from retriever.engine._build._jobs import Report, RunJobs, ShardJob, write_shard
from retriever.engine._layout import ShardEntry
from retriever.engine._shard import Shared

TRIES = 3
"""Times that Ray begins a task again whose process was lost; it is Ray's own number for tasks."""


PART = ".part-"
"""Begins the names of folders of shards that are being written."""


@contextmanager
def shards_on_ray(options: RayOptions) -> Iterator[RunJobs]:
    """Join or start a cluster for as long as a snapshot is built; give what writes its shards there.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: No cluster answers, or it has no room for a single worker.
    """
    with cluster(options) as room:

        def run(jobs: Sequence[ShardJob], shared: Shared, report: Report) -> Iterator[ShardEntry]:
            return _run(jobs, shared, report, options=options, room=room)

        yield run


def _run(
    jobs: Sequence[ShardJob], shared: Shared, report: Report, *, options: RayOptions, room: int
) -> Iterator[ShardEntry]:
    """Give out as many shards at a time as there is room for."""
    ray = import_ray()
    task = ray.remote(num_cpus=options.cpus, num_gpus=options.gpus, max_retries=TRIES)(written)
    sent = ray.put(shared)  # to each machine once
    given = [task.remote(job, sent) for job in jobs[:room]]
    for number, job in enumerate(jobs):
        try:
            entry: ShardEntry = ray.get(given[number])
        except ray.exceptions.RayError as error:
            raise _lost(job, error) from None
        given += [task.remote(following, sent) for following in jobs[len(given) : len(given) + 1]]
        report(job.rows)
        yield entry
    for left in jobs[0].folder.glob(f"{PART}*"):  # of processes that were lost
        shutil.rmtree(left, ignore_errors=True)


def _lost(job: ShardJob, error: BaseException) -> StoreError:
    cause = error.__cause__ or error
    if isinstance(cause, StoreError):
        return cause
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    return StoreError(f"shard {job.name} was not written: {lines[-1]}")


def written(job: ShardJob, shared: Shared) -> ShardEntry:
    """Write a shard under a name of its own, then give it its name: a task that was begun twice harms nothing.

    Raises:
        StoreError: This machine does not see the snapshot's folder, or cannot write there.
    """
    if not job.spooled.folder.is_dir():
        raise StoreError(
            f"a Ray worker does not see {job.folder.parent}; every machine of the cluster needs it under the same path"
        )
    part = job.folder / f"{PART}{job.name}-{secrets.token_hex(4)}"
    try:
        entry = write_shard(job, shared, lambda rows: None, into=part, clear=False)
        _name(part, job.folder / job.name)
    except OSError as error:
        raise StoreError(f"cannot write {job.folder / job.name}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return entry


def _name(part: Path, named: Path) -> None:
    try:
        part.rename(named)
    except OSError:
        if not named.is_dir():  # else written by a task that was thought to be lost
            raise
