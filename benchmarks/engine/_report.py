"""The report: what was measured, in tables and pictures, and what the engine was to reach."""

from __future__ import annotations

from pathlib import Path

from benchmarks.engine._archive import QUERIES, SENSORS
from benchmarks.engine._figures import Figures
from benchmarks.engine._peer import ENTRIES, SWATH
from benchmarks.engine._plots import draw
from benchmarks.engine._questions import FAMILIES
from benchmarks.engine._running import DEPTHS, SETTLING, TURN
from benchmarks.engine._tables import (
    bandwidth_table,
    costs_table,
    ours_table,
    peers_tables,
    settings_table,
    throughput_table,
    verdict_table,
)
from benchmarks.engine._verdict import RIGHT, verdict
from benchmarks.engine._work import Work

GB = 1e9


def write_report(work: Work, out: Path) -> None:
    """Write the report and, beside it, its pictures."""
    figures = Figures(work)
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures = draw(figures, out.with_suffix(""))
    parts = [_head(figures), _how(), _results(figures, pictures), _rest(figures)]
    parts += ["## What was wanted\n", verdict_table(verdict(figures))]
    out.write_text("\n".join(parts) + "\n", encoding="utf-8")


MEASURED = ("turns", "cold", "throughput", "append")
"""Stages that measure engines."""


def _head(figures: Figures) -> str:
    rows, dim = figures.size
    took = figures.work.read_if_there("stages")
    minutes = ", ".join(f"{stage} {took[stage] / 60:.1f}" for stage in MEASURED if stage in took)
    machine = figures.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    speed = machine["bandwidth"]
    return f"""# The search engine beside its peers, {rows:,} x {dim}

Made by `python -m benchmarks.engine --rows {rows} --dim {dim}` on {machine["day"]}: {machine["processor"]},
{machine["cores"]} cores, {machine["memory"] / GB:.0f} GB of memory read at {speed["one"] / GB:.1f} GB/s by one thread
and {speed["two"] / GB:.1f} GB/s by two; Python {machine["python"]}, {versions}.
Minutes of each measurement: {minutes}.
"""


def _how() -> str:
    return f"""## How it was measured

The archive is made up (`benchmarks/engine/_world.py`): a mixture of 2,000 anisotropic Gaussians, a few of them common
and most rare, in 600 areas of interest of which a few hold most tiles; neighbours look alike; up to 12 dates a place,
over eight years; sensors {", ".join(SENSORS)}. Tiles are points, so that every engine means the same by a bounding box.
{QUERIES} queries are tiles that were left out (image-like), {QUERIES} lie beside all tiles as the texts of a joint
encoder do (text-like). Each is asked without a filter and under a filter of its own at every selectivity of three
families: a bounding box (geo), a span of time (time), and both with a sensor (mixed). Recall is the share of the exact
best rows, from a float32 product with every row, that was found; where fewer rows pass than are asked for, of those.

All engines run in the same minutes, each in a process of its own and on one thread, with the files of its index in the
page cache and after {2 * SETTLING} answers that are not timed. They take turns: for each turn of {TURN} questions their
order is drawn anew, and each is first asked one question that is not timed, because the others have emptied the caches.
This machine takes back pages of files that were not touched for seconds, though most of its memory is free; so before
its turn each engine's mapped files are brought back (`MADV_POPULATE_READ`), or read where it does not map them. What an
engine needs with nothing in memory stands below, under opening. Time is taken inside the process round one call, from
the query and the filter's numbers to the rows' numbers; each engine's own form of the filter (an expression parsed from
the request, a bitmap, SQL text, conditions) is made inside it. Slow engines take part in every n-th turn only, and in
all depths ({" and ".join(map(str, DEPTHS))} rows).
"""


def _results(figures: Figures, pictures: list[Path]) -> str:
    shown = "\n\n".join(
        f"![Recall and latency, {family}]({path.name})" for family, path in zip(FAMILIES, pictures, strict=True)
    )
    return f"""## Recall@10 and median milliseconds

In italics: recall under {RIGHT}.

{peers_tables(figures, 10)}

{shown}

## Recall@100 and median milliseconds

{peers_tables(figures, 100)}

## {ENTRIES[SWATH].title} in full

{ours_table(figures) if SWATH in figures.peers else "Not measured."}
"""


def _rest(figures: Figures) -> str:
    return f"""## Queries a second

Threads of one process that each take the next query, k 10; mixed filters of 10, 1 and 0.1 %.

{throughput_table(figures)}

## Building, disk, memory, opening

Times of building are wall clock and CPU seconds; an engine that shares its index shares them. Disk is the index alone:
Swath's snapshot holds everything a search reads (1-bit codes twice, float16 vectors, columns), beside the tile
table; LanceDB's and Qdrant's hold the float32 vectors and filter columns; FAISS and USearch keep no filter columns.
Memory is what the process has beyond the same process before it opened the index (libraries imported), from
`smaps_rollup`, after {2 * SETTLING} answers: its own, and pages of mapped files, which the kernel can take back; then
the sum of both after the whole run. Cold: a new process, its files dropped from the page cache (`posix_fadvise`, after
`fsync`), so that they are read from disk again.

{costs_table(figures)}

## Beside reading memory

An unfiltered search beside reading all 1-bit codes, or all float32 vectors, once in order with one thread.

{bandwidth_table(figures)}

## How each was built and asked

{settings_table(figures)}
"""
