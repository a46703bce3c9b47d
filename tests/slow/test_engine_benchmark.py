"""The benchmark of the search engine, small: its exact answers, its filters and its report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.engine._figures import Figures
from benchmarks.engine._peer import SWATH
from benchmarks.engine._questions import POINTS, passing
from benchmarks.engine._verdict import verdict
from benchmarks.engine._work import Work

pytest.importorskip("matplotlib", reason="pictures need the extra bench")

ROWS, DIM = 20_000, 384
EXACT = ("numpy", "faiss-flat", "lance-bypass")
PEERS = (SWATH, *EXACT, "faiss-sq8", "faiss-rabitq", "lance-tuned")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Work, Path]:
    home = tmp_path_factory.mktemp("bench")
    out = home / "report" / "engine-384.md"
    where = ["--work", str(home), "--out", str(out), "--rows", str(ROWS), "--dim", str(DIM)]
    command = [sys.executable, "-m", "benchmarks.engine", *where, "--peers", ",".join(PEERS), "--share", "4"]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    return Work(path=home / f"{ROWS}x{DIM}"), out


@pytest.mark.slow
def test_filters_let_the_share_of_rows_through_that_they_are_named_after(measured: tuple[Work, Path]) -> None:
    archive, questions = measured[0].archive(), measured[0].questions()
    assert len(questions) == len(POINTS) * len(archive.queries)
    for question in questions:
        meant = max(1, round(question.share * ROWS))
        assert meant <= question.matched <= meant * 1.2 + 40, question
    for question in questions[::37]:
        if question.where is not None:
            mask = passing(archive, question.where)
            assert mask.sum() == question.matched
            assert mask[list(question.best)].all()


@pytest.mark.slow
@pytest.mark.parametrize("name", EXACT)
def test_engines_that_compare_every_row_find_the_true_best(measured: tuple[Work, Path], name: str) -> None:
    figures = Figures(measured[0])
    found = [figures.at(name, point, k) for point in POINTS for k in (10, 100)]
    assert all(figure is not None and figure.recall > 0.999 for figure in found), found


@pytest.mark.slow
def test_swath_is_right_whatever_the_filter(measured: tuple[Work, Path]) -> None:
    figures = Figures(measured[0])
    for k, least in ((10, 0.995), (100, 0.99)):
        found = [figure for _, _, figure in figures.every(SWATH, POINTS, k)]
        assert sum(figure.recall for figure in found) / len(found) >= least
        # A point has some 25 questions here: one that misses three of its ten best rows costs it 0.012.
        assert min(figure.recall for figure in found) >= 0.97
        assert not any(figure.short for figure in found)


@pytest.mark.slow
def test_the_report_says_whether_each_goal_was_reached(measured: tuple[Work, Path]) -> None:
    work, out = measured
    lines = verdict(Figures(work))
    assert len(lines) == 14
    assert all(line.held is not None for line in lines)
    text = out.read_text()
    assert all(line.wanted in text and line.figure in text for line in lines)
    pictures = sorted(path.name for path in out.parent.glob("*.svg"))
    assert pictures == ["engine-384-geo.svg", "engine-384-mixed.svg", "engine-384-time.svg"]
    assert all(name in text for name in pictures)
