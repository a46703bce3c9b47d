"""The figures of the model card, measured again through the encoder that ships, on pictures it never saw."""

import re
from pathlib import Path

import pytest

from evaluation import Options, Report, evaluate
from tests.integration.real import ROOT

CARD = ROOT / "docs" / "model-cards" / "swath-mini.md"


@pytest.fixture(scope="module")
def report(real_data: Path) -> Report:
    return evaluate("class-retrieval", "swath-mini", real_data / "aid_rsicd", Options(leakage_limit=0))


def test_it_is_measured_on_all_869_validation_pictures(report: Report) -> None:
    assert (report.pictures, report.classes) == (869, 30)


def test_class_names_find_their_pictures(report: Report) -> None:
    figure = report.figure("text precision@10")
    assert figure.value >= 0.90
    assert figure.chance == pytest.approx(1 / 30, abs=0.001)


def test_pictures_find_their_like(report: Report) -> None:
    figure = report.figure("image precision@10")
    assert figure.value >= 0.60
    assert figure.baseline is not None
    assert figure.value > 2 * figure.baseline, "more than colour"


def test_the_card_states_these_figures(report: Report) -> None:
    text = CARD.read_text(encoding="utf-8")
    for figure in report.figures:
        row = re.search(rf"\| {re.escape(figure.name)} \| ([0-9.]+) \|", text)
        assert row is not None, figure.name
        assert float(row.group(1)) == pytest.approx(figure.value, abs=0.006), figure.name
