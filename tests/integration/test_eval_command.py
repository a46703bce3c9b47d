"""`swath eval` as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.coloured_pictures import write_coloured_pictures
from tests.integration.real import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coloured_pictures(tmp_path_factory.mktemp("pictures"), train=4, val=4)


def test_it_prints_figures_and_writes_three_files(folder: Path, swath: Run, tmp_path: Path) -> None:
    done = swath("eval", "class-retrieval", "--data", f"captions:{folder}", "-k", "3", "--out", tmp_path / "out")
    assert "| image precision@3 |" in done.stdout
    assert "split val (real data): 12 pictures, 3 classes" in done.stdout
    assert "Leakage:" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "class-retrieval.json",
        "class-retrieval.md",
        "class-retrieval.png",
    ]


def test_json_holds_every_part_of_the_report(folder: Path, swath: Run) -> None:
    done = swath("eval", "class-map", "--data", folder, "-k", "3", "--leakage-limit", "0", "--json")
    report = json.loads(done.stdout)
    assert {"protocol", "encoder", "dataset", "split", "source", "figures", "leakage", "settings"} <= set(report)
    figure = report["figures"][0]
    assert {"name", "value", "low", "high", "chance", "baseline", "queries", "units", "meaning"} <= set(figure)
    assert report["settings"] == {"k": 3, "leakage_limit": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("eval", "map", "--data", "."), "unknown protocol 'map'; known: class-map"),
        (("eval", "class-map", "--data", "nowhere"), "no dataset folder at nowhere"),
        (("eval", "class-map", "--data", "ombria:."), "S1_before_0001.jpg"),
        (("eval", "cross-sensor", "--data", ".", "--roles", "s1"), "--roles takes two views, such as s1,s2; got 's1'"),
        (("eval", "class-map", "--data", ".", "-k", "0"), "k must be at least 1, got 0"),
    ],
)
def test_bad_input_is_one_clear_line(arguments: tuple[str, ...], message: str, swath: Run, tmp_path: Path) -> None:
    done = swath(*arguments, code=2, cwd=tmp_path)
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_one_terramind_tile_in_five_is_right_by_chance(real_data: Path, swath: Run) -> None:
    done = swath("eval", "cross-sensor", "--data", f"terramind:{real_data / 'terramind'}", "--tile-px", "56", "--json")
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    recall = figures["s1 to s2 site recall@1"]
    assert (recall["queries"], recall["units"], recall["chance"]) == (80, 5, pytest.approx(1 / 5))
    assert figures["s2 to s1 site median rank"]["better"] == "lower"


def test_ombria_has_140_pictures_of_each_sensor(real_data: Path, swath: Run) -> None:
    data = f"ombria:{real_data / 'ombria'}"
    done = swath("eval", "cross-sensor", "--data", data, "--leakage-limit", "0", "--json")
    report = json.loads(done.stdout)
    figures = {figure["name"]: figure for figure in report["figures"]}
    assert report["split"] == "test"
    assert figures["s1 to s2 site recall@10"]["queries"] == 140
    assert figures["s1 to s2 site recall@10"]["chance"] == pytest.approx(10 / 140)
    assert figures["s2 to s1 site at any time recall@10"]["chance"] == pytest.approx(1 - (130 * 129) / (140 * 139))


def test_answers_about_real_pictures_are_measured_under_four_controls(real_data: Path, swath: Run) -> None:
    given = ("--split", "test", "--questions", "6", "--leakage-limit", "0", "--model", "nearest", "--json")
    done = swath("eval", "rag-vqa", "--data", f"rsvqa:{real_data / 'rsvqa'}", *given)
    report = json.loads(done.stdout)
    figures = {figure["name"]: figure for figure in report["figures"]}
    assert report["model"] == "nearest"
    assert report["baseline"] == "most frequent answer"
    assert figures["RSVQA-LR overall, with retrieval"]["queries"] == 4 * 6
    assert figures["RSVQA-HR overall, without retrieval"]["value"] == 0
    assert figures["RSVQA-LR presence, blank images"]["chance"] == 1 / 2
    assert set(report["latency"]) == {
        "with retrieval",
        "without retrieval",
        "shuffled evidence",
        "blank images",
    }
