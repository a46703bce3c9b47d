"""What the pages of the benchmarks share: tables in Markdown, and the machine they were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import psutil


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the first column is words, the others are numbers."""
    marks = ("---", *("--:" for _ in head[1:]))
    return [f"| {' | '.join(row)} |" for row in (head, marks, *rows)]


def machine() -> str:
    """Return processor, cores and memory in a few words."""
    cores = f"{len(psutil.Process().cpu_affinity() or ())} of {os.cpu_count()} cores used"
    return f"{_processor()}, {cores}, {psutil.virtual_memory().total / 2**30:.0f} GB of memory"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
