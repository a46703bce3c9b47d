"""The variants of image-text on three pictures whose captions repeat."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from core import InputError, UnknownNameError
from core.testing import MeanColourEncoder
from evaluation import Options, Report, evaluate
from tests.unit.evaluation.doubles import BLUE, GREEN, RED, Held, pictures

SAID = [
    (RED, (), ("red", "red field")),
    (RED, (), ("red", "blue")),
    (GREEN, (), ("green", "lawn")),
    (BLUE, (), ("blue",)),
]
HELD = Held(held=pictures(SAID))


def measured(variant: str) -> Report:
    return evaluate("image-text", MeanColourEncoder(), HELD, Options(variant=variant))


def test_karpathy_counts_only_the_picture_a_caption_was_written_for() -> None:
    report = measured("karpathy")
    # Seven queries. `red` and `red field` of the first picture find it first; `red` of the second finds the first too:
    # wrong. `blue` of the second finds the blue one: wrong. `green`, `blue` are right; `lawn` means gray, all alike but
    # for how far they are from gray: the first wins, wrong.
    figure = report.figure("text-to-image recall@1")
    assert figure.queries == 7
    assert figure.value == pytest.approx(4 / 7, abs=1e-9)
    assert figure.chance == pytest.approx(1 / 4, abs=1e-9)
    # Every picture but none finds a caption of its own first: red `red`, red `red`, green `green`, blue `blue` (of the
    # second picture, which stands first): wrong by this variant.
    back = report.figure("image-to-text recall@1")
    assert back.queries == 4
    assert back.value == pytest.approx(2 / 4, abs=1e-9)


def test_identical_captions_count_as_right_where_they_are_joined() -> None:
    report = measured("duplicate-aware")
    figure = report.figure("text-to-image recall@1")
    # Five different captions: `red`, `red field`, `blue`, `green` right, `lawn` wrong.
    assert figure.queries == 5
    assert figure.value == pytest.approx(4 / 5, abs=1e-9)
    assert figure.chance == pytest.approx((2 + 1 + 2 + 1 + 1) / 5 / 4, abs=1e-9)
    assert report.figure("image-to-text recall@1").value == pytest.approx(4 / 4, abs=1e-9)


def test_mean_recall_is_the_mean_of_the_six() -> None:
    report = measured("duplicate-aware")
    six = [figure.value for figure in report.figures if figure.name != "mR"]
    assert len(six) == 6
    assert report.figure("mR").value == pytest.approx(sum(six) / 6, abs=1e-9)
    assert report.variant == "duplicate-aware"


class Hearing(MeanColourEncoder):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.heard += list(texts)
        return super().encode_text(texts)


@pytest.mark.parametrize(
    ("variant", "written"),
    [
        ("karpathy", ["red", "red field", "red", "blue", "green", "lawn", "blue"]),
        ("remoteclip", ["Red", "Red field", "Red", "Blue", "Green", "Lawn", "Blue"]),
        ("skyscript", [f"a satellite image. {word}" for word in ("red", "red field", "blue", "green", "lawn")]),
    ],
)
def test_variants_write_captions_as_published(variant: str, written: list[str]) -> None:
    encoder = Hearing()
    evaluate("image-text", encoder, HELD, Options(variant=variant))
    assert encoder.heard == written


def test_unknown_variant_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown variant of image-text 'mscoco'; known: karpathy, remoteclip"):
        measured("mscoco")


def test_samples_without_captions_are_refused() -> None:
    with pytest.raises(InputError, match="needs samples with captions"):
        evaluate("image-text", MeanColourEncoder(), Held(held=pictures([(RED, ("a",), ())])))
