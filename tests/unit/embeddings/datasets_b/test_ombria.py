"""OMBRIA: sensors, masks, scenes, sentences, and what the real files say."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from core import InputError
from embeddings.datasets import open_dataset
from embeddings.datasets._ombria import Ombria, flood_captions
from tests.dataset_trees_b import SIDE, ombria, picture
from tests.integration.real import DATA

REAL = DATA / "ombria"
real = pytest.mark.skipif(not REAL.is_dir(), reason=f"no OMBRIA at {REAL}; set SWATH_DATA")


def open_ombria(root: Path) -> Ombria:
    return cast("Ombria", open_dataset("ombria", root))


def test_sentinel_1_spans_thirty_nominal_decibels_and_sentinel_2_stays_as_stored(tmp_path: Path) -> None:
    ombria(tmp_path)
    black_to_white = np.repeat(np.array([0, 255], np.uint8), SIDE // 2)[None].repeat(SIDE, 0)
    picture(tmp_path / "test/s1/after/S1_after_0018.jpg", value=black_to_white)
    flat = np.full((SIDE, SIDE, 3), (200, 200, 200), np.uint8)
    picture(tmp_path / "test/s2/after/S2_after_0018.jpg", value=flat)
    (sample,) = open_ombria(tmp_path).samples("test")
    radar, optical = sample.view("s1-after").read(), sample.view("s2-after").read()
    assert radar.sensor.kind == "sar"
    assert radar.bands == ("VV",)
    np.testing.assert_allclose([radar.pixels.min(), radar.pixels.max()], [-30, 0], atol=1e-4)
    assert optical.bands == ("B11", "B08", "B03")
    np.testing.assert_allclose(optical.pixels, 200, atol=1)


def test_the_mask_is_one_where_there_is_flood(tmp_path: Path) -> None:
    ombria(tmp_path)
    (sample,) = open_ombria(tmp_path).samples("test")
    assert sample.mask is not None
    mask = sample.mask()
    assert mask[:, : SIDE // 2].all()
    assert not mask[:, SIDE // 2 :].any()


def test_sentences_and_label_follow_mask_and_date(tmp_path: Path) -> None:
    ombria(tmp_path)
    (sample,) = open_ombria(tmp_path).samples("test")
    before, after = sample.view("s1-before").read(), sample.view("s2-after").read()
    assert (before.label, after.label) == (None, "flood")
    assert after.captions == flood_captions(0.5, "after", "s2")
    assert before.captions == flood_captions(0.5, "before", "s1")


@pytest.mark.parametrize(
    ("fraction", "extent"),
    [(0.05, "a small part of"), (0.2, "part of"), (0.5, "about half of"), (0.8, "most of"), (1.0, "nearly all of")],
)
def test_the_extent_is_put_in_words(fraction: float, extent: str) -> None:
    assert flood_captions(fraction, "after", "s1")[0] == f"a flood: {extent} the land is under water"
    assert all("water" not in sentence for sentence in flood_captions(fraction, "before", "s1"))


def test_sites_of_one_scene_are_one_group(tmp_path: Path) -> None:
    ombria(tmp_path)
    groups = {sample.sample_id: sample.group for sample in open_ombria(tmp_path).samples()}
    assert groups == {"test-0018": "scene-0018", "train-0001": "scene-0001", "train-0002": "scene-0001"}


def test_flawed_chips_are_told_and_still_there(tmp_path: Path) -> None:
    ombria(tmp_path)
    for path in list(tmp_path.rglob("*_0002.*")):
        path.rename(path.with_name(path.name.replace("_0002", "_0140")))
    dataset = open_ombria(tmp_path)
    assert dataset.flaws == {"train-0140": "wraps round at 8 bit, cloudy"}
    assert "train-0140" in {sample.sample_id for sample in dataset.samples()}


def test_a_site_without_one_of_its_chips_is_refused(tmp_path: Path) -> None:
    ombria(tmp_path)
    (tmp_path / "train/s1/before/S1_before_0002.jpg").unlink()
    with pytest.raises(InputError, match=r"no train/s1/before/S1_before_0002\.jpg"):
        open_ombria(tmp_path)


@real
def test_the_real_files_hold_694_sites_of_15_groups_and_69_flawed_chips() -> None:
    dataset = open_ombria(REAL)
    samples = list(dataset.samples())
    numbers = [sample.sample_id.split("-")[1] for sample in samples]
    assert len(samples) == len(set(numbers)) == 694
    assert len(list(dataset.samples("test"))) == 70
    assert len({sample.group for sample in samples}) == 15
    assert len(dataset.flaws) == 69
    assert sum(flaw.startswith("wraps") for flaw in dataset.flaws.values()) == 19


@real
def test_the_scene_that_is_there_twice_is_one_group() -> None:
    groups = {sample.sample_id: sample.group for sample in open_ombria(REAL).samples()}
    assert groups["test-0113"] == groups["train-0264"] == groups["train-0265"]


@real
def test_both_mask_folders_agree() -> None:
    for path in sorted((REAL / "test/s1/mask").iterdir()):
        twin = REAL / "test/s2/mask" / path.name.replace("S1", "S2")
        assert np.array_equal(np.asarray(Image.open(path)), np.asarray(Image.open(twin)))


@real
def test_flooding_darkens_the_swir_band_and_not_the_green_one() -> None:
    """Water absorbs at 1.6 um, less at 0.8 and least at 0.56: the bands are in the order the sensor file says."""
    dataset = open_ombria(REAL)
    changes = []
    for sample in dataset.samples("test"):
        if sample.sample_id not in dataset.flaws and sample.mask is not None:
            flooded = sample.mask() > 0
            before, after = (sample.view(role).read().pixels[:, flooded] for role in ("s2-before", "s2-after"))
            changes.append((after.mean(1) - before.mean(1)) / before.mean(1))
    swir, nir, green = np.median(changes, axis=0)
    assert swir < -0.4
    assert swir < nir < green
    assert abs(green) < 0.2
