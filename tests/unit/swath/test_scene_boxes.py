"""Asking one scene on the command line: boxes on its picture, and messages that name the options of this command."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import InputError, PixelWindow
from retriever.rag import Answer, EvidenceSet, QueryPlan
from swath import _scene_boxes
from swath._scene_asking import scene_asker
from swath._scene_boxes import _mark, overview
from tests.unit.retriever.answer_evidence import a_tile


@pytest.mark.parametrize(
    ("left", "top", "side"), [(0, 0, 1_000), (0, 0, 200), (800, 800, 200), (0, 100, 2_000)], ids=str
)
def test_every_number_is_seen(left: int, top: int, side: int) -> None:
    window = PixelWindow(col_off=left, row_off=top, width=side, height=side)
    with_number, without = Image.new("RGB", (100, 100), "white"), Image.new("RGB", (100, 100), "white")
    _mark(with_number, window, 0.1, "[3]", "#ffb000")
    _mark(without, window, 0.1, "", "#ffb000")
    changed = np.asarray(with_number) != np.asarray(without)
    assert changed.any(axis=2).sum() > 50


def test_the_number_of_a_box_stands_in_it_and_not_in_its_neighbour() -> None:
    window = PixelWindow(col_off=0, row_off=500, width=500, height=500)
    with_number, without = Image.new("RGB", (100, 100), "white"), Image.new("RGB", (100, 100), "white")
    _mark(with_number, window, 0.1, "[3]", "#ffb000")
    _mark(without, window, 0.1, "", "#ffb000")
    rows = np.flatnonzero((np.asarray(with_number) != np.asarray(without)).any(axis=(1, 2)))
    assert rows.min() > 50


def test_numbers_of_levels_that_share_a_corner_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    shifts: list[int] = []
    picture = Image.new("RGB", (100, 100), "white")
    monkeypatch.setattr(_scene_boxes, "_whole", lambda record: (picture, 0.1))
    monkeypatch.setattr(_scene_boxes, "_mark", lambda *given, shift: shifts.append(shift))
    tiles = tuple(a_tile(number) for number in (1, 2, 3))
    evidence = EvidenceSet(tiles=tiles, matched=3)
    overview(Answer(question="?", plan=QueryPlan(question="?"), claims=(), evidence=evidence))
    assert shifts == [0, _scene_boxes.ACROSS, 2 * _scene_boxes.ACROSS]


def test_a_sliver_at_the_edge_has_a_box() -> None:
    picture = Image.new("RGB", (1024, 1024), "white")
    window = PixelWindow(col_off=10_080, row_off=10_080, width=224, height=224)
    _mark(picture, window, 1024 / 10_081, "[1]", "#ffb000")
    assert (np.asarray(picture) != 255).any()


def test_the_option_named_is_the_one_of_this_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_SCENE_CACHE", str(tmp_path / "cache"))
    Image.fromarray(np.full((64, 64), 3_000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(InputError, match=r"choose one with --scene-sensor NAME"):
        scene_asker(tmp_path / "deep.png", index_dir=None, sensor=None, use_model=False)
