"""The benchmark of scale runs from an empty folder to its page, and finds what it asks for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = 30_000


@pytest.mark.slow
def test_a_small_run_finds_nearly_all_and_counts_rightly(tmp_path: Path) -> None:
    index, page = tmp_path / "index", tmp_path / "scale.md"
    own = [sys.executable, "-m", "benchmarks.scale"]
    subprocess.run([*own, "run", str(index), "--rows", str(ROWS), "--dim", "64"], check=True)
    subprocess.run([*own, "report", str(index), "--out", str(page)], check=True)
    measured = json.loads((tmp_path / "index.scale.json").read_text())
    assert measured["build"]["rows"] == ROWS
    for family, found in measured["ask"]["families"].items():
        assert found["matched_right"], family
        assert min(found["recall"].values()) >= 0.98, family
    assert "extrapolated and not measured" in page.read_text()
