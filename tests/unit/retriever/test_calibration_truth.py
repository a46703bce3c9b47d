"""Labelled tiles from the index, from a list and from a dataset, on colours whose vectors are known."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import InputError, Sample, SceneError, Tile, View, picture_tile
from core.testing import MeanColourEncoder
from retriever import CalibrationPlan, MemoryRows, calibrate_index, load_calibration, write_fit_report
from retriever import _calibrate as calibrate
from retriever import _calibration_truth as truth
from tests.unit.retriever.tables import row, rows_in_memory

COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}


def coloured(place: int, name: str, **values: Any) -> dict[str, Any]:
    vector = np.array([*COLOURS[name], 0.1 + 0.01 * place])
    return row(f"{name}{place}", vector=(vector / np.linalg.norm(vector)).tolist(), **values)


def rows(*, labelled: bool = True) -> MemoryRows:
    return rows_in_memory(
        [
            coloured(
                place, name, label=name.title() if labelled else None, sensor=("naip", "sentinel-2-l2a")[place % 2]
            )
            for name in COLOURS
            for place in range(4)
        ]
    )


def test_labels_of_the_index_become_queries_in_words() -> None:
    found = truth.tiles_of_index(rows(), MeanColourEncoder())
    assert found.queries == ("blue", "green", "red")
    assert found.truth.sum(axis=1).tolist() == [4, 4, 4]
    # Tiles come by rising id: blue0..3, green0..3, red0..3.
    assert found.truth[0].tolist() == [True] * 4 + [False] * 8
    assert found.sensors[:4] == ("naip", "sentinel-2-l2a", "naip", "sentinel-2-l2a")


def test_an_index_without_labels_says_what_else_there_is() -> None:
    with pytest.raises(InputError, match=r"--data NAME:PATH or --from FILE\.jsonl"):
        truth.tiles_of_index(rows(labelled=False), MeanColourEncoder())


def listing(path: Path, lines: list[Any]) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_a_list_tells_several_labels_of_a_tile_and_tiles_without_any(tmp_path: Path) -> None:
    lines = [
        {"tile_id": "red0", "labels": ["Red", "green"]},
        "",
        {"tile_id": "green1", "objects": ["green"]},
        {"tile_id": "blue2", "labels": []},
        {"tile_id": "elsewhere", "labels": ["red"]},
    ]
    found = truth.tiles_of_file(rows(), listing(tmp_path / "truth.jsonl", lines), MeanColourEncoder())
    assert found.queries == ("green", "red")
    assert found.truth.tolist() == [[False, True, True], [False, False, True]]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], "line 1 is not like"),
        ([{"tile_id": "red0"}], "line 1 is not like"),
        ([{"tile_id": "red0", "labels": "red"}], "line 1 is not like"),
        ([{"tile_id": "red0", "labels": ["red"]}, {"tile_id": 5, "labels": []}], "line 2 is not like"),
        ([{"tile_id": "elsewhere", "labels": ["red"]}], "none of the 1 tiles"),
    ],
)
def test_a_wrong_list_names_the_line(tmp_path: Path, lines: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        truth.tiles_of_file(rows(), listing(tmp_path / "truth.jsonl", lines), MeanColourEncoder())


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*nowhere\.jsonl"):
        truth.tiles_of_file(rows(), tmp_path / "nowhere.jsonl", MeanColourEncoder())


class Pictures:
    """Six one-colour pictures, one of them unreadable."""

    name = "pictures"
    splits = ("train", "val")

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        for number, name in enumerate(["red", "red", "green", "green", "blue", "blue"]):
            yield Sample(
                sample_id=f"s{number}",
                split="train",
                group=f"s{number}",
                views=(View(role="image", read=partial(tile, name, broken=number == 5)),),
                labels=(name,),
            )


def tile(name: str, *, broken: bool) -> Tile:
    if broken:
        raise SceneError("cut off")
    colours = np.full((8, 8, 3), np.array(COLOURS[name]) * 255, np.uint8)
    return picture_tile(colours, np.ones((8, 8), bool), name=name, collection="c", href=f"/{name}.png")


def test_a_dataset_is_encoded_and_what_cannot_be_read_is_counted() -> None:
    seen: list[tuple[int, int]] = []
    found = truth.tiles_of_dataset(Pictures(), MeanColourEncoder(), progress=lambda *each: seen.append(each))
    assert (found.queries, found.left_out) == (("blue", "green", "red"), 1)
    assert found.truth.sum(axis=1).tolist() == [1, 2, 2]
    assert set(found.sensors) == {"rgb"}
    assert seen == [(6, 6)]


def test_tiles_are_taken_evenly_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth, "MAX_TILES", 6)
    found = truth.tiles_of_index(rows(), MeanColourEncoder())
    assert found.truth.sum(axis=1).tolist() == [2, 2, 2]


def test_the_walk_keeps_the_calibration_with_the_index_and_writes_the_report(tmp_path: Path) -> None:
    report = calibrate_index(tmp_path, rows(), MeanColourEncoder, CalibrationPlan())
    assert load_calibration(tmp_path) == report.calibration
    assert report.calibration.source == "12 tiles and 3 labels of the index"
    assert [each.name for each in report.reliability] == ["all", "naip", "sentinel-2-l2a", "first 10 hits"]
    write_fit_report(report, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "calibration.json").read_text())["reliability"][0]["name"] == "all"
    assert (tmp_path / "out" / "reliability.png").stat().st_size > 1000


def test_the_walk_takes_a_dataset_and_the_indexs_own_centres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "open_dataset", lambda name, root: Pictures())
    report = calibrate_index(tmp_path, rows(), MeanColourEncoder, CalibrationPlan(data="pictures:/data"))
    assert "5 tiles and 3 labels of dataset pictures" in report.calibration.source
    assert "1 tiles could not be read or encoded" in report.remarks
    assert report.calibration.line("naip") is not None


def test_the_walk_without_labels_needs_no_encoder(tmp_path: Path) -> None:
    def never() -> Any:
        raise AssertionError

    report = calibrate_index(tmp_path, rows(labelled=False), never, CalibrationPlan(truth="background"))
    assert (report.calibration.method, report.reliability) == ("background", ())
    assert set(report.calibration.sensors) == {"naip", "sentinel-2-l2a"}
    # The mean of the naip tiles (places 0 and 2 of each colour).
    naip = [coloured(place, name)["vector"] for name in COLOURS for place in (0, 2)]
    centre = np.array(report.calibration.sensors["naip"].centre)
    np.testing.assert_allclose(centre, np.mean(naip, axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (CalibrationPlan(method="magic"), "unknown method 'magic'; known: auto, platt, centred"),
        (CalibrationPlan(data="eurosat"), "data must be NAME:PATH"),
        (CalibrationPlan(data="eurosat:/x", truth="background"), "takes the place of --from"),
        (CalibrationPlan(split="val"), "give --data NAME:PATH as well"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(tmp_path: Path, plan: CalibrationPlan, message: str) -> None:
    with pytest.raises(InputError, match=message):
        calibrate_index(tmp_path, rows(), MeanColourEncoder, plan)
    assert load_calibration(tmp_path) is None
