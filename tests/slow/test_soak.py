"""Five minutes of the soak that runs for an hour by hand: everything it holds the server to, held here as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak import Plan, soak
from benchmarks.soak_archive import build_index
from benchmarks.soak_report import report, verdicts


@pytest.mark.slow
def test_five_minutes_of_mixed_load_leave_memory_descriptors_latency_and_answers_as_they_were(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    found = soak(build_index(tmp_path), scenes, Plan(seconds=300.0, rate=6.0, gap=5.0))
    assert all(each.holds for each in verdicts(found)), report(found)
    # It was a soak: every kind of request was asked, and the index was changed in every way.
    assert len({answer.kind for answer in found.answers}) >= 18
    assert {"add", "replace", "remove", "compact", "optimize"} <= set(found.writes)
