"""A large scene put together from real pictures, so that it is known what lies where in it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rasterio.transform import from_origin

from tests.integration.real import Run
from tests.rasters import write_raster

SIDE, ACROSS = 224, 8
"""Pixels of a picture in the scene, and pictures in a row; the grid of tiles starts 40 pixels beside theirs."""
SHIFT = 40


def labelled(data: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for line in (data / "aid_rsicd" / "captions.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["split"] == "val":
            found.setdefault(row["label"], []).append(data / "aid_rsicd" / row["image"])
    return found


@pytest.fixture(scope="module")
def scene(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A GeoTIFF and the (8, 8) classes in it."""
    pictures = labelled(real_data)
    names = [name for name in sorted(pictures) if name not in ("Airport", "Viaduct")]
    chosen = np.random.default_rng(5).choice(names, (ACROSS, ACROSS))
    pixels = np.zeros((3, ACROSS * SIDE + SHIFT, ACROSS * SIDE + SHIFT), np.uint8)
    for down in range(ACROSS):
        for across in range(ACROSS):
            path = pictures[chosen[down, across]].pop()
            with Image.open(path) as picture:
                colours = np.asarray(picture.convert("RGB").resize((SIDE, SIDE)))
            top, left = SHIFT + down * SIDE, SHIFT + across * SIDE
            pixels[:, top : top + SIDE, left : left + SIDE] = colours.transpose(2, 0, 1)
    place = from_origin(500_000, 4_900_000, 1, 1)
    folder = tmp_path_factory.mktemp("scene")
    written = write_raster(folder / "scene.tif", pixels, transform=place, photometric="RGB", tiled=True)
    return Path(written), chosen


def shows(tile: dict[str, Any], name: str, classes: np.ndarray) -> bool:
    """Whether a picture of the class lies at least partly in a tile's window."""
    window = tile["window"]
    rows, cols = (
        slice(max(0, (start - SHIFT) // SIDE), (start + length - SHIFT - 1) // SIDE + 1)
        for start, length in ((window["row_off"], window["height"]), (window["col_off"], window["width"]))
    )
    return name in classes[rows, cols]


@pytest.fixture(autouse=True)
def cache(scene: tuple[Path, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_SCENE_CACHE", str(scene[0].parent / "cache"))


@pytest.mark.parametrize(("asked", "name"), [("baseball field", "BaseballField"), ("church", "Church")])
def test_regions_that_show_it_come_first(
    asked: str, name: str, scene: tuple[Path, np.ndarray], swath: Run, tmp_path: Path
) -> None:
    path, classes = scene
    assert name in classes
    question = ("ask", f"Where is a {asked}?", "--scene", path, "--scene-sensor", "rgb")
    answer = json.loads(swath(*question, "--json", "--pictures", tmp_path).stdout)
    assert answer["abstained"] is None
    best = max(answer["evidence"]["tiles"], key=lambda tile: tile["score"])
    assert best["window"]["width"] <= 2 * SIDE
    assert shows(best, name, classes)
    with Image.open(tmp_path / "scene.png") as overview:
        assert max(overview.size) == 1024


def test_what_nobody_taught_is_not_found(scene: tuple[Path, np.ndarray], swath: Run) -> None:
    question = ("ask", "Is there a volcano?", "--scene", scene[0], "--scene-sensor", "rgb")
    assert json.loads(swath(*question, "--json").stdout)["abstained"]
