"""What this server is, and how much memory it may take; how much it takes, its files and its time come with them."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.process_collector import ProcessCollector

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of a container, version 2 and version 1: https://docs.kernel.org/admin-guide/cgroup-v2.html."""


def add_process_metrics(registry: CollectorRegistry) -> None:
    """Register what Prometheus knows of every process (``process_*``), the build, and the limit of memory."""
    ProcessCollector(registry=registry)
    build = Gauge("swath_build_info", "Always 1; its labels say what runs.", ("version", "python"), registry=registry)
    build.labels(version("swath"), platform.python_version()).set(1)
    limit = Gauge(
        "swath_memory_limit_bytes", "Memory that this process may take: of its container, or of the machine.",
        registry=registry,
    )  # fmt: skip
    limit.set(memory_limit())


def memory_limit(files: tuple[Path, ...] = _LIMITS) -> int:
    """Return the bytes that this process may take.

    Args:
        files: Where a container's limit may stand; ``max``, or one beyond the machine's memory, is none.
    """
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in files:
        try:
            limit = min(limit, int(file.read_text()))
        except (OSError, ValueError):  # another version of cgroups, or no limit
            continue
    return limit
