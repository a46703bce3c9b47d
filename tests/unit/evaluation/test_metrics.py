import numpy as np
import pytest

from evaluation import bootstrap_interval, chance_of_hit, hit_at_k, precision_at_k


def test_precision_by_hand() -> None:
    scores = np.array([[0.9, 0.1, 0.8, 0.7], [0.1, 0.2, 0.3, 0.4]], dtype=np.float32)
    relevant = np.array([[True, True, False, True], [False, False, True, False]])
    # First query: best three are 0, 2, 3, of which 0 and 3 are right. Second: 3, 2, 1, of which 2 is right.
    np.testing.assert_allclose(precision_at_k(scores, relevant, 3), [2 / 3, 1 / 3])
    np.testing.assert_allclose(precision_at_k(scores, relevant, 1), [1.0, 0.0])
    np.testing.assert_allclose(precision_at_k(scores, relevant, 4), [3 / 4, 1 / 4])


def test_barred_candidates_come_last() -> None:
    scores = np.array([[-np.inf, 0.1, 0.2]], dtype=np.float32)
    relevant = np.array([[True, False, False]])
    assert precision_at_k(scores, relevant, 2)[0] == 0.0


def test_hit_by_hand() -> None:
    scores = np.array([[0.9, 0.1, 0.8], [0.1, 0.2, 0.3]], dtype=np.float32)
    relevant = np.array([[False, True, False], [True, False, False]])
    np.testing.assert_array_equal(hit_at_k(scores, relevant, 2), [0.0, 0.0])
    np.testing.assert_array_equal(hit_at_k(scores, relevant, 3), [1.0, 1.0])


@pytest.mark.parametrize(
    ("relevant", "candidates", "k", "expected"),
    [(1, 100, 10, 0.1), (0, 100, 10, 0.0), (2, 4, 2, 1 - 1 / 6), (95, 100, 10, 1.0)],
)
def test_chance_of_hit_by_hand(relevant: int, candidates: int, k: int, expected: float) -> None:
    assert chance_of_hit(relevant, candidates, k) == pytest.approx(expected)


def test_chance_of_hit_agrees_with_drawing() -> None:
    random = np.random.default_rng(0)
    drawn = np.mean([random.choice(30, size=5, replace=False).min() < 3 for _ in range(20_000)])
    assert chance_of_hit(3, 30, 5) == pytest.approx(drawn, abs=0.01)


def test_interval_is_a_point_when_all_queries_agree() -> None:
    assert bootstrap_interval(np.full(20, 0.7)) == pytest.approx((0.7, 0.7))


def test_interval_has_the_width_of_the_normal_approximation() -> None:
    values = (np.random.default_rng(1).random(900) < 0.7).astype(np.float64)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    assert low < values.mean() < high
