"""The figures of the model card, measured again through the encoder that ships, on places it never saw."""

import re
from pathlib import Path

import pytest

from core import Dataset
from embeddings.datasets import open_dataset
from evaluation import Options, Report, evaluate
from tests.integration.real import ROOT

CARD = ROOT / "docs" / "model-cards" / "swath-mini.md"


def measure(protocol: str, name: str, folder: Path, **options: object) -> Report:
    data: Dataset = open_dataset(name, folder)
    return evaluate(protocol, "swath-mini", data, Options(leakage_limit=0, **options))  # type: ignore[arg-type]  # options vary


@pytest.fixture(scope="module")
def aid(real_data: Path) -> Report:
    return measure("class-retrieval", "captions", real_data / "aid_rsicd", split="val")


@pytest.fixture(scope="module")
def ombria(real_data: Path) -> Report:
    return measure("cross-sensor", "ombria", real_data / "ombria", split="test")


@pytest.fixture(scope="module")
def terramind(real_data: Path) -> Report:
    return measure("cross-sensor", "terramind", real_data / "terramind", tile_px=56)


def test_aid_is_measured_on_all_869_validation_pictures(aid: Report) -> None:
    assert (aid.pictures, aid.classes) == (869, 30)


@pytest.mark.parametrize(
    ("figure", "floor"),
    [
        ("text precision@10", 0.97),
        ("image precision@10", 0.80),
        ("zero-shot accuracy", 0.90),
        ("caption recall@10", 0.55),
        ("picture-to-caption recall@10", 0.50),
    ],
)
def test_aerial_pictures_are_found_in_words_and_by_pictures(aid: Report, figure: str, floor: float) -> None:
    assert aid.figure(figure).value >= floor


def test_pictures_find_their_like_by_more_than_colour(aid: Report) -> None:
    figure = aid.figure("image precision@10")
    assert figure.baseline is not None
    assert figure.value > 2 * figure.baseline


@pytest.mark.parametrize("way", ["s1 to s2", "s2 to s1"])
def test_a_flooded_site_is_found_in_the_other_sensor(ombria: Report, way: str) -> None:
    figure = ombria.figure(f"{way} site recall@10")
    assert figure.queries == 140
    assert figure.value >= 0.35


@pytest.mark.parametrize("way", ["s1 to s2", "s2 to s1"])
def test_a_place_comes_first_in_the_other_sensor_on_sites_never_seen(terramind: Report, way: str) -> None:
    figure = terramind.figure(f"{way} site recall@1")
    assert figure.chance is not None
    assert figure.value >= 3 * figure.chance
    assert terramind.figure(f"{way} site median rank").value == 1.0


@pytest.mark.parametrize(
    ("report", "heading"), [("aid", "AID validation"), ("ombria", "OMBRIA test"), ("terramind", "TerraMind")]
)
def test_the_card_states_these_figures(report: str, heading: str, request: pytest.FixtureRequest) -> None:
    text = CARD.read_text(encoding="utf-8").partition(f"**{heading}**")[2].partition("\n**")[0]
    for figure in request.getfixturevalue(report).figures:
        row = re.search(rf"\| {re.escape(figure.name)} \| ([0-9.]+) \|", text)
        if report == "aid":
            assert row is not None, figure.name
        if row is not None:
            slack = 0.006 if "rank" not in figure.name else 0.5
            assert float(row.group(1)) == pytest.approx(figure.value, abs=slack), figure.name
