"""What a run found, as a Markdown table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmarks.fuzz._run import Read

_HEAD = (
    "| target | inputs | accepted | refused | faults | slowest ms | peak MB | refused by |",
    "|---|---:|---:|---:|---:|---:|---:|---|",
)


def table(found: Mapping[str, Sequence[Read]], *, head: bool = True, total: bool = False) -> str:
    """Return a row for each target: processor time of the slowest input, and the growth of memory of the largest."""
    rows = [_row(name, reads) for name, reads in found.items()]
    whole = [_row("all", [read for reads in found.values() for read in reads], classes=False)] if total else []
    return "\n".join([*(_HEAD if head else ()), *rows, *whole])


def _row(name: str, reads: Sequence[Read], *, classes: bool = True) -> str:
    kinds = Counter(read.kind for read in reads)
    slowest = max((read.processor_ms for read in reads), default=0)
    largest = max((read.megabytes for read in reads), default=0)
    refused = Counter(read.name for read in reads if read.kind == "refused").most_common(4)
    by = ", ".join(f"{kind} {count:,}" for kind, count in refused) if classes else ""
    counts = " | ".join(f"{kinds[kind]:,}" for kind in ("accepted", "refused", "fault"))
    return f"| {name} | {len(reads):,} | {counts} | {slowest:,.0f} | {largest:,.0f} | {by} |"
