"""Lines from scores to probabilities: fits that can be checked by hand, and documents that can be trusted."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import ConfigError, InputError, StoreError, VectorSpace
from indexer import read_calibration, remove_calibration, write_calibration
from retriever import (
    Calibration,
    LabelledTiles,
    SensorLine,
    background_calibration,
    fit_calibration,
    keep_calibration,
    load_calibration,
    reliability,
    reliability_picture,
)
from retriever._calibration import parse_calibration, probabilities
from retriever._calibration_fit import _Pairs, fit_logistic, sensor_centres
from retriever._reliability import absence_threshold, mean_average_precision

SPACE = VectorSpace(encoder="mean-colour", revision="1", dim=2)
LINE = SensorLine(slope=2.0, intercept=-1.0, centre=(0.5, 0.0))


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_probabilities_of_log_odds_by_hand_and_without_overflow() -> None:
    found = probabilities(np.array([0.0, math.log(3), -math.log(3), 1e4, -1e4]))
    np.testing.assert_allclose(found, [0.5, 0.75, 0.25, 1.0, 0.0], atol=1e-12)


def test_a_line_is_slope_times_centred_score_plus_intercept() -> None:
    # query . centre = 0.6 * 0.5 = 0.3, so 2 * (0.8 - 0.3) - 1 = 0
    found = LINE.log_odds(np.array([0.8, 0.3]), np.array([0.6, 0.8], np.float32))
    np.testing.assert_allclose(found, [0.0, -1.0], atol=1e-6)


def test_the_fit_on_two_scores_is_the_log_odds_of_their_shares() -> None:
    # Score 0: 1 of 4 right, score 1: 3 of 4. Platt's targets: hits 5/6, misses 1/6, as there are 4 of each.
    scores = np.array([0.0] * 4 + [1.0] * 4)
    truth = np.array([True, False, False, False, True, True, True, False])
    low, high = (1 * 5 / 6 + 3 * 1 / 6) / 4, (3 * 5 / 6 + 1 * 1 / 6) / 4
    slope, intercept = fit_logistic(scores, truth)
    assert intercept == pytest.approx(logit(low), abs=1e-8)
    assert slope == pytest.approx(logit(high) - logit(low), abs=1e-8)


def test_scores_that_separate_truth_wholly_stay_finite() -> None:
    slope, intercept = fit_logistic(np.array([0.0, 0.0, 1.0, 1.0]), np.array([False, False, True, True]))
    # Targets are 1/4 and 3/4, and two scores can meet them exactly.
    assert [slope, intercept] == pytest.approx([2 * math.log(3), -math.log(3)], abs=1e-8)


@pytest.mark.parametrize("scores", [[1.0, 1.0, 0.0, 0.0], [0.5, 0.5, 0.5, 0.5]])
def test_scores_that_fall_with_truth_or_say_nothing_give_every_tile_the_same(scores: list[float]) -> None:
    slope, intercept = fit_logistic(np.array(scores), np.array([False, False, True, True]))
    assert slope == 0.0
    assert intercept == pytest.approx(0.0)


def test_the_fit_finds_the_line_that_drew_the_truth() -> None:
    random = np.random.default_rng(5)
    scores = random.normal(0.2, 0.1, 200_000)
    truth = random.random(200_000) < probabilities(20 * scores - 6)
    slope, intercept = fit_logistic(scores, truth)
    assert [slope, intercept] == pytest.approx([20, -6], rel=0.02)


def test_reliability_by_hand() -> None:
    predicted, truth = np.array([0.05, 0.05, 0.75, 0.75]), np.array([False, False, True, False])
    found = reliability("x", predicted, truth)
    assert [(point.predicted, point.observed, point.pairs) for point in found.points] == [(0.05, 0, 2), (0.75, 0.5, 2)]
    assert found.ece == pytest.approx((2 * 0.05 + 2 * 0.25) / 4)
    assert found.brier == pytest.approx((0.0025 + 0.0025 + 0.0625 + 0.5625) / 4)
    assert found.log_loss == pytest.approx(-(2 * math.log(0.95) + math.log(0.75) + math.log(0.25)) / 4)
    assert found.base_rate == 0.25


def test_a_certain_prediction_falls_into_the_last_bin() -> None:
    assert reliability("x", np.array([1.0, 0.0]), np.array([True, False])).ece == 0.0


def test_the_threshold_of_absence_by_hand() -> None:
    # Best hits while the tiles are there: 0.9, 0.8, 0.6; with them taken out: 0.3, 0.7, 0.6.
    predicted = np.array([[0.9, 0.3, 0.2], [0.8, 0.1, 0.7], [0.2, 0.5, 0.6], [0.9, 0.9, 0.9]])
    truth = np.array([[True, False, False], [True, False, False], [False, True, False], [False, False, False]])
    found = absence_threshold(predicted, truth)
    # At 0.8: two of three reach it, all three stay below it once taken out: 5/3; at 0.6: 1 + 1/3; at 0.9: 1/3 + 1.
    assert (found.value, found.noticed_absent) == (0.8, 1.0)
    assert found.noticed_there == pytest.approx(2 / 3)


def test_mean_average_precision_by_hand() -> None:
    predicted = np.array([[0.9, 0.8, 0.7], [0.1, 0.2, 0.3], [0.5, 0.5, 0.5]])
    truth = np.array([[True, False, True], [True, False, False], [False, False, False]])
    # (1 + 2/3) / 2 for the first, 1/3 for the second; the third has nothing to find.
    assert mean_average_precision(predicted, truth) == pytest.approx((5 / 6 + 1 / 3) / 2)


def test_of_two_methods_that_rank_alike_the_likelier_one_is_taken() -> None:
    tiles = replace(two_sensors(), sensors=("naip",) * 80)
    space = VectorSpace(encoder="e", revision="1", dim=12)
    fits = {
        method: fit_calibration(tiles, space=space, centres=centres_of(tiles), method=method)
        for method in ("platt", "centred", "auto")
    }
    losses = {method: fit.reliability[0].log_loss for method, fit in fits.items()}
    assert losses["auto"] == min(losses["platt"], losses["centred"])


def test_centres_are_means_over_all_chunks() -> None:
    chunks = [(["a", "b"], np.array([[1.0, 0.0], [0.0, 1.0]])), (["a"], np.array([[0.0, 1.0]]))]
    found = sensor_centres(chunks)
    np.testing.assert_allclose(found["a"], [0.5, 0.5])
    np.testing.assert_allclose(found["b"], [0.0, 1.0])


def two_sensors(*, seed: int = 1, queries: int = 10) -> LabelledTiles:
    """Tiles of ten directions from two sensors; one sensor's scores are higher throughout, which means nothing."""
    random = np.random.default_rng(seed)
    directions = np.linalg.qr(random.normal(size=(queries + 2, queries + 2)))[0]
    truth = np.eye(queries, dtype=bool)[:, np.repeat(np.arange(queries), 8)]
    sensors = ("sentinel-1-rtc", "sentinel-2-l2a") * (truth.shape[1] // 2)
    shift = np.where(np.array(sensors) == "sentinel-1-rtc", 1.2, 0.0)[:, None] * directions[:queries].sum(axis=0)
    tiles = truth.T @ directions[:queries] + shift + 0.5 * random.normal(size=(truth.shape[1], queries + 2))
    unit = (tiles / np.linalg.norm(tiles, axis=1, keepdims=True)).astype(np.float32)
    names = tuple(f"q{place}" for place in range(queries))
    return LabelledTiles(
        vectors=unit, sensors=sensors, queries=names, query_vectors=directions[:queries].astype(np.float32), truth=truth
    )


def centres_of(tiles: LabelledTiles) -> dict[str, Any]:
    return sensor_centres([(tiles.sensors, tiles.vectors)])


def test_each_sensor_gets_a_line_of_its_own_and_auto_takes_what_ranks_better() -> None:
    tiles, space = two_sensors(seed=3), VectorSpace(encoder="e", revision="1", dim=12)
    fits = {
        method: fit_calibration(tiles, space=space, centres=centres_of(tiles), method=method)
        for method in ("platt", "centred", "auto")
    }
    assert set(fits["auto"].calibration.sensors) == {"sentinel-1-rtc", "sentinel-2-l2a"}
    held_out = {"platt": _Pairs(tiles, {}).held_out(), "centred": _Pairs(tiles, centres_of(tiles)).held_out()}
    ranks = {name: mean_average_precision(each, tiles.truth) for name, each in held_out.items()}
    assert abs(ranks["platt"] - ranks["centred"]) > 1e-3
    assert fits["auto"].calibration.method == max(ranks, key=lambda method: ranks[method])
    whole = fits["platt"].reliability[0]
    assert whole.brier < whole.base_rate * (1 - whole.base_rate)
    assert fits["platt"].calibration.sensors["sentinel-1-rtc"].pairs == 10 * 40


def test_the_same_data_gives_the_same_fit() -> None:
    space = VectorSpace(encoder="e", revision="1", dim=12)
    first, second = (
        fit_calibration(two_sensors(), space=space, centres=centres_of(two_sensors())).calibration for _ in range(2)
    )
    assert first == second


def test_a_sensor_without_labels_is_read_like_its_kind_about_its_own_centre() -> None:
    tiles, space = two_sensors(), VectorSpace(encoder="e", revision="1", dim=12)
    centres = centres_of(tiles) | {"naip": np.arange(12) / 100}
    report = fit_calibration(tiles, space=space, centres=centres, method="centred")
    line, optical = report.calibration.sensors["naip"], report.calibration.sensors["sentinel-2-l2a"]
    assert (line.slope, line.centre) == (optical.slope, tuple(float(f"{x:.7g}") for x in np.arange(12) / 100))
    assert any("no tile of naip has a label" in remark for remark in report.remarks)
    plain = fit_calibration(tiles, space=space, centres=centres, method="platt").calibration
    assert plain.line("naip") == plain.kinds["optical"]
    assert plain.line("my-own-sensor") is None


def test_a_sensor_whose_scores_say_nothing_is_said() -> None:
    tiles = two_sensors()
    silent = replace(tiles, vectors=tiles.vectors * (np.array(tiles.sensors) != "sentinel-1-rtc")[:, None])
    report = fit_calibration(
        silent, space=VectorSpace(encoder="e", revision="1", dim=12), centres=centres_of(silent), method="platt"
    )
    assert report.calibration.sensors["sentinel-1-rtc"].slope == 0
    assert report.remarks == (
        "the scores of sentinel-1-rtc say nothing about its labels: all its tiles get the same probability",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queries": ("one",), "query_vectors": np.eye(1, 12), "truth": np.ones((1, 80), bool)}, "at least 2"),
        ({"truth": np.zeros((10, 80), bool)}, "tiles that show a label"),
        ({"truth": np.ones((10, 80), bool)}, "tiles that do not"),
    ],
)
def test_data_that_cannot_be_fitted_says_what_is_missing(change: dict[str, Any], message: str) -> None:
    tiles = replace(two_sensors(), **change)
    with pytest.raises(InputError, match=message):
        fit_calibration(tiles, space=VectorSpace(encoder="e", revision="1", dim=12), centres={})


def test_without_labels_only_the_centres_are_known() -> None:
    found = background_calibration({"naip": np.array([0.5, 0.0])}, space=SPACE, source="s")
    assert not found.probabilistic
    assert found.sensors["naip"].log_odds(np.array([0.9]), np.array([1.0, 0.0], np.float32)) == pytest.approx(0.4)


def whole() -> Calibration:
    return Calibration(
        space=SPACE, method="centred", sensors={"naip": LINE}, kinds={}, threshold=0.4, source="80 tiles"
    )


def test_a_calibration_survives_the_file(tmp_path: Path) -> None:
    keep_calibration(tmp_path, whole())
    assert load_calibration(tmp_path) == whole()
    assert [entry.name for entry in tmp_path.iterdir()] == ["calibration.json"]


def test_keeping_a_calibration_replaces_the_one_there_was(tmp_path: Path) -> None:
    keep_calibration(tmp_path, whole())
    keep_calibration(tmp_path, replace(whole(), threshold=0.7))
    found = load_calibration(tmp_path)
    assert found is not None
    assert found.threshold == 0.7
    assert remove_calibration(tmp_path)
    assert not remove_calibration(tmp_path)
    assert load_calibration(tmp_path) is None


def test_a_write_that_fails_leaves_the_old_calibration_and_nothing_else(tmp_path: Path) -> None:
    write_calibration(tmp_path, {"format": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_calibration(tmp_path, {"format": float("nan")})
    assert read_calibration(tmp_path) == {"format": 1}
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(StoreError, match="cannot write"):
        write_calibration(tmp_path / "nowhere", {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "holds a list"),
        ('{"format": 2}', "format 2, this version reads 1"),
        ('{"format": 1}', "damaged"),
    ],
)
def test_a_damaged_file_is_an_error_that_says_how_to_mend_it(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "calibration.json").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_calibration(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"slope": -1.0},
        {"slope": "steep"},
        {"intercept": None},
        {"centre": [0.1]},
        {"centre": [0.1, "x"]},
    ],
)
def test_lines_that_are_no_rising_lines_are_refused(change: dict[str, Any]) -> None:
    document = json.loads(json.dumps(whole().to_document()))
    document["sensors"]["naip"] |= change
    with pytest.raises(ConfigError, match="swath calibrate INDEX"):
        parse_calibration(document)


def test_the_curve_is_drawn_where_predicted_and_observed_say() -> None:
    curve = reliability("naip", np.array([0.25] * 4), np.array([True, False, False, False]))
    picture = np.asarray(reliability_picture([curve]))
    assert picture.shape == (600, 600, 3)
    # Square roots: 0.25 lies half way along both axes, where the dot's ring of radius 12 is drawn.
    assert tuple(picture[300, 312 - 1]) == (20, 20, 20)
