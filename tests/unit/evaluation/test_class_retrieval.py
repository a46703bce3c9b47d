"""The protocol on pictures of one colour each, with an encoder whose answers can be worked out by hand."""

import json

import pytest

from core import EncodesTiles, InputError, Sample
from core.testing import MeanColourEncoder
from evaluation import Options, evaluate
from tests.unit.evaluation.doubles import BLUE, GREEN, RED, Held, coloured, pictures, sample

COLOURS = {"Red": RED, "Green": GREEN, "Blue": BLUE}


def plain() -> tuple[Sample, ...]:
    return pictures([(colour, (label,), ()) for label, colour in COLOURS.items() for _ in range(4)])


def captioned() -> tuple[Sample, ...]:
    said = {"Red": "something blue .", "Green": "something green .", "Blue": "something blue ."}
    rows = [(colour, (label,), (said[label],)) for label, colour in COLOURS.items() for _ in range(3)]
    extra = [(colour, (label,), (said[label],)) for label, colour in COLOURS.items()]
    return pictures(rows, "val") + pictures(extra, "train", start=100)


def test_perfect_encoder_is_perfect() -> None:
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=plain()), Options(k=3))
    assert [figure.value for figure in report.figures] == [1.0, 1.0, 1.0]
    assert (report.pictures, report.samples, report.classes, report.groups) == (12, 12, 3, 12)
    assert report.by_class["text precision@3"] == {"blue": 1.0, "green": 1.0, "red": 1.0}
    text, picture, accuracy = report.figures
    assert (text.queries, picture.queries, accuracy.queries) == (3, 12, 12)
    assert text.chance == pytest.approx(4 / 12, abs=1e-9)
    assert picture.chance == pytest.approx(3 / 11, abs=1e-9)
    assert accuracy.chance == pytest.approx(1 / 3, abs=1e-9)
    assert picture.baseline == 1.0, "colour alone tells these classes apart"
    assert text.baseline is None, "without a training split nothing says what colour a word has"


def test_a_wrong_picture_costs_what_it_should() -> None:
    held = plain()
    wrong = (*held[:3], sample("p3", {"image": coloured(GREEN)}, labels=("Red",)), *held[4:])
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=wrong), Options(k=4))
    # `green` ties five pictures, of which the first four hold the odd one. `red` finds the three red ones, and of the
    # others, all as far from red, the first is the odd one again.
    assert report.by_class["text precision@4"] == pytest.approx({"blue": 1.0, "green": 0.75, "red": 1.0}, abs=1e-9)
    assert report.figure("zero-shot accuracy").value == pytest.approx(11 / 12, abs=1e-9)


def test_a_picture_never_finds_itself() -> None:
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=plain()), Options(k=11))
    # All eleven others are looked at, three of them of the own class.
    assert report.figure("image precision@11").value == pytest.approx(3 / 11, abs=1e-9)


def test_identical_captions_count_as_right() -> None:
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=captioned()), Options(k=3))
    assert report.split == "val"
    caption = report.figure("caption recall@3")
    # Red pictures carry the words of blue ones, and the three best for those words are blue: right all the same.
    assert caption.value == 1.0
    assert caption.queries == 9
    assert caption.chance == pytest.approx((6 * (1 - 1 / 84) + 3 * (1 - 20 / 84)) / 9, abs=1e-9)
    assert "identical caption counts as right" in caption.meaning


def test_pictures_find_their_captions() -> None:
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=captioned()), Options(k=1))
    figure = report.figure("picture-to-caption recall@1")
    # Two different captions. Green and blue pictures find theirs. Red is as far from both, and theirs comes first.
    assert figure.value == 1.0
    assert figure.chance == pytest.approx(1 / 2, abs=1e-9)


def test_words_of_captions_are_queries() -> None:
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=captioned()), Options(k=3))
    figure = report.figure("word precision@3")
    # `something`, in every caption, is always right; `something green` finds the three green ones; `something blue` is
    # in the captions of the red and the blue pictures and finds blue ones. `green` and `blue` are class names.
    assert figure.queries == 3
    assert figure.value == 1.0
    assert figure.chance == pytest.approx((9 + 3 + 6) / 27, abs=1e-9)


def test_training_pictures_say_what_colour_a_word_has() -> None:
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=captioned()), Options(k=3))
    # One training picture a class. The word `green` means green; `red` red; `blue` is said of red and blue pictures:
    # red and blue are then equally near, and red ones come first.
    assert report.figure("text precision@3").baseline == pytest.approx(2 / 3, abs=1e-9)


def test_held_out_classes_are_reported_apart() -> None:
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=plain()), Options(k=3, classes_out=("Red",)))
    apart = report.figure("image precision@3, held-out classes")
    assert (apart.queries, apart.value) == (4, 1.0)
    assert apart.chance == pytest.approx(3 / 11, abs=1e-9), "they are searched for among all pictures"
    assert report.settings == {"k": 3, "classes_out": ["Red"]}


def test_report_says_what_each_figure_means() -> None:
    report = evaluate("class-retrieval", MeanColourEncoder(), Held(held=captioned()), Options(k=2))
    text = report.to_markdown()
    assert "| text precision@2 | 1.000 | 1.000 to 1.000 | 0.333 |" in text
    assert "split val (real data): 9 pictures, 3 classes" in text
    assert all(f"**{figure.name}**: {figure.meaning}" in text for figure in report.figures)
    again = json.loads(report.to_json())
    assert again["figures"][0]["value"] == 1.0
    assert again["encoder"] == "mean-colour@1 (4-d, cosine)"


@pytest.mark.parametrize("k", [12, 40])
def test_k_is_checked(k: int) -> None:
    with pytest.raises(InputError, match=f"under the 12 pictures, got {k}"):
        evaluate("class-retrieval", MeanColourEncoder(), Held(held=plain()), Options(k=k))


class Mute:
    """An encoder of tiles only."""

    def __init__(self) -> None:
        inner = MeanColourEncoder()
        self.space, self.prepare, self.encode = inner.space, inner.prepare, inner.encode


@pytest.mark.parametrize("protocol", ["class-retrieval", "zero-shot", "image-text"])
def test_encoder_without_text_is_refused(protocol: str) -> None:
    encoder: EncodesTiles = Mute()
    with pytest.raises(InputError, match=f"mean-colour takes no text; {protocol} needs an encoder that does"):
        evaluate(protocol, encoder, Held(held=plain()))


def test_samples_of_several_classes_are_refused() -> None:
    held = (*plain(), sample("odd", {"image": coloured(RED)}, labels=("Red", "Blue")))
    with pytest.raises(InputError, match="odd has 2 classes; multi-label-map and closp-ndcg take several"):
        evaluate("class-retrieval", MeanColourEncoder(), Held(held=held))


def test_one_class_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2 classes, got 1"):
        evaluate("class-retrieval", MeanColourEncoder(), Held(held=plain()[:4]))
