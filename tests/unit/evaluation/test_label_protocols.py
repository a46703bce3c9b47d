"""closp-ndcg, class-map, multi-label-map, zero-shot and composed, by hand."""

from math import log2

import numpy as np
import pytest

from core import InputError
from core.testing import MeanColourEncoder
from evaluation import Options, evaluate
from evaluation._closp import label_gains
from evaluation._composed import combine
from evaluation._zero_shot import PROMPTS, prompted
from tests.unit.evaluation.doubles import BLUE, GREEN, RED, Held, coloured, pictures, sample

EXACT = 1e-9


def test_gains_are_shared_labels_or_all_of_them() -> None:
    queries = [frozenset({"a", "b"}), frozenset({"c"})]
    there = [frozenset({"a"}), frozenset({"a", "b", "c"}), frozenset[str]()]
    assert label_gains(queries, there, graded=True).tolist() == [[1, 2, 0], [0, 1, 0]]
    assert label_gains(queries, there, graded=False).tolist() == [[0, 1, 0], [0, 1, 0]]


def test_closp_by_sensor_and_mixed() -> None:
    held = (
        sample("a", {"s1": coloured(RED)}, labels=("red", "green")),
        sample("b", {"s1": coloured(GREEN)}, labels=("green",)),
        sample("c", {"s2": coloured(GREEN)}, labels=("green",)),
    )
    report = evaluate("closp-ndcg", MeanColourEncoder(), Held(held=held))
    # Over both sensors, `green` finds b, c, a, all right; `red` finds a.
    assert report.figure("mixed nDCG@1000, binary, single labels").value == pytest.approx(1.0, abs=EXACT)
    # Sets of s1: `green` (gains a 1, b 1), and `green. red` (a 2, b 1), which this encoder reads as red: a is first.
    assert report.figure("s1 nDCG@1000, graded, label sets").value == pytest.approx(1.0, abs=EXACT)
    assert report.figure("s1 nDCG@1000, graded, label sets").queries == 2
    assert report.figure("s2 nDCG@1000, binary, single labels").queries == 1
    assert any("not public" in note for note in report.notes)


def test_closp_pays_for_a_wrong_order() -> None:
    held = (
        sample("a", {"s1": coloured(GREEN)}, labels=("red",)),
        sample("b", {"s1": coloured(RED)}, labels=("green",)),
        sample("c", {"s1": coloured(RED)}, labels=("red",)),
    )
    report = evaluate("closp-ndcg", MeanColourEncoder(), Held(held=held))
    figure = report.figure("s1 nDCG@1000, binary, single labels")
    # `green` finds a, b, c: b is second. `red` finds b, c, a: right are the second and the third.
    red = (1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3))
    assert figure.value == pytest.approx((1 / log2(3) + red) / 2, abs=EXACT)


def test_class_map_by_hand() -> None:
    rows = [(RED, ("x",), ()), (GREEN, ("x",), ()), (GREEN, ("y",), ()), (RED, ("y",), ())]
    report = evaluate("class-map", MeanColourEncoder(), Held(held=pictures(rows)), Options(k=1))
    # Picture 0 (red x) finds 3 (red y) first, then 1 (green x), then 2. Its one right answer is second, as for all.
    assert report.figure("image mAP").value == pytest.approx((1 / 2 + 1 / 2 + 1 / 3 + 1 / 3) / 4, abs=EXACT)
    assert report.figure("image precision@1").value == 0.0
    assert report.figure("image mAP").chance == pytest.approx((1 + 1 / 2 + 1 / 3) / 3, abs=EXACT)


def test_a_class_of_one_picture_asks_nothing() -> None:
    rows = [(RED, ("x",), ()), (RED, ("x",), ()), (BLUE, ("alone",), ())]
    report = evaluate("class-map", MeanColourEncoder(), Held(held=pictures(rows)), Options(k=1))
    assert report.figure("image mAP").queries == 2
    assert report.notes == ("Classes of a single picture ask nothing: alone.",)


def test_multi_label_map_by_hand() -> None:
    rows = [(RED, ("red", "x"), ()), (GREEN, ("x",), ()), (GREEN, ("green",), ()), (BLUE, (), ())]
    report = evaluate("multi-label-map", MeanColourEncoder(), Held(held=pictures(rows)), Options(k=1))
    # Only pictures 0 and 1 share a label. 0 (red) is as far from 1, 2 and 3: its right one comes first. 1 (green) finds
    # 2 first, then 0 and 3, as far, 0 first.
    assert report.figure("image mAP").value == pytest.approx((1 + 1 / 2) / 2, abs=EXACT)
    assert report.figure("image mAP").queries == 2
    # Labels: `red` finds picture 0, `green` finds 1 before 2; `x` is gray, and all are as far: 0 and 1 come first.
    assert report.by_class["label mAP"] == pytest.approx({"red": 1.0, "green": 1 / 2, "x": 1.0}, abs=EXACT)


def test_zero_shot_reports_each_set_of_prompts() -> None:
    rows = [(colour, (name,), ()) for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE))]
    report = evaluate("zero-shot", MeanColourEncoder(), Held(held=pictures([*rows, (RED, ("blue",), ())])))
    for prompt in PROMPTS:
        # The full stop of `a satellite photo of red.` hides the colour word from this encoder: where every prompt has
        # one, all classes tie and the first of them, blue, wins.
        wanted = 3 / 4 if prompt in {"bare name", "skyscript prompts"} else 2 / 4
        assert report.figure(f"zero-shot accuracy, {prompt}").value == pytest.approx(wanted, abs=EXACT), prompt
    assert len(PROMPTS["clip-resisc45 prompts"]) == 18


def test_templates_are_averaged_to_a_unit_vector() -> None:
    encoder = MeanColourEncoder()
    vectors = prompted(encoder, ["red"], ("{}", "{} green"))
    mean = (encoder.encode_text(["red"]) + encoder.encode_text(["red green"])) / 2
    np.testing.assert_allclose(vectors, mean / np.linalg.norm(mean), atol=1e-6)


def composable() -> Held:
    described = [("roof", "red", RED), ("roof", "blue", BLUE), ("pool", "red", RED), ("pool", "blue", BLUE)]
    held = tuple(
        sample(f"{kind}-{value}", {"image": coloured(colour)}, labels=(kind, f"colour={value}"))
        for kind, value, colour in described
    )
    return Held(held=held)


def test_composed_beside_its_two_halves() -> None:
    report = evaluate("composed", MeanColourEncoder(), composable())
    # Four queries; the red roof is asked to be blue. Words alone find the blue roof, then the blue pool (the earlier
    # first): roofs at rank 1, pools at rank 2. The picture alone finds its own colour first, then the two blue ones.
    assert report.figure("mAP, words alone").value == pytest.approx((1 + 1 + 1 / 2 + 1 / 2) / 4, abs=EXACT)
    assert report.figure("mAP, picture alone").value == pytest.approx((1 / 2 + 1 / 2 + 1 / 3 + 1 / 3) / 4, abs=EXACT)
    assert report.figure("mAP, picture and words").queries == 4
    assert report.figure("mAP, words alone").chance == pytest.approx((1 + 1 / 2 + 1 / 3) / 3, abs=EXACT)
    assert report.examples[0].words == "but blue"


def test_similarities_are_standardised_before_they_are_summed() -> None:
    gains = np.array([[-1, 0, 1]], dtype=np.int32)
    pictures_, words = np.array([[9.0, 1.0, 3.0]], dtype=np.float32), np.array([[9.0, 0.2, 0.1]], dtype=np.float32)
    # Over the two candidates both standardise to -1 and 1, and 1 and -1: the halves cancel.
    np.testing.assert_allclose(combine(pictures_, words, gains)[0, 1:], [0.0, 0.0], atol=1e-6)


def test_composed_shows_the_labels_it_needs() -> None:
    with pytest.raises(InputError, match="'color=red', 'color=blue'"):
        evaluate("composed", MeanColourEncoder(), Held(held=pictures([(RED, ("roof",), ())])))
