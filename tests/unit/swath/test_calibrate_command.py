"""`swath calibrate` and the search options that go with it, as they are run."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import swath
from swath._cli import app

COLOURS = {"Beach": (230, 210, 150), "Forest": (20, 70, 25), "River": (40, 80, 120)}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve noisy one-colour pictures in three class folders."""
    folder = tmp_path_factory.mktemp("calibrate")
    for name, colour in COLOURS.items():
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(4):
            noise = np.random.default_rng(number).integers(-15, 16, (64, 64, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "pictures" / name / f"{number}.png")
    swath.index(str(folder / "pictures"), into=folder / "index")
    return folder / "index"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def test_the_walk_of_calibration(index: Path, tmp_path: Path) -> None:
    done = run("calibrate", index, "--out", tmp_path / "report")
    assert done.exit_code == 0
    assert "12 tiles and 3 labels of the index" in done.stdout
    assert "first 10 hits" in done.stdout
    report = json.loads((tmp_path / "report" / "calibration.json").read_text())
    assert set(report["calibration"]["sensors"]) == {"rgb"}
    assert (tmp_path / "report" / "reliability.png").stat().st_size > 1000

    answer = json.loads(run("search", "forest", "--index", index, "-k", 3, "--json").stdout)
    assert all(0 <= hit["probability"] <= 1 for hit in answer["hits"])
    assert answer["why"]["calibration"]["fitted_on"] == "12 tiles and 3 labels of the index"

    strict = run("search", "forest", "--index", index, "--min-probability", 1)
    assert "nothing here matches: the best of 12 tiles" in strict.stderr
    assert "0 of 12 matching tiles" in strict.stdout

    plain = json.loads(run("search", "forest", "--index", index, "--no-calibrated", "--json").stdout)
    assert {hit["probability"] for hit in plain["hits"]} == {None}

    assert "removed the calibration" in run("calibrate", index, "--remove").stdout
    assert "has no calibration" in run("calibrate", index, "--remove").stdout
    later = json.loads(run("search", "forest", "--index", index, "--json").stdout)
    assert {hit["probability"] for hit in later["hits"]} == {None}


def test_words_of_a_scheme_are_shown_with_what_was_searched(index: Path) -> None:
    done = run("search", "CLC 331", "--index", index, "-k", 1)
    assert "searched as Beaches, dunes, sands; beach; sand dunes; desert" in done.stdout
    assert "searched as" not in run("search", "CLC 331", "--index", index, "--no-expand").stdout
    assert "no synonyms are known for 'zzz'" in run("search", "zzz", "--index", index, "--expand").stderr


def test_prompts_can_be_switched_off(index: Path) -> None:
    answer = json.loads(run("search", "beach", "--index", index, "--no-prompts", "--json").stdout)
    assert answer["query"]["prompts"] == "off"
    assert answer["why"]["prompts"] == answer["why"]["terms"] == ["beach"]
