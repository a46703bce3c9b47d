"""The page on costs says what its model makes of the measured figures, and the model is checked at two sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scaling import FIGURES, archives, checks, report
from benchmarks.scaling_ingest import STAGES, Clock
from benchmarks.scaling_model import Growth, Ingest, Model

PAGE = Path(__file__).parents[3] / "docs" / "scaling.md"


def _figures() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FIGURES.read_text(encoding="utf-8"))
    return found


def test_the_page_is_what_the_model_makes_of_the_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == report(_figures()), "run: python -m benchmarks.scaling --out docs/scaling.md"


def test_the_model_of_the_smaller_runs_says_what_the_larger_ones_cost() -> None:
    found = {each.name: each.error for each in checks(_figures())}
    assert abs(found["ingest, all stages"]) < 0.25
    assert abs(found["bytes of the index"]) < 0.25
    assert abs(found["building the snapshot"]) < 0.35
    assert abs(found["snapshot on disk"]) < 0.05


def test_the_measured_sizes_lie_apart() -> None:
    small, large = sorted(run["tiles"] for run in _figures()["ingest"])[-2:]
    assert large >= 4 * small
    assert all(set(run["stages"]) == set(STAGES) for run in _figures()["ingest"])


def test_stages_by_the_scene_and_by_the_tile_are_told_apart() -> None:
    run = {
        "tiles": 10, "scenes": 2, "start": 1.0, "stages": {"open": 4.0, "commit": 2.0, "read": 20.0},
        "bytes_read": 100, "bytes_written": 50, "index_bytes": 30,
    }  # fmt: skip
    model = Ingest.fitted(run)
    assert model.stages(tiles=100, scenes=4) == {"open": 8.0, "commit": 4.0, "read": 200.0}
    assert (model.read, model.written, model.kept) == (10.0, 5.0, 3.0)


def test_a_law_goes_through_both_sizes_it_was_made_of() -> None:
    law = Growth.through((10, 2.0), (1_000, 20.0))
    assert law.of(10) == pytest.approx(2.0)
    assert law.of(1_000) == pytest.approx(20.0)
    assert law.of(100_000) == pytest.approx(200.0)


def test_a_larger_part_of_the_archive_costs_more_in_everything() -> None:
    model = Model.of(_figures())
    hours = [model.hours(each) for each in archives()]
    assert hours == sorted(hours, reverse=True)
    assert all(each.tiles > 1e8 for each in archives())


def test_a_stage_within_another_counts_for_itself_alone() -> None:
    clock = Clock()
    with clock.stage("outer"), clock.stage("inner"):
        sum(range(2_000_000))
    assert clock.seconds["inner"] > 10 * clock.seconds["outer"]
