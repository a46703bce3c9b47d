"""What the real archive is made of, and how to read an index without Swath."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
DATA = Path(os.environ.get("SWATH_DATA", ROOT.parent / "shared" / "data")).resolve()

REAL_COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("landsat_naip/naip", ("--sensor", "naip", "--datetime-pattern", "%Y%m%d")),
    ("landsat_naip/landsat", ("--sensor", "docs/examples/landsat-uint8-composite.toml", "--datetime-pattern", "%Y")),
    ("terramind/S1RTC", ("--sensor", "sentinel-1-rtc/db", "--collection", "terramind-s1")),
    ("terramind/S2L2A", ("--sensor", "sentinel-2-l2a/dn", "--collection", "terramind-s2")),
    ("sen1floods11/S1", ("--sensor", "sentinel-1-grd/db", "--collection", "floods-s1")),
    ("sen1floods11/S2", ("--collection", "floods-s2")),
    ("aid_rsicd", ("--split", "val", "--collection", "aid")),
)
"""Folder under the real data, and the options of `swath index` that it needs."""


def rows_of(index: Path) -> list[dict[str, Any]]:
    """Every tile of an index, read with lancedb alone."""
    import lancedb

    rows: list[dict[str, Any]] = lancedb.connect(index).open_table("tiles").to_arrow().to_pylist()
    return rows
