"""The shards of a snapshot as jobs that know nothing of each other: written one by one here, or side by side elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retriever.engine._build._codes import Coder
from retriever.engine._build._shard import ShardWriter
from retriever.engine._build._spool import Spooled
from retriever.engine._layout import Layout, ShardEntry
from retriever.engine._shard import Shared


@dataclass(frozen=True, kw_only=True, eq=False)
class ShardJob:
    """One shard to write. May be sent to another process that sees the snapshot's folder."""

    folder: Path
    """Of the snapshot."""
    name: str
    """Of the shard, and of its folder in there."""
    spooled: Spooled
    """The rows of all shards."""
    first: int
    """Place of its first row in the order."""
    stop: int
    """Place after its last row."""
    layout: Layout
    """Of the snapshot; its shards are not looked at."""

    @property
    def rows(self) -> int:
        """Number of its rows."""
        return self.stop - self.first


Report = Callable[[int], None]
"""Called with the number of rows just written."""

RunJobs = Callable[[Sequence[ShardJob], Shared, Report], Iterable[ShardEntry]]
"""Writes shards, reporting rows as they are written; gives what the planner sees of each, in order."""


def write_shard(job: ShardJob, shared: Shared, report: Report, *, into: Path, clear: bool) -> ShardEntry:
    """Write a shard.

    Args:
        job: Which.
        shared: What all shards of the snapshot share.
        report: Called with the rows of each piece.
        into: Its folder, made here.
        clear: Remove what was read of the spool, so that the disk holds the vectors twice at most.
    """
    writer = ShardWriter(into, job.layout, Coder(shared))
    for piece in job.spooled.between(job.first, job.stop, clear=clear):
        writer.add(piece)
        report(len(piece))
    return replace(writer.finish(), folder=job.name)


def one_by_one(jobs: Sequence[ShardJob], shared: Shared, report: Report) -> Iterator[ShardEntry]:
    """Write shards in this process."""
    for job in jobs:
        yield write_shard(job, shared, report, into=job.folder / job.name, clear=True)


def with_shards(
    folder: Path,
    spooled: Spooled,
    layout: Layout,
    shared: Shared,
    *,
    shard_rows: int,
    report: Report,
    run: RunJobs = one_by_one,
    prefix: str = "",
) -> Layout:
    """Write the rows of a spool as shards and remove it; return the layout with these shards alone.

    Args:
        folder: Of the snapshot.
        spooled: The rows.
        layout: Of the snapshot.
        shared: Likewise.
        shard_rows: Most rows of a shard.
        report: Called with the number of rows of each piece.
        run: Writes them.
        prefix: Of the shards' names.
    """
    jobs = [
        ShardJob(
            folder=folder, name=f"{prefix}{number:03d}", spooled=spooled, first=first,
            stop=min(first + shard_rows, spooled.total), layout=layout,
        )
        for number, first in enumerate(range(0, spooled.total, shard_rows))
    ]  # fmt: skip
    layout = replace(layout, shards=tuple(run(jobs, shared, report)))
    spooled.remove()
    return layout
