"""Objects of yes/no questions as queries, by hand."""

import dataclasses
import json
from collections.abc import Sequence

import numpy as np
import pytest

from core import InputError, Question, Sample, Tile
from core.testing import MeanColourEncoder
from evaluation import Options, evaluate
from evaluation._presence import drawn_means, drawn_precisions
from evaluation._questions import object_of, read_answers
from evaluation._spectral import weighted_average_precision
from tests.unit.evaluation.doubles import BLUE, GREEN, RED, Held, coloured, pictures, sample, spectral

EXACT = 1e-9
ORANGE = (200, 120, 10)
ASKED = ((RED, "yes"), (GREEN, "yes"), (GREEN, "no"), (RED, None), (GREEN, "no"), (RED, "no"))


def about(answer: str | None, text: str = "Is there a red field?", kind: str = "presence") -> tuple[Question, ...]:
    """A question with its answer, or none."""
    return () if answer is None else (Question(text=text, answer=answer, kind=kind),)


def answered(rows: Sequence[tuple[tuple[int, int, int], str | None]], prefix: str = "p") -> tuple[Sample, ...]:
    """Pictures of one colour each that were asked for a red field."""
    return tuple(
        sample(f"{prefix}{number}", {"image": coloured(colour)}, questions=about(answer), split="test")
        for number, (colour, answer) in enumerate(rows)
    )


def test_pictures_answered_yes_are_right_and_unasked_ones_no_candidates() -> None:
    figure = evaluate("presence", MeanColourEncoder(), Held(held=answered(ASKED))).figure("presence mAP")
    # Red ones first, then green ones, each in order: yes, no, yes, no, no.
    assert figure.value == pytest.approx((1 / 1 + 2 / 3) / 2, abs=EXACT)
    # Two right of five: (H + (2 - 1) / (5 - 1) * (5 - H)) / 5 with H = 137/60.
    assert figure.chance == pytest.approx((137 / 60 + (5 - 137 / 60) / 4) / 5, abs=EXACT)
    assert (figure.baseline, figure.queries) == (None, 1)
    assert 0 < figure.low < figure.value < figure.high <= 1


def test_colours_answer_where_training_pictures_say_what_words_look_like() -> None:
    asked = answered(((RED, "yes"), (RED, "yes"), (GREEN, "no"), (GREEN, "no")))
    for colour, other, expected in ((RED, GREEN, 1.0), (GREEN, RED, (1 / 3 + 2 / 4) / 2)):
        training = pictures([(colour, (), ("a red field",)), (other, (), ("a meadow",))], "train", start=100)
        figure = evaluate("presence", MeanColourEncoder(), Held(held=(*training, *asked))).figure("presence mAP")
        assert figure.baseline == pytest.approx(expected, abs=EXACT)


def test_objects_are_averaged_and_listed_one_by_one() -> None:
    blue = ("yes", "yes", "no", "no", "no", "yes")
    held = tuple(
        sample(f"p{number}", {"image": coloured(colour)}, questions=about(red) + about(said, "Is a blue roof present?"))
        for number, ((colour, red), said) in enumerate(zip(ASKED, blue, strict=True))
    )
    report = evaluate("presence", MeanColourEncoder(), Held(held=held))
    by_object = report.by_class["presence mAP"]
    assert by_object["red field"] == pytest.approx(5 / 6, abs=EXACT)
    assert set(by_object) == {"red field", "blue roof"}
    figure = report.figure("presence mAP")
    assert figure.value == pytest.approx((5 / 6 + by_object["blue roof"]) / 2, abs=EXACT)
    assert "2 of 2 objects with at least 2 yes and 2 no (yes/no): blue roof 3/3, red field 2/3" in report.notes[0]


def test_contradictory_answers_and_strange_wordings_are_left_out_and_counted() -> None:
    rows = list(answered(ASKED))
    twice = about("yes") + about("no", "Is a red  field present in the image?")
    rows[3] = sample("p3", {"image": coloured(RED)}, questions=twice, split="test")
    strange = about("yes", "Which field is red?") + about("maybe") + about("4", "How many fields are there?", "count")
    rows.append(sample("p6", {"image": coloured(RED)}, questions=strange, split="test"))
    report = evaluate("presence", MeanColourEncoder(), Held(held=tuple(rows)))
    assert report.figure("presence mAP").value == pytest.approx(5 / 6, abs=EXACT)
    assert "1 pairs of picture and object were left out as contradictory" in report.notes[0]
    assert "2 questions were left out as not understood, e.g. Which field is red? yes" in report.notes[0]
    assert "9 questions about presence" in report.notes[0]


def patched(colour: tuple[int, int, int], patch: tuple[int, int, int]) -> Tile:
    """A picture of one colour with a quarter of another."""
    tile = coloured(colour)
    pixels = tile.pixels.copy()
    pixels[:, :10, 10:] = np.array(patch)[:, None, None]
    return dataclasses.replace(tile, pixels=pixels)


def test_a_picture_is_as_good_as_its_best_tile() -> None:
    tiles = [
        (patched(BLUE, RED), "yes"),
        (coloured(ORANGE), "no"),
        (patched(GREEN, RED), "yes"),
        (coloured(ORANGE), "no"),
    ]
    held = Held(
        held=tuple(sample(f"p{n}", {"image": tile}, questions=about(said)) for n, (tile, said) in enumerate(tiles))
    )
    whole = evaluate("presence", MeanColourEncoder(), held)
    cut = evaluate("presence", MeanColourEncoder(), held, Options(tile_px=10))
    # Whole, orange is nearer to red than a picture with a red quarter: no, no, yes, yes.
    assert whole.figure("presence mAP").value == pytest.approx((1 / 3 + 2 / 4) / 2, abs=EXACT)
    assert cut.figure("presence mAP").value == pytest.approx(1.0, abs=EXACT)
    assert (whole.pictures, cut.pictures) == (4, 16)


def test_sources_of_rsvqa_are_ranked_apart() -> None:
    right = ((RED, "yes"), (RED, "yes"), (GREEN, "no"), (GREEN, "no"))
    wrong = ((GREEN, "yes"), (GREEN, "yes"), (RED, "no"), (RED, "no"))
    held = Held(name="rsvqa", held=answered(right, "lr-") + answered(wrong, "hr-"))
    report = evaluate("presence", MeanColourEncoder(), held)
    assert report.figure("presence mAP, RSVQA-LR").value == pytest.approx(1.0, abs=EXACT)
    assert report.figure("presence mAP, RSVQA-HR").value == pytest.approx((1 / 3 + 2 / 4) / 2, abs=EXACT)
    assert len(report.notes) == 2
    json.loads(report.to_json())


def test_a_source_without_enough_answers_is_named_and_not_read() -> None:
    right = ((RED, "yes"), (RED, "yes"), (GREEN, "no"), (GREEN, "no"))
    held = Held(name="rsvqa", held=answered(right, "lr-") + answered(right[:3], "hr-"))
    report = evaluate("presence", MeanColourEncoder(), held)
    assert (len(report.figures), report.pictures) == (1, 4)
    assert any("RSVQA-HR: 3 pictures" in note and "none is asked" in note for note in report.notes)


def test_examples_show_candidates_only() -> None:
    report = evaluate("presence", MeanColourEncoder(), Held(held=answered(ASKED)))
    (example,) = report.examples
    assert [hit.sample.sample_id for hit in example.hits] == ["p0", "p5", "p1", "p2", "p4"]
    assert example.right == (True, False, True, False, False)


def test_too_few_answers_say_what_would_work() -> None:
    with pytest.raises(InputError, match=r"2 pictures have and 2 lack.*it has 2 pictures, 1 objects; --split all"):
        evaluate("presence", MeanColourEncoder(), Held(held=answered(ASKED[:2])))
    with pytest.raises(InputError, match="needs samples with yes/no questions of kind 'presence', and none has any"):
        evaluate("presence", MeanColourEncoder(), Held(held=pictures([(RED, (), ())])))


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Is there a water area?", "water area"),
        ("Is a golf course next to a  water area present in the image?", "golf course next to a water area"),
        ("Is there an airport in the image?", "airport"),
        ("Are there any ships present in the picture?", "ships"),
        ("Is water present?", "water"),
        ("What is present?", None),
        ("Is it a rural area?", None),
    ],
)
def test_objects_are_read_from_questions(question: str, name: str | None) -> None:
    assert object_of(question) == name


def test_the_same_answer_twice_is_no_contradiction() -> None:
    asked = about("yes") + about("Yes", "Is a red field present?")
    answers = read_answers([sample("a", {"s2": spectral({"B04": 0.1})}, questions=asked)])
    assert (answers.objects, answers.truth.tolist(), answers.contradictory) == (("red field",), [[1]], 0)


def test_draws_equal_the_ranking_written_out() -> None:
    random = np.random.default_rng(0)
    right = np.array([0, 1, 1, 0, 1], dtype=np.int32)
    weights = random.integers(0, 4, (50, 5))
    weights[0], weights[1] = [1, 0, 0, 2, 0], [0, 3, 1, 0, 0]
    drawn = drawn_precisions(right, weights)
    assert np.isnan(drawn[:2]).all(), "no right candidate, or only right ones, was drawn"
    written = [weighted_average_precision(right, row) for row in weights[2:]]
    mixed = ~np.isnan(drawn[2:])
    assert mixed.sum() > 40
    np.testing.assert_allclose(drawn[2:][mixed], np.array(written)[mixed], atol=EXACT)


def test_the_interval_draws_pictures_and_objects() -> None:
    scores = np.array([[4, 3, 2, 1], [1, 2, 3, 4]], dtype=np.float32)
    truth = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], dtype=np.int32)
    drawn = drawn_means(scores, truth, ["a", "b", "c", "d"])
    # The first object is perfect in every draw, the second worse than that in every one.
    assert np.nanmax(drawn) == 1.0
    one = drawn_means(scores[:1], truth[:1], ["a", "b", "c", "d"])
    assert set(one[~np.isnan(one)].tolist()) == {1.0}
    # All from the first half or all from the second: 2 (1/2)^4 of the draws.
    assert np.isnan(one).mean() == pytest.approx(1 / 8, abs=0.03)
