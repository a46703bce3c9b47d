"""Fifty threads read while one writes, builds and compacts: no error, no torn answer, none older than a commit."""

from pathlib import Path

import pytest

from tests.integration.engine_crowd import READERS, Crowd


def check(crowd: Crowd, seconds: float) -> None:
    crowd.run(seconds)
    assert not crowd.faults, crowd.faults[:3]
    assert crowd.counts["watched"] >= READERS
    assert crowd.counts["looked"] >= READERS
    assert crowd.counts["extended"]


def test_fifty_readers_and_a_writer_for_three_seconds(tmp_path: Path) -> None:
    check(Crowd(tmp_path / "index"), 3)


@pytest.mark.slow
def test_fifty_readers_and_a_writer_for_five_minutes(tmp_path: Path) -> None:
    crowd = Crowd(tmp_path / "index", seed=1)
    check(crowd, 300)
    assert crowd.counts["compactions"]
