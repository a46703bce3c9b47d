"""What a benchmark ran on and with."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.engine._bandwidth import bandwidth

LIBRARIES = ("numpy", "numba", "faiss-cpu", "usearch", "lancedb", "qdrant-edge-py")


def machine() -> dict[str, Any]:
    """Return processor, cores, memory in bytes and its bandwidth, versions and the day."""
    lines = [line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line]
    names = [value.strip() for name, value in lines if name.strip() == "model name"]
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
        "day": datetime.now(UTC).date().isoformat(),
        "bandwidth": bandwidth(),
    }
