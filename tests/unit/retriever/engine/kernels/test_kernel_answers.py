"""Kernels against plain numpy, on random rows of awkward shapes."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from retriever.engine._kernels import (
    _probe,
    _select,
    best_of_blocks,
    best_of_lists,
    best_of_matrix,
    better_rows,
    encode,
    interleave,
    nearest_lists,
    room_for,
    rotate,
    scan_blocks,
    scan_lists,
    score,
    score_all,
)
from retriever.engine._layout import BLOCK, LANES
from retriever.engine._shard import Shared
from tests.unit.retriever.engine.kernels.kernel_shards import World, bitmap

SHAPES = [(50, 4, 1), (1, 64, 1), (700, 100, 9), (257, 384, 5), (256, 512, 3)]
"""Rows, numbers in a vector, lists."""


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{shape[0]}x{shape[1]}", scope="module")
def world(request: pytest.FixtureRequest) -> World:
    return World(*request.param)


@pytest.fixture(scope="module")
def many() -> World:
    return World(3000, 64, 20, seed=5)


def expected_estimates(world: World) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The estimate as it is defined, of signs and the rotated query rounded to 16 steps."""
    way = rotate(world.vectors - world.centroids[world.list_of], world.shared)
    query = rotate(world.query[None], world.shared)[0]
    step = (query.max() - query.min()) / 15
    query = query.min() + step * np.floor((query - query.min()) / step + 0.5)
    factors = (way**2).sum(1) / np.maximum(np.abs(way).sum(1), 1e-30)
    base = world.prepared().dots[world.list_of]
    signs = np.where(way > 0, 1, -1)
    centroids = rotate(world.centroids, world.shared)[world.list_of]
    offsets = (way * centroids).sum(1) - factors * (signs * centroids).sum(1)
    offsets /= (world.centroids**2).sum(1)[world.list_of]
    estimates: np.ndarray[tuple[int], np.dtype[np.float32]] = base * (1 + offsets) + factors * (signs @ query)
    return estimates


def passing_of(world: World, share: float = 0.4) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    passing = np.random.default_rng(1).random(len(world.vectors)) < share
    passing[0] = True
    return passing


def test_rotation_keeps_dot_products(world: World) -> None:
    turned = rotate(world.vectors, world.shared)
    np.testing.assert_allclose(turned @ turned.T, world.vectors @ world.vectors.T, atol=1e-5)


def test_rotation_spreads_one_number_over_many() -> None:
    world = World(1, 512, 1)
    turned = rotate(np.eye(512, dtype=np.float32), world.shared)
    assert np.abs(turned).max() < 0.3


def test_estimates_of_all_blocks_are_those_of_the_definition(world: World) -> None:
    rows, estimates = scan_blocks(world.prepared(), world.shard, None, None, len(world.vectors))
    assert sorted(rows) == list(range(len(world.vectors)))
    assert (np.diff(estimates) <= 0).all()
    np.testing.assert_allclose(estimates, expected_estimates(world)[rows], atol=2e-5)


def test_lists_and_blocks_estimate_alike(world: World) -> None:
    prepared, room = world.prepared(), len(world.vectors)
    by_block = dict(zip(*scan_blocks(prepared, world.shard, None, None, room), strict=True))
    rows, estimates, examined, passed = scan_lists(prepared, world.shard, nearest_lists(prepared, 99), room=room)
    assert examined == passed == len(rows) == room
    np.testing.assert_allclose(estimates, [by_block[row] for row in rows], atol=1e-6)


def test_dot_products_with_centroids_are_near(world: World) -> None:
    np.testing.assert_allclose(world.prepared().dots, world.centroids @ world.query, atol=0.01)


def test_estimates_are_right_on_average_and_as_wrong_as_signs_of_random_directions() -> None:
    errors = []
    for seed in range(5):
        world = World(2000, 384, 12, seed=seed)
        rows, estimates = scan_blocks(world.prepared(), world.shard, None, None, 2000)
        errors.append((estimates - world.scores[rows]) / world.shard.factors[rows])
    # The part of the signs beside the vector: the square root of (1 - 2 / pi).
    assert abs(np.mean(errors)) < 0.06
    assert 0.5 < np.std(errors) < 0.7


def test_estimates_of_the_centroid_itself_are_exact() -> None:
    world = World(500, 384, 1)
    world.query = world.centroids[0]
    rows, estimates = scan_blocks(world.prepared(), world.shard, None, None, 500)
    # What is left is the rounding of the query to 16 steps.
    assert np.std(estimates - world.vectors[rows] @ world.query) < 0.01


def test_scores_are_dot_products(world: World) -> None:
    prepared, rows = world.prepared(), np.random.default_rng(2).permutation(len(world.vectors)).astype(np.int32)
    np.testing.assert_allclose(score(prepared, world.shard, rows), world.scores[rows], atol=1e-6)


def test_vectors_of_float32_are_scored_as_they_are() -> None:
    world = World(300, 100, 4, half=False)
    rows = np.arange(300, dtype=np.int32)
    np.testing.assert_allclose(score(world.prepared(), world.shard, rows), world.vectors @ world.query, atol=1e-6)


@pytest.mark.parametrize("keep", [1, 10, 5000])
def test_all_rows_that_pass_are_scored(many: World, keep: int) -> None:
    passing = passing_of(many)
    rows, scores = score_all(many.prepared(), many.shard, bitmap(passing), None, keep=keep)
    best = np.flatnonzero(passing)[np.argsort(-many.scores[passing])][:keep]
    assert rows.tolist() == best.tolist()
    np.testing.assert_allclose(scores, many.scores[best], atol=1e-6)


def test_rows_within_the_margin_come_along_however_many() -> None:
    world = World(2000, 4, 1)
    rows, scores = score_all(world.prepared(), world.shard, None, None, keep=5, margin=0.5)
    order = np.sort(world.scores)[::-1]
    assert len(rows) == (world.scores >= order[4] - 0.5).sum() > 300
    assert scores.min() >= order[4] - 0.5001


def test_a_scan_keeps_the_greatest_estimates_of_what_passes(many: World) -> None:
    passing, estimates = passing_of(many), expected_estimates(many)
    rows, found = scan_blocks(many.prepared(), many.shard, bitmap(passing), None, 200)
    expected = np.sort(estimates[passing])[::-1][:200]
    assert passing[rows].all()
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_only_chosen_blocks_are_scanned(many: World) -> None:
    blocks = np.array([1, 11], np.int32)
    rows, _ = scan_blocks(many.prepared(), many.shard, None, blocks, 3000)
    assert sorted(rows) == [*range(BLOCK, 2 * BLOCK), *range(11 * BLOCK, 3000)]
    rows, _ = score_all(many.prepared(), many.shard, None, blocks, keep=3000)
    assert sorted(rows) == [*range(BLOCK, 2 * BLOCK), *range(11 * BLOCK, 3000)]


def test_lists_are_searched_between_seconds_for_sensors_and_rows_that_pass(many: World) -> None:
    sensors = np.zeros(256, np.uint8)
    sensors[[1, 3]] = 1
    passing, order = passing_of(many), np.array([2, 7, 11], np.int32)
    dated = (many.seconds >= 200) & (many.seconds <= 600) & np.isin(many.list_of, order)
    rows, _, examined, passed = scan_lists(
        many.prepared(), many.shard, order, seconds=(200, 600), sensors=sensors, words=bitmap(passing), room=3000
    )
    assert sorted(rows) == np.flatnonzero(dated & passing & np.isin(many.sensor, [1, 3])).tolist()
    assert (examined, passed) == (dated.sum(), len(rows))


def test_the_most_promising_lists_come_first(many: World) -> None:
    prepared = many.prepared()
    assert nearest_lists(prepared, 7).tolist() == np.argsort(-prepared.hopes, kind="stable")[:7].tolist()


@pytest.mark.parametrize("share", [1.0, 0.4, 0.002])
def test_the_best_rows_are_found_where_candidates_are_many(many: World, share: float) -> None:
    passing, prepared = passing_of(many, share), many.prepared()
    best = np.flatnonzero(passing)[np.argsort(-many.scores[passing])][:10].tolist()
    words = bitmap(passing)
    rows, scores, _ = best_of_blocks(prepared, many.shard, words, None, room=20, keep=10)
    assert rows.tolist() == best
    np.testing.assert_allclose(scores, many.scores[best], atol=1e-6)
    rows, _, looked = best_of_lists(
        prepared, many.shard, probes=1, worth=0.0, words=words, room=20, keep=10, passing=int(passing.sum())
    )
    assert rows.tolist() == best
    assert looked.lists <= 20


def test_patience_ends_a_search_only_when_there_are_enough_rows(many: World) -> None:
    prepared = many.prepared()
    order = nearest_lists(prepared, 20)
    _, _, impatient, _ = scan_lists(prepared, many.shard, order, room=10, patience=2)
    _, _, patient, _ = scan_lists(prepared, many.shard, order, room=10)
    assert impatient < patient == 3000
    few = bitmap(np.arange(3000) == int(np.flatnonzero(many.list_of == order[-1])[0]))
    rows, _, examined, _ = scan_lists(prepared, many.shard, order, words=few, room=10, patience=2)
    assert (len(rows), examined) == (1, 3000)


def test_candidates_beyond_doubt_are_not_scored_and_the_best_are_the_same(many: World) -> None:
    prepared, best = many.prepared(), np.argsort(-many.scores)[:10].tolist()
    rows, _, scored = best_of_blocks(prepared, many.shard, None, None, room=2999, keep=10)
    assert rows.tolist() == best
    assert scored < 2999


def test_more_candidates_are_taken_until_none_can_be_better() -> None:
    world = World(3000, 16, 1)
    best = np.argsort(-world.scores)[:10].tolist()
    rows, _, scored = best_of_blocks(world.prepared(), world.shard, None, None, room=10, keep=10)
    assert rows.tolist() == best
    assert scored > 10


def test_lists_are_probed_that_are_thought_to_hold_enough_of_the_better_rows(many: World) -> None:
    prepared, least = many.prepared(), float(np.sort(many.scores)[-5])
    for worth in (0.0, 0.02, 0.1, 1.0):
        _, scores, looked = best_of_lists(prepared, many.shard, probes=2, worth=worth, room=3000, keep=5, passing=3000)
        better = better_rows(prepared, many.shard, float(scores.min()))
        assert max(2, int((better > worth * better.sum() * 1.01).sum())) <= looked.lists
        assert (looked.lists == 20) == (worth == 0)
        assert (looked.lists == 2) == (worth == 1)
        assert worth > 0 or scores.min() == pytest.approx(least)


def test_better_rows_are_those_of_normal_distributions_round_the_centroids(many: World) -> None:
    prepared, floor = many.prepared(), float(np.quantile(many.scores, 0.9))
    spreads, sizes = many.shared.spreads, many.shard.list_sizes
    expected = [
        size * (1 - NormalDist(dot, spread).cdf(floor))
        for size, dot, spread in zip(sizes.tolist(), prepared.dots.tolist(), spreads.tolist(), strict=True)
    ]
    np.testing.assert_allclose(better_rows(prepared, many.shard, floor), expected, rtol=0.25, atol=1e-3)


@pytest.mark.parametrize("share", [0.002, 0.3])
def test_rows_that_pass_are_counted_by_list(many: World, share: float) -> None:
    passing, sizes = passing_of(many, share), many.shard.list_sizes
    exact = np.bincount(many.list_of[passing], minlength=20)
    counted: Any = _probe.passing_of_lists
    found = counted(sizes, many.shard.list_of, bitmap(passing), int(passing.sum()))
    assert found.tolist() == exact.tolist()
    assert counted(sizes, many.shard.list_of, np.empty(0, np.uint64), 3000).tolist() == sizes.tolist()


def test_lists_in_which_no_row_passes_are_not_probed(many: World) -> None:
    only = many.list_of == 7
    rows, _, looked = best_of_lists(
        many.prepared(), many.shard, probes=4, worth=0.0, words=bitmap(only), room=50, keep=10, passing=int(only.sum())
    )
    assert looked.lists == 1
    assert rows.tolist() == np.flatnonzero(only)[np.argsort(-many.scores[only])][:10].tolist()


def test_of_many_rows_that_pass_some_tell_the_lists_of_all() -> None:
    world = World(40_000, 16, 8)
    passing = np.random.default_rng(0).random(40_000) < np.where(np.isin(world.list_of, [1, 5]), 0.0, 0.8)
    exact, sizes = np.bincount(world.list_of[passing], minlength=8), world.shard.list_sizes
    counted: Any = _probe.passing_of_lists
    found = counted(sizes, world.shard.list_of, bitmap(passing), int(passing.sum()))
    there = exact > 0
    np.testing.assert_allclose(found[there], exact[there], rtol=0.35)
    assert (found[~there] > 0).all()
    assert (found[~there] < 0.05 * sizes[~there]).all()
    nearly = np.ones(40_000, bool)
    nearly[3] = False
    found = counted(sizes, world.shard.list_of, bitmap(nearly), 39_999)
    np.testing.assert_allclose(found, sizes * 39_999 / 40_000, rtol=1e-5)


def test_under_a_floor_only_lists_are_probed_that_may_hold_a_row_above_it(many: World) -> None:
    prepared, floor = many.prepared(), float(np.sort(many.scores)[-4])
    rows, _, looked = best_of_lists(
        prepared, many.shard, probes=1, worth=0.0, room=50, keep=10, passing=3000, floor=floor
    )
    assert set(np.argsort(-many.scores)[:3].tolist()) <= set(rows.tolist())
    assert looked.lists == 20
    rows, _, looked = best_of_lists(
        prepared, many.shard, probes=4, worth=1e-3, room=50, keep=10, passing=3000, floor=9.0
    )
    assert (len(rows), looked.lists) == (0, 0)


@pytest.mark.parametrize("keep", [1, 32, 700])
def test_a_matrix_of_queries_is_answered_like_each_of_them(many: World, keep: int) -> None:
    queries = many.vectors[:5] + many.query
    some = np.flatnonzero(passing_of(many)).astype(np.int32)
    for rows in (None, some):
        every = best_of_matrix(queries, many.shard, rows, keep=keep)
        for query, (found, scores) in zip(queries, every, strict=True):
            wide = many.shard.vectors.astype(np.float32) @ query
            among = np.arange(3000) if rows is None else rows
            assert set(found) <= set(among)
            np.testing.assert_allclose(scores, np.sort(wide[among])[::-1][:keep], atol=1e-6)
            np.testing.assert_allclose(scores, wide[found], atol=1e-6)


def test_equal_rows_come_along_from_a_matrix_however_many() -> None:
    world = World(20_000, 4, 1)
    world.shard.vectors[:] = world.shard.vectors[0]
    (rows, scores), _ = best_of_matrix(np.stack([world.query] * 2), world.shard, None, keep=3, margin=1e-5)
    assert len(rows) == 20_000
    assert len(set(scores.tolist())) == 1


def test_enough_room_is_left_for_many_hits() -> None:
    assert all(room_for(k) >= k for k in (1, 10, 1000, 10_000))


@pytest.mark.parametrize("count", [0, 1, 23, 25, 1000, 5000])
def test_keys_are_sorted_and_selected_as_numpy_does(count: int) -> None:
    select: Any = _select
    random = np.random.default_rng(count)
    scores = np.round(random.standard_normal(count), 1).astype(np.float32)
    keys = np.array([select.sort_key(value, row) for row, value in enumerate(scores)], np.uint64)
    expected = np.sort(keys)[::-1]
    room = count // 3
    select.keep_largest(keys, count, room)
    assert sorted(keys[:room].tolist(), reverse=True) == expected[:room].tolist()
    select.sort_down(keys, count)
    assert keys.tolist() == expected.tolist()
    assert [select.key_score(key) for key in keys] == np.sort(scores)[::-1].tolist()


def test_no_row_passes(many: World) -> None:
    words = bitmap(np.zeros(3000, bool))
    assert not len(best_of_blocks(many.prepared(), many.shard, words, None, room=100, keep=10)[0])
    assert not len(score_all(many.prepared(), many.shard, words, None, keep=10)[0])
    rows, _, looked = best_of_lists(
        many.prepared(), many.shard, probes=4, worth=1.0, words=words, room=100, keep=10, passing=1
    )
    assert (len(rows), looked.lists, looked.examined, looked.scored) == (0, 0, 0, 0)


def test_codes_are_interleaved_and_padded() -> None:
    codes = np.arange(70, dtype=np.uint64).reshape(35, 2)
    woven = interleave(codes)
    assert woven.shape == (2, 2, LANES)
    assert woven[1, 1].tolist() == [65, 67, 69] + [0] * (LANES - 3)


def test_a_vector_that_is_its_centroid_is_estimated_exactly() -> None:
    world = World(20, 64, 2)
    codes, factors, offsets, ones = encode(world.centroids, np.array([0, 1], np.uint16), world.shared)
    assert not codes.any()
    assert (factors.tolist(), offsets.tolist(), ones.tolist()) == ([0, 0], [0, 0], [0, 0])


def test_read_only_arrays_are_taken(many: World) -> None:
    words = bitmap(passing_of(many))
    words.flags.writeable = False
    many.query.flags.writeable = False
    rows, _ = scan_blocks(many.prepared(), many.shard, words, None, 10)
    assert len(rows) == 10


def test_zeros_stay_zeros_when_they_are_rotated(many: World) -> None:
    shared: Shared = many.shared
    assert not rotate(np.zeros((1, 64), np.float32), shared).any()
