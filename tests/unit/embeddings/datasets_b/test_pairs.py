"""Change captions, change masks and DisasterM3."""

import json
from pathlib import Path

import numpy as np
import pytest

from core import Dataset, Sample, SceneError
from embeddings.datasets import open_dataset
from tests.dataset_trees_b import SIDE, TREES_B, disasterm3, forest_change, half, levir_cc, picture, second


def by_id(dataset: Dataset) -> dict[str, Sample]:
    return {sample.sample_id: sample for sample in dataset.samples()}


def mask_of(sample: Sample) -> list[int]:
    """The value of the left half and that of the right."""
    assert sample.mask is not None
    mask = sample.mask()
    left, right = np.unique(mask[:, : SIDE // 2]), np.unique(mask[:, SIDE // 2 :])
    assert len(left) == len(right) == 1
    return [int(left[0]), int(right[0])]


def test_levir_cc_gives_flag_and_sentences_as_published(tmp_path: Path) -> None:
    levir_cc(tmp_path)
    samples = by_id(open_dataset("levir-cc", tmp_path))
    train, val = samples["train-train_000001"], samples["val-val_000001"]
    assert (train.labels, val.labels) == (("change",), ("no change",))
    assert train.captions == ("a road is built .", "a house appears next to the road .")
    assert [view.role for view in train.views] == ["before", "after"]
    assert not np.array_equal(train.views[0].read().pixels, train.views[1].read().pixels)


def test_levir_mci_masks_come_as_stored_and_levir_cc_has_none(tmp_path: Path) -> None:
    levir_cc(tmp_path)
    samples = by_id(open_dataset("levir-cc", tmp_path))
    assert mask_of(samples["train-train_000001"]) == [255, 0]
    assert samples["val-val_000001"].mask is None


def test_forest_change_has_no_flag(tmp_path: Path) -> None:
    forest_change(tmp_path)
    sample = by_id(open_dataset("forest-change", tmp_path))["train-train_000001"]
    assert sample.labels == ()
    assert sample.captions == ("forest loss in small patches on the left",)
    assert mask_of(sample) == [255, 0]


@pytest.mark.parametrize(("name", "first"), [("levir-cd", "train-train_1"), ("s2looking", "train-1")])
def test_changed_pixels_are_one(name: str, first: str, tmp_path: Path) -> None:
    TREES_B[name](tmp_path)
    assert mask_of(by_id(open_dataset(name, tmp_path))[first]) == [1, 0]


def test_levir_cd_in_one_folder_takes_its_splits_from_the_names(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for part in ("A", "B"):
            picture(tmp_path / part / f"{split}_1.png")
        picture(tmp_path / "label" / f"{split}_1.png", value=half())
    dataset = open_dataset("levir-cd", tmp_path)
    assert dataset.splits == ("test", "train")
    assert [sample.sample_id for sample in dataset.samples("test")] == ["test-test_1"]


def test_second_codes_the_transition_from_low_vegetation_to_building_as_35(tmp_path: Path) -> None:
    second(tmp_path)
    samples = by_id(open_dataset("second", tmp_path))
    assert mask_of(samples["train-00003"]) == [35, 0]
    assert samples["test-00003"].mask is None


def test_second_labels_as_class_numbers_mean_the_same(tmp_path: Path) -> None:
    second(tmp_path)
    for part, number in (("label1", 3), ("label2", 5)):
        picture(tmp_path / "train" / part / "00003.png", value=half(number))
    assert mask_of(by_id(open_dataset("second", tmp_path))["train-00003"]) == [35, 0]


def test_a_colour_that_is_not_seconds_is_named(tmp_path: Path) -> None:
    second(tmp_path)
    picture(tmp_path / "train/label2/00003.png", value=np.full((SIDE, SIDE, 3), (1, 2, 3), np.uint8))
    sample = by_id(open_dataset("second", tmp_path))["train-00003"]
    assert sample.mask is not None
    with pytest.raises(SceneError, match=r"00003\.png has the colour \[1, 2, 3\]"):
        sample.mask()


def test_disasterm3_joins_the_rows_about_one_pair(tmp_path: Path) -> None:
    disasterm3(tmp_path)
    samples = list(open_dataset("disasterm3", tmp_path).samples("train"))
    joined, outlined, radar, boxes = samples
    assert joined.labels == ("flooding",)
    assert joined.captions == ("DISASTER: Flood ROAD: cut.",)
    assert [(q.text, q.answer) for q in joined.questions][:2] == [("What disaster?", "flooding"), ("How many?", "3")]
    assert outlined.captions == ("Outline the flood.",)
    assert mask_of(outlined) == [1, 0]
    assert [view.role for view in radar.views] == ["before", "after-sar"]
    assert radar.questions[0].answer == "Roads are seen."
    assert [view.role for view in boxes.views] == ["image"]
    assert boxes.views[0].files[0].parent.name == "box_train_images"
    assert {sample.group for sample in samples} == {"hurricane_florence", "relation"}


def test_disasterm3_options_are_choices_and_the_letter_is_the_answer(tmp_path: Path) -> None:
    disasterm3(tmp_path)
    (sample,) = open_dataset("disasterm3", tmp_path).samples("test")
    (question,) = sample.questions
    assert question.text == "Which disaster?"
    assert question.choices == ("flood", "earthquake")
    assert question.answer == "B"
    assert sample.labels == ("earthquake",)


def test_every_row_of_disasterm3_is_in_some_sample(tmp_path: Path) -> None:
    disasterm3(tmp_path)
    rows = json.loads((tmp_path / "DisasterM3_Instruct/train_release.json").read_text(encoding="utf-8"))
    samples = list(open_dataset("disasterm3", tmp_path).samples("train"))
    assert sum(len(sample.questions) + (sample.mask is not None) for sample in samples) == len(rows)
