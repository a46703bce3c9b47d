"""The page that ``benchmarks.scale`` writes: what was measured at each size, and what that would be at larger ones."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.pages import machine, table

BEYOND = (100_000_000, 1_000_000_000)
"""Rows that are extrapolated to."""

GROUPS: dict[str, tuple[str, ...]] = {
    "vectors, float16": ("vectors",),
    "1-bit codes with corrections, geographic order": ("codes", "factors", "offsets", "ones", "list_of"),
    "1-bit codes with corrections and filters, list order": (
        "list_codes", "list_factors", "list_offsets", "list_ones", "list_seconds", "list_sensor", "list_rows",
    ),
    "filter columns, order of time, ids": (
        "bounds", "seconds", "sensor", "collection", "cloud", "flags", "by_time", "row_ids", "cells",
    ),
    "all other columns of the table but the preview": ("scalars",),
}  # fmt: skip
"""What lies in a snapshot, by name of file."""

Figures = Mapping[str, Any]
"""What ``benchmarks.scale`` keeps of one index."""


def report(sizes: Sequence[Figures]) -> str:
    """Return the page for the figures of one or more sizes."""
    sizes = sorted(sizes, key=_rows)
    lines = [
        "# How the search engine grows",
        "",
        "Written by `python -m benchmarks.scale`, which says how it measures. The archive is synthetic: vectors from"
        " 2,000 anisotropic Gaussians, places in long-tailed regions, three sensors, eight years; previews are about"
        " 110 bytes where ingest makes 4 kB.",
        "",
        f"Machine: {machine()}; Python {platform.python_version()}."
        f" Measured {', '.join(sorted({str(size['ask']['when']) for size in sizes}))}.",
        "",
        *_costs(sizes),
        "",
        *_bytes(sizes[-1]),
        "",
        *_answers(sizes),
        "",
        *_beyond(sizes),
        "",
    ]
    return "\n".join(lines)


def _costs(sizes: Sequence[Figures]) -> list[str]:
    head = ("", *(f"{_rows(size):,} x {size['build']['dim']}" for size in sizes))
    cells = (
        ("Writing the table, processor seconds a million rows", lambda size: _per_million(size, "fill")),
        ("Building the snapshot, seconds", lambda size: f"{size['build']['seconds']:,.0f}"),
        ("Building, processor seconds a million rows", lambda size: _per_million(size, "build")),
        ("Building, most memory", lambda size: _bytes_text(size["build"]["peak_memory"])),
        ("Inverted lists; shards", lambda size: f"{size['build']['lists']:,}; {size['build']['shards']}"),
        ("Table on disk, bytes a row", lambda size: _per_row(size, size["fill"]["disk"])),
        ("Snapshot on disk, bytes a row", lambda size: _per_row(size, size["build"]["disk"])),
        ("From opening to the first answer, nothing in memory", lambda size: f"{size['ask']['cold_open']:.2f} s"),
        ("The same, pages in memory", lambda size: f"{size['ask']['warm_open']:.2f} s"),
        ("10,000 rows committed to it", lambda size: f"{size['ask']['append']['commit']:.2f} s"),
        ("... and found, from the commit on", lambda size: f"{size['ask']['append']['first_search']:.2f} s"),
        (
            "Memory added by all of it, bytes a row",
            lambda size: _per_row(size, _memory(size)["resident"]),
        ),
        ("... without pages of files, which the system can drop", lambda size: _bytes_text(_memory(size)["anonymous"])),
    )
    return ["## Cost", "", *table(head, [(name, *map(cell, sizes)) for name, cell in cells])]


def _bytes(size: Figures) -> list[str]:
    files = dict(size["build"]["files"])
    rows = [(name, _sum_of(files, members)) for name, members in GROUPS.items()]
    rest = sum(files.values()) - sum(count for _, count in rows)
    cells = [(name, f"{count / _rows(size):,.1f}") for name, count in [*rows, ("zone maps, centroids, the rest", rest)]]
    return [
        f"## Bytes a row in the snapshot, {_rows(size):,} rows", "",
        *table(("", "bytes a row"), cells), "",
        "All of it is mapped, none is read when the snapshot is opened; what a query does not touch stays on disk.",
    ]  # fmt: skip


def _answers(sizes: Sequence[Figures]) -> list[str]:
    lines = [
        "## Answers",
        "",
        "Recall against a scan of the whole table; k = 10 and 100, image-like / text-like queries. Milliseconds are"
        " medians (and 95th percentiles) of whole searches with k = 10, from request to records of the hits, and of"
        " ranking alone, the exact count of matches included.",
    ]
    for size in sizes:
        rows = [_answer(name, found) for name, found in size["ask"]["families"].items()]
        head = ("", "rows that pass", "recall@10", "recall@100", "ranking ms", "search ms")
        lines += ["", f"### {_rows(size):,} rows", "", *table(head, rows)]
        wrong = [name for name, found in size["ask"]["families"].items() if not found["matched_right"]]
        lines += ["", f"`matched` was wrong: {', '.join(wrong)}." if wrong else "`matched` was right every time."]
    return lines


def _answer(name: str, found: Figures) -> tuple[str, ...]:
    recall = found["recall"]
    pairs = [f"{recall[f'image@{k}']:.3f} / {recall[f'text@{k}']:.3f}" for k in (10, 100)]
    times = [f"{found[each]['median']:.2f} ({found[each]['p95']:.2f})" for each in ("find_ms", "search_ms")]
    return (name, f"{found['passed']:,.0f}", *pairs, *times)


def _beyond(sizes: Sequence[Figures]) -> list[str]:
    last, rows = sizes[-1], _rows(sizes[-1])
    per_row = {step: last[step]["disk"] / rows for step in ("fill", "build")}
    lines = [
        "## Beyond, extrapolated and not measured",
        "",
        f"From {rows:,} rows: disk grows with the rows; building takes at least as long a row, and at most the square"
        " root of the growth longer, as the number of lists does.",
        "",
        *table(
            ("", *(f"{count:,}" for count in BEYOND)),
            [
                ("Table on disk", *(_bytes_text(per_row["fill"] * count) for count in BEYOND)),
                ("Snapshot on disk", *(_bytes_text(per_row["build"] * count) for count in BEYOND)),
                ("Building the snapshot, hours", *(_hours(last, count) for count in BEYOND)),
            ],
        ),
    ]
    return lines + _slower(sizes) if len(sizes) > 1 else lines


def _slower(sizes: Sequence[Figures]) -> list[str]:
    """Rows of the table of times at larger sizes, by the power law through the two largest measured ones."""
    less, more = sizes[-2:]
    rows = []
    for name in more["ask"]["families"]:
        low, high = (each["ask"]["families"][name]["find_ms"]["median"] for each in (less, more))
        power = math.log(high / low) / math.log(_rows(more) / _rows(less))
        times = (f"{high * (count / _rows(more)) ** power:,.1f}" for count in BEYOND)
        rows.append((name, f"{low:.2f}", f"{high:.2f}", f"{power:.2f}", *times))
    head = ("", *(f"{_rows(size):,}" for size in (less, more)), "power", *(f"{count:,}" for count in BEYOND))
    return [
        "",
        "Milliseconds of ranking, the last two columns by the power law through the two measured ones. It holds while"
        " what a query touches is in memory; after that the disk decides.",
        "",
        *table(head, rows),
    ]


def _rows(size: Figures) -> int:
    return int(size["build"]["rows"])


def _memory(size: Figures) -> Mapping[str, int]:
    found: Mapping[str, int] = size["ask"]["memory"]
    return found


def _sum_of(files: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(files.get(name, 0) for name in names)


def _per_row(size: Figures, count: float) -> str:
    return f"{count / _rows(size):,.0f}"


def _per_million(size: Figures, step: str) -> str:
    return f"{size[step]['processor_seconds'] / _rows(size) * 1e6:,.0f}"


def _hours(size: Figures, count: int) -> str:
    growth = count / _rows(size)
    least = size["build"]["seconds"] * growth / 3600
    return f"{least:,.1f} to {least * math.sqrt(growth):,.0f}"


def _bytes_text(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count / 1e6:,.0f} MB"
