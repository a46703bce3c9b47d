"""Every measure on rankings short enough to be worked out by hand."""

from math import log2

import numpy as np
import pytest

from evaluation._chance import (
    chance_of_average_precision,
    chance_of_hit,
    chance_of_median_rank,
    chance_of_ndcg,
    chance_of_reciprocal_rank,
)
from evaluation._interval import Grouped, bootstrap_interval, median_interval
from evaluation._label_overlap import harmonic, overlap
from evaluation._ranking import AP, NO_CANDIDATE, RR, Gains, P, Success, nDCG, order_candidates, rank_candidates

EXACT = 1e-9
MEASURES = [P @ 2, Success @ 1, Success @ 3, AP, RR, nDCG @ 3]


def ranked(scores: list[list[float]], gains: list[list[int]]) -> dict[str, list[float]]:
    """Rank with vectors that have exactly these dot products."""
    table = np.array(gains, dtype=np.int32)
    gallery = np.eye(table.shape[1], dtype=np.float32)
    found = rank_candidates(np.array(scores, dtype=np.float32), gallery, lambda part: table[part].copy(), MEASURES)
    return {str(measure): values.tolist() for measure, values in found.values.items()}


def test_measures_by_hand() -> None:
    # Order of the first query: candidates 0, 2, 3, 1 with gains 1, 0, 2, 1. Of the second: 3, 2, 1, 0 with 0, 1, 0, 0.
    found = ranked([[0.9, 0.1, 0.8, 0.7], [0.1, 0.2, 0.3, 0.4]], [[1, 1, 0, 2], [0, 0, 1, 0]])
    assert found["P@2"] == pytest.approx([1 / 2, 1 / 2], abs=EXACT)
    assert found["Success@1"] == pytest.approx([1, 0], abs=EXACT)
    assert found["Success@3"] == pytest.approx([1, 1], abs=EXACT)
    assert found["AP"] == pytest.approx([(1 / 1 + 2 / 3 + 3 / 4) / 3, 1 / 2], abs=EXACT)
    assert found["RR"] == pytest.approx([1, 1 / 2], abs=EXACT)
    # Gain over log2(rank + 1); the ideal order of the whole corpus is 2, 1, 1.
    ideal = 2 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert found["nDCG@3"] == pytest.approx([(1 / log2(2) + 2 / log2(4)) / ideal, 1 / log2(3)], abs=EXACT)


def test_what_is_no_candidate_is_neither_found_nor_missed() -> None:
    found = ranked([[0.9, 0.8, 0.7, 0.6]], [[NO_CANDIDATE, 0, 1, 0]])
    # Left are candidates 1, 2, 3, of which the second is right.
    assert found["P@2"] == pytest.approx([1 / 2], abs=EXACT)
    assert found["AP"] == pytest.approx([1 / 2], abs=EXACT)
    assert found["Success@1"] == [0]


def test_of_equal_scores_the_earlier_candidate_is_better() -> None:
    found = ranked([[0.5] * 12], [[0] * 2 + [1] + [0] * 9])
    assert found["RR"] == pytest.approx([1 / 3], abs=EXACT)


def test_a_query_without_a_right_answer_scores_zero() -> None:
    assert ranked([[0.5, 0.4, 0.3]], [[0, 0, 0]])["AP"] == [0]


def test_figures_do_not_depend_on_how_queries_are_cut_into_chunks() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(600, 5)).astype(np.float32)
    truth: Gains = (random.random((600, 600)) < 0.1).astype(np.int32)
    whole = rank_candidates(vectors, vectors, lambda part: truth[part].copy(), [AP, P @ 5])
    rows = [37, 255, 256, 599]
    alone = rank_candidates(vectors[rows], vectors, lambda part: truth[rows][part].copy(), [AP, P @ 5])
    np.testing.assert_allclose(whole.values[AP][rows], alone.values[AP], atol=EXACT)
    np.testing.assert_allclose(whole.values[P @ 5][rows], alone.values[P @ 5], atol=EXACT)
    assert whole.best[37].tolist() == alone.best[0].tolist()


@pytest.mark.parametrize(
    ("relevant", "candidates", "k", "expected"),
    [(1, 100, 10, 0.1), (0, 100, 10, 0.0), (2, 4, 2, 1 - 1 / 6), (95, 100, 10, 1.0), (1, 5, 10, 1.0), (0, 5, 10, 0.0)],
)
def test_chance_of_hit_by_hand(relevant: int, candidates: int, k: int, expected: float) -> None:
    assert chance_of_hit(relevant, candidates, k) == pytest.approx(expected, abs=EXACT)


def test_chance_by_writing_out_all_orders() -> None:
    # Two right of three: orders RRx, RxR, xRR, equally likely.
    by_hand = (1 + (1 + 2 / 3) / 2 + (1 / 2 + 2 / 3) / 2) / 3
    assert chance_of_average_precision(2, 3) == pytest.approx(by_hand, abs=EXACT)
    assert chance_of_reciprocal_rank(2, 3) == pytest.approx((1 + 1 + 1 / 2) / 3, abs=EXACT)
    # One right of four stands at rank 1, 2, 3 or 4; half of the orders have it among the first two.
    assert chance_of_median_rank(1, 4) == 2
    assert chance_of_average_precision(1, 4) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, abs=EXACT)
    # Gains 2 and 0, looked at to rank 1: 2 or 0, ideally 2. To rank 2: 2 or 2 / log2(3), ideally 2.
    gains = np.array([0, 2], dtype=np.int32)
    assert chance_of_ndcg(gains, 1) == pytest.approx(1 / 2, abs=EXACT)
    assert chance_of_ndcg(gains, None) == pytest.approx((1 + 1 / log2(3)) / 2, abs=EXACT)


def test_chance_agrees_with_drawing() -> None:
    random = np.random.default_rng(0)
    gains = np.array([2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], dtype=np.int32)
    count = 4000
    queries = random.normal(size=(count, 12)).astype(np.float32)
    gallery = np.eye(12, dtype=np.float32)
    found = rank_candidates(queries, gallery, lambda part: np.tile(gains, (part.stop - part.start, 1)), MEASURES)
    for measure in MEASURES:
        assert found.values[measure].mean() == pytest.approx(found.chance[measure].mean(), abs=0.02), measure


def test_overlap_of_label_sets_by_hand() -> None:
    queries = np.array([[1, 1, 0], [0, 0, 1]], dtype=np.int32)
    gallery = np.array([[1, 0, 0], [1, 1, 1], [0, 0, 1]], dtype=np.int32)
    order = np.array([[0, 1, 2], [1, 2, 0]])
    precision, recall = overlap(queries, gallery, order, 2)
    # First query {a, b} finds {a} and {a, b, c}; the second, {c}, finds {a, b, c} and {c}.
    assert precision.tolist() == pytest.approx([(1 + 2 / 3) / 2, (1 / 3 + 1) / 2], abs=EXACT)
    assert recall.tolist() == pytest.approx([(1 / 2 + 1) / 2, 1.0], abs=EXACT)
    assert harmonic([0.5, 1.0]) == pytest.approx(2 / 3, abs=EXACT)
    assert harmonic([0.0, 0.0]) == 0.0


def grouped(values: list[float], groups: list[str]) -> Grouped:
    return Grouped(values=np.array(values), groups=tuple(groups))


def first(means: object) -> float:
    return float(means[0])  # type: ignore[index]  # a sequence, seen as any callable sees it


def test_interval_is_a_point_when_all_queries_agree() -> None:
    assert bootstrap_interval([grouped([0.7] * 20, [str(n) for n in range(20)])], first) == pytest.approx((0.7, 0.7))


def test_interval_has_the_width_of_the_normal_approximation() -> None:
    values = (np.random.default_rng(1).random(900) < 0.7).astype(np.float64)
    low, high = bootstrap_interval([grouped(values.tolist(), [str(n) for n in range(900)])], first)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    assert low < values.mean() < high


def test_interval_of_few_groups_is_wider_than_of_as_many_single_queries() -> None:
    values = [float(number % 4 == 0) for number in range(4) for _ in range(25)]
    scenes = [str(number) for number in range(4) for _ in range(25)]
    narrow = bootstrap_interval([grouped(values, [str(n) for n in range(100)])], first)
    wide = bootstrap_interval([grouped(values, scenes)], first)
    assert wide[0] == 0.0, "a draw of four scenes may leave out the only good one"
    assert narrow[0] > 0.1


def test_interval_of_one_group_draws_queries() -> None:
    values = [0.0, 1.0] * 50
    alone = bootstrap_interval([grouped(values, ["scene"] * 100)], first)
    assert alone == bootstrap_interval([grouped(values, [f"{n}" for n in range(100)])], first)
    assert alone[0] < 0.5 < alone[1]


def test_interval_of_the_median_holds_the_median() -> None:
    low, high = median_interval(grouped([1.0, 2.0, 3.0, 4.0, 100.0], list("abcde")))
    assert low <= 3.0 <= high
    assert low >= 1.0


def test_order_puts_what_is_no_candidate_last() -> None:
    order = order_candidates(np.array([[0.9, 0.1, 0.2]], dtype=np.float32), np.array([[-1, 0, 0]], dtype=np.int32))
    assert order.tolist() == [[2, 1, 0]]
