"""The protocol on pictures of one colour each, with an encoder whose answers can be worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import EncodesTiles, InputError, SceneError
from core.testing import MeanColourEncoder
from evaluation import LabelledPictures, evaluate_class_retrieval, load_labelled_pictures, read_tile

COLOURS = {"Red": (250, 10, 10), "Green": (10, 250, 10), "Blue": (10, 10, 250)}


def paint(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), colour).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label, colour in COLOURS.items():
        for number in range(4):
            paint(tmp_path / label / f"{number}.png", colour)
    return tmp_path


@pytest.fixture
def captioned(folder: Path) -> Path:
    rows = []
    for label in COLOURS:
        for number in range(4):
            captions = ["something blue ."] if label == "Red" else [f"something {label.lower()} ."]
            split = "val" if number < 3 else "train"
            rows.append({"image": f"{label}/{number}.png", "label": label, "split": split, "captions": captions})
    (folder / "captions.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return folder


def test_perfect_encoder_is_perfect(folder: Path) -> None:
    report = evaluate_class_retrieval(MeanColourEncoder(), folder, k=3)
    assert [figure.value for figure in report.figures] == [1.0, 1.0, 1.0]
    assert (report.pictures, report.classes) == (12, 3)
    assert report.by_class == {"blue": 1.0, "green": 1.0, "red": 1.0}
    text, picture, accuracy = report.figures
    assert (text.queries, picture.queries, accuracy.queries) == (3, 12, 12)
    assert text.chance == pytest.approx(4 / 12)
    assert picture.chance == pytest.approx(3 / 11)
    assert accuracy.chance == pytest.approx(1 / 3)
    assert picture.baseline == 1.0, "colour alone tells these classes apart"


def test_a_wrong_picture_costs_what_it_should(folder: Path) -> None:
    paint(folder / "Red" / "3.png", COLOURS["Green"])
    report = evaluate_class_retrieval(MeanColourEncoder(), folder, k=4)
    # `red` finds three reds and one other; `green` ties five pictures, of which the four green ones come first.
    assert report.by_class["red"] == pytest.approx(0.75)
    assert report.figure("zero-shot accuracy").value == pytest.approx(11 / 12)


def test_a_picture_never_finds_itself(folder: Path) -> None:
    for number in range(4):
        paint(folder / "Red" / f"{number}.png", (250 - 60 * number, 10 + 60 * number, 10 + 20 * number))
    report = evaluate_class_retrieval(MeanColourEncoder(), folder, k=11)
    # All eleven others are looked at, three of them of the own class.
    assert report.figure("image precision@11").value == pytest.approx(3 / 11)


def test_identical_captions_count_as_right(captioned: Path) -> None:
    report = evaluate_class_retrieval(MeanColourEncoder(), captioned, split="val", k=3)
    caption = report.figure("caption recall@3")
    # Red pictures carry the words of blue ones, and the three best for those words are blue: right all the same.
    assert caption.value == 1.0
    assert caption.queries == 9
    assert caption.chance == pytest.approx((6 * (1 - 1 / 84) + 3 * (1 - 20 / 84)) / 9)
    assert "identical caption counts as right" in caption.meaning


def test_words_of_captions_are_queries(captioned: Path) -> None:
    report = evaluate_class_retrieval(MeanColourEncoder(), captioned, split="val", k=3)
    figure = report.figure("word precision@3")
    # `something`, in every caption, is always right; `green` finds the three green ones; `blue` is in the captions of
    # the red and the blue pictures and finds blue ones; `something green` and `something blue` do the same.
    assert figure.queries == 3
    assert figure.value == 1.0
    assert figure.chance == pytest.approx((9 + 3 + 6) / 27)


def test_split_is_kept_apart(captioned: Path) -> None:
    assert len(load_labelled_pictures(captioned, split="val").pictures) == 9
    assert len(load_labelled_pictures(captioned, split="train").pictures) == 3
    assert len(load_labelled_pictures(captioned).pictures) == 12


def test_report_says_what_each_figure_means(captioned: Path) -> None:
    report = evaluate_class_retrieval(MeanColourEncoder(), captioned, split="val", k=2)
    text = report.to_markdown()
    assert "| text precision@2 | 1.000 | 1.000 to 1.000 | 0.333 | - | 3 |" in text
    assert "split val: 9 pictures, 3 classes" in text
    assert all(f"**{figure.name}**: {figure.meaning}" in text for figure in report.figures)
    again = json.loads(report.to_json())
    assert again["figures"][0]["value"] == 1.0
    assert again["encoder"] == "mean-colour@1 (4-d, cosine)"


def test_tiles_hold_the_pixels_of_the_file(folder: Path) -> None:
    data = load_labelled_pictures(folder)
    tile = read_tile(data.pictures[0])
    assert tile.sensor.name == "rgb"
    assert tile.pixels.shape == (3, 20, 20)
    assert tile.pixels[:, 0, 0].tolist() == list(COLOURS["Blue"])
    assert bool(tile.mask.all())


def test_unreadable_picture_is_named(folder: Path) -> None:
    (folder / "Red" / "0.png").write_bytes(b"not a picture")
    with pytest.raises(SceneError, match=r"Red/0\.png"):
        evaluate_class_retrieval(MeanColourEncoder(), folder, k=2)


def test_bad_folders_and_splits_are_named(folder: Path, captioned: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no dataset folder"):
        load_labelled_pictures(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no split 'test'; it has train, val"):
        load_labelled_pictures(captioned, split="test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="at least 2 classes, got 0"):
        load_labelled_pictures(tmp_path / "empty")


def test_malformed_listing_is_named(captioned: Path) -> None:
    (captioned / "captions.jsonl").write_text('{"label": "Red"}\n')
    with pytest.raises(InputError, match=r"captions\.jsonl must hold one object a line"):
        load_labelled_pictures(captioned)


@pytest.mark.parametrize("k", [0, 12])
def test_k_is_checked(folder: Path, k: int) -> None:
    with pytest.raises(InputError, match=f"got {k}"):
        evaluate_class_retrieval(MeanColourEncoder(), folder, k=k)


class Mute:
    """An encoder of tiles only."""

    def __init__(self) -> None:
        inner = MeanColourEncoder()
        self.space, self.prepare, self.encode = inner.space, inner.prepare, inner.encode


def test_encoder_without_text_is_refused(folder: Path) -> None:
    encoder: EncodesTiles = Mute()
    with pytest.raises(InputError, match="mean-colour takes no text"):
        evaluate_class_retrieval(encoder, folder)


def test_progress_counts_to_the_end(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    evaluate_class_retrieval(MeanColourEncoder(), folder, k=2, batch=5, progress=lambda *at: seen.append(at))
    assert seen == [(5, 12), (10, 12), (12, 12)]


def test_dataset_is_a_value(folder: Path) -> None:
    data = load_labelled_pictures(folder)
    assert isinstance(data, LabelledPictures)
    assert data.names == ("blue", "green", "red")
    np.testing.assert_array_equal(data.label_numbers, np.repeat([0, 1, 2], 4))
