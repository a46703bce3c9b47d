"""Calibrated ranking equals brute force over every tile, and filters keep their meaning."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from core import ConfigError, QueryError, VectorSpace
from core.testing import MeanColourEncoder
from indexer import Store
from retriever import Calibration, FlatIndex, Hits, Searcher, SearchRequest, SensorLine, parse_filter
from retriever._calibration import probabilities
from tests.contract.test_vector_index import StoredIndex
from tests.unit.retriever.tables import DIM, SPACE, Archive, row, rows_in_memory, table, unit_vectors

SENSORS = ("naip", "sentinel-1-rtc", "sentinel-2-l2a", "my-own")
LINES = {
    "naip": SensorLine(slope=3.0, intercept=-1.0),
    "sentinel-1-rtc": SensorLine(slope=9.0, intercept=-4.0, centre=(0.2, -0.1, 0.3, 0.0)),
    "sentinel-2-l2a": SensorLine(slope=0.0, intercept=-0.5),
    "my-own": SensorLine(slope=1.0, intercept=0.25),
}
CALIBRATION = Calibration(space=SPACE, method="platt", sensors=LINES, threshold=0.3, source="made up")


def archive_rows(count: int = 400, seed: int = 0) -> list[dict[str, Any]]:
    """Tiles of four sensors; every fourth is a copy of the one before, so that scores tie within and across sensors."""
    random, vectors = np.random.default_rng(seed), unit_vectors(count, seed)
    for place in range(3, count, 4):
        vectors[place] = vectors[place - 1]
    return [
        row(
            f"t{place:04d}",
            vector=vectors[place].tolist(),
            sensor=SENSORS[int(random.integers(4))],
            cloud=None if random.random() < 0.2 else float(random.random()),
        )
        for place in range(count)
    ]


def brute_force(
    rows: list[dict[str, Any]], passes: Callable[[dict[str, Any]], bool], query: NDArray[np.float32]
) -> list[tuple[str, float]]:
    """Score every tile that passes, turn each score into log odds by hand, sort."""
    found = []
    for each in rows:
        if not passes(each):
            continue
        line = LINES[each["sensor"]]
        score = np.float32(np.dot(np.array(each["vector"], np.float32).astype(float), query.astype(float)))
        shift = 0.0 if line.centre is None else float(np.dot(np.array(line.centre), query.astype(float)))
        odds = line.slope * (float(score) - shift) + line.intercept
        found.append((-odds, -float(score), each["tile_id"], 1 / (1 + np.exp(-odds))))
    return [(tile_id, chance) for _, _, tile_id, chance in sorted(found)]


class Encoder:
    """Encodes every text as the same vector."""

    space = SPACE

    def __init__(self, vector: NDArray[np.float32]) -> None:
        self._vector = vector

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.tile(self._vector, (len(texts), 1))


@pytest.fixture(params=["memory", "lancedb"])
def make_archive(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[dict[str, Any]]], Any]:
    def make(rows: list[dict[str, Any]]) -> Any:
        if request.param == "memory":
            return Archive(rows_in_memory(rows))
        StoredIndex(tmp_path / "index").add(table(rows))
        return Store.open(tmp_path / "index")

    return make


FILTERS: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
    ({}, lambda each: True),
    ({"max_cloud": 50}, lambda each: each["cloud"] is not None and each["cloud"] <= 0.5),
    ({"sensor": ["naip", "my-own"]}, lambda each: each["sensor"] in ("naip", "my-own")),
    ({"filter": "sensor <> 'naip'"}, lambda each: each["sensor"] != "naip"),
]


@pytest.mark.parametrize("k", [1, 7, 500])
@pytest.mark.parametrize(("given", "passes"), FILTERS, ids=["all", "cloud", "sensor", "cql2"])
def test_merged_lists_are_what_brute_force_finds(
    make_archive: Callable[[list[dict[str, Any]]], Any], k: int, given: dict[str, Any], passes: Any
) -> None:
    rows = archive_rows(60)
    store = make_archive(rows)
    for seed in range(3):
        query = unit_vectors(1, seed + 100)[0]
        expected = brute_force(rows, passes, query)
        found = Searcher(store, Encoder(query), calibration=CALIBRATION).search(
            SearchRequest.build(text="x", k=k, **given)
        )
        assert found.matched == len(expected)
        assert [hit.tile_id for hit in found] == [tile_id for tile_id, _ in expected[:k]]
        assert [hit.probability for hit in found] == pytest.approx([chance for _, chance in expected[:k]], abs=1e-6)


def test_many_random_archives_agree_with_brute_force() -> None:
    for seed in range(20):
        rows, query = archive_rows(400, seed), unit_vectors(1, seed + 500)[0]
        expected = brute_force(rows, lambda each: True, query)
        found = Searcher(Archive(rows_in_memory(rows)), Encoder(query), calibration=CALIBRATION).search(
            SearchRequest.build(text="x", k=50)
        )
        assert [hit.tile_id for hit in found] == [tile_id for tile_id, _ in expected[:50]]


def test_search_each_is_search_with_each_sensor_as_a_filter() -> None:
    rows = archive_rows(400)
    index, query = FlatIndex(rows_in_memory(rows)), unit_vectors(1, 9)[0]
    each = index.search_each(query, k=5, where=parse_filter("cloud < 0.5"))
    assert list(each) == sorted(SENSORS)
    for name, found in each.items():
        alone = index.search(query, k=5, where=parse_filter(f"cloud < 0.5 AND sensor = '{name}'"))
        assert (found.tile_ids, found.matched) == (alone.tile_ids, alone.matched)
        np.testing.assert_array_equal(found.scores, alone.scores)


def colours() -> list[dict[str, Any]]:
    def of(name: str, red: float, sensor: str) -> dict[str, Any]:
        vector = np.array([red, 1 - red, 0, 0.1])
        return row(name, vector=(vector / np.linalg.norm(vector)).tolist(), sensor=sensor)

    return [of("optical", 0.9, "naip"), of("radar", 0.5, "sentinel-1-rtc"), of("green radar", 0.0, "sentinel-1-rtc")]


def ask(calibration: Any = None, **given: Any) -> Hits:
    searcher = Searcher(Archive(rows_in_memory(colours())), MeanColourEncoder(), calibration=calibration)
    return searcher.search(SearchRequest.build(text="red", **given))


GENEROUS = Calibration(
    space=SPACE,
    method="platt",
    sensors={"naip": SensorLine(slope=2.0, intercept=-2.0), "sentinel-1-rtc": SensorLine(slope=4.0, intercept=-0.5)},
    threshold=0.2,
    source="made up",
)


def test_a_low_score_of_a_sensor_with_low_scores_may_come_first() -> None:
    assert [hit.tile_id for hit in ask()] == ["optical", "radar", "green radar"]
    found = ask(GENEROUS)
    assert [hit.tile_id for hit in found] == ["radar", "optical", "green radar"]
    by_id = {hit.tile_id: hit for hit in found}
    # 4 * score - 0.5 and 2 * score - 2
    for name, odds in (("radar", 4 * by_id["radar"].score - 0.5), ("optical", 2 * by_id["optical"].score - 2)):
        assert by_id[name].probability == pytest.approx(float(probabilities(np.array([odds]))[0]), abs=1e-6)
    assert [hit.rank for hit in found] == [1, 2, 3]
    assert found.why["calibration"]["fitted_on"] == "made up"


def test_a_threshold_leaves_hits_out_but_not_matches() -> None:
    found = ask(GENEROUS, min_probability=0.45)
    assert ([hit.tile_id for hit in found], found.matched, found.remarks) == (["radar", "optical"], 3, ())


def test_nothing_here_matches_is_said_with_the_best_there_was() -> None:
    found = ask(GENEROUS, min_probability=0.99)
    best = ask(GENEROUS)[0]
    assert (len(found), found.matched) == (0, 3)
    assert found.remarks == (
        f"nothing here matches: the best of 3 tiles has probability {best.probability:.2g}"
        f" (score {best.score:.3f}), below 0.99",
    )
    assert found.why["calibration"]["best_probability"] == best.probability


def test_below_the_fitted_threshold_hits_still_come_with_a_word_of_warning() -> None:
    found = ask(replace(GENEROUS, threshold=0.999))
    assert len(found) == 3
    assert found.remarks[0].startswith("probably nothing here matches: the best of 3 tiles has probability 0.9")


def test_a_threshold_counts_the_hits_of_k_tiles_only() -> None:
    assert len(ask(GENEROUS, k=1, min_probability=0.1)) == 1


def test_without_labels_only_the_order_changes() -> None:
    background = replace(GENEROUS, method="background", threshold=None)
    found = ask(background)
    assert [hit.tile_id for hit in found] == ["radar", "optical", "green radar"]
    assert {hit.probability for hit in found} == {None}
    with pytest.raises(QueryError, match="swath calibrate INDEX --from labels"):
        ask(background, min_probability=0.5)


def test_other_prompts_than_those_of_the_fit_are_said() -> None:
    said = "probabilities were fitted with the encoder's own prompts"
    assert said in ask(GENEROUS, prompts=["a {} tile"]).remarks
    # The encoder's own prompt is the text as typed.
    assert said not in ask(GENEROUS, prompts=None).remarks


def test_switched_off_the_score_ranks() -> None:
    found = ask(GENEROUS, calibrated=False)
    assert [hit.tile_id for hit in found] == ["optical", "radar", "green radar"]
    assert "calibration" not in found.why


@pytest.mark.parametrize("given", [{"like": "optical"}, {"vector": [1, 0, 0, 0]}])
def test_only_searches_in_words_are_calibrated(given: dict[str, Any]) -> None:
    searcher = Searcher(Archive(rows_in_memory(colours())), MeanColourEncoder(), calibration=GENEROUS)
    assert searcher.search(SearchRequest.build(**given))[0].probability is None
    for asked in ({"calibrated": True}, {"min_probability": 0.5}):
        with pytest.raises(QueryError, match="is about searches in words"):
            SearchRequest.build(**given, **asked)


def damaged() -> Calibration:
    raise ConfigError("the calibration is damaged")


OTHER = VectorSpace(encoder="mean-colour", revision="2", dim=DIM)


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        (replace(GENEROUS, space=OTHER), r"fitted for mean-colour@2 .* the index holds mean-colour@1"),
        (damaged, "the calibration is damaged"),
        (replace(GENEROUS, sensors={"naip": LINES["naip"]}), "says nothing about sentinel-1-rtc"),
    ],
)
def test_a_calibration_that_does_not_fit_is_left_out_with_a_remark_or_refused(calibration: Any, message: str) -> None:
    found = ask(calibration)
    assert [hit.tile_id for hit in found] == ["optical", "radar", "green radar"]
    assert {hit.probability for hit in found} == {None}
    assert found.remarks[0].startswith("ranked by score, not calibrated: ")
    for asked in ({"calibrated": True}, {"min_probability": 0.5}):
        with pytest.raises(QueryError, match=message):
            ask(calibration, **asked)


def test_an_index_without_a_calibration_says_how_to_make_one_when_it_is_asked_for() -> None:
    assert ask().remarks == ()
    with pytest.raises(QueryError, match="make one: swath calibrate INDEX"):
        ask(calibrated=True)


def test_a_sensor_that_was_not_seen_is_read_by_its_kind() -> None:
    by_kind = replace(GENEROUS, sensors={}, kinds={"optical": LINES["naip"], "sar": LINES["my-own"]})
    assert all(hit.probability is not None for hit in ask(by_kind))


def test_the_answer_says_what_was_encoded() -> None:
    found = ask()
    assert found.why == {"terms": ["red"], "prompts": ["red"]}
    assert ask(prompts=["a {} tile", "{}"]).why["prompts"] == ["a red tile", "red"]
    searcher = Searcher(Archive(rows_in_memory(colours())), MeanColourEncoder())
    coded = searcher.search(SearchRequest.build(text="CLC 311"))
    assert coded.why["classes"] == ["CORINE 311 Broad-leaved forest"]
    assert coded.why["terms"][0] == "Broad-leaved forest"
    assert searcher.search(SearchRequest.build(text="CLC 311", expand=False)).why["terms"] == ["CLC 311"]
    assert searcher.search(SearchRequest.build(text="zz", expand=True)).remarks[0].startswith("no synonyms are known")


def test_synonyms_change_the_direction_and_no_filter() -> None:
    searcher = Searcher(Archive(rows_in_memory(colours())), MeanColourEncoder())
    for expand in (True, False):
        found = searcher.search(SearchRequest.build(text="wildfire", expand=expand, sensor="sentinel-1-rtc", k=10))
        assert (len(found), found.matched, found.query["sensor"]) == (2, 2, ["sentinel-1-rtc"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"prompts": "fancy"}, "prompts must be 'auto', None or a list"),
        ({"prompts": ["no place"]}, "must hold {} once"),
        ({"prompts": []}, "1 to 200 templates"),
        ({"prompts": 5}, "not iterable"),
        ({"expand": "maybe"}, "expand must be true, false or 'auto', got 'maybe'"),
        ({"expand": 1}, "expand must be true, false or 'auto', got 1"),
        ({"calibrated": None}, "calibrated must be true"),
        ({"min_probability": 1.5}, "between 0 and 1"),
        ({"min_probability": 0.5, "calibrated": False}, "needs calibrated scores"),
    ],
)
def test_wrong_switches_say_what_would_work(given: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryError) as error:
        SearchRequest.build(text="x", **given)
    assert message in str(error.value)


def test_what_was_asked_names_switches_only_where_they_were_set() -> None:
    assert SearchRequest.build(text="x").describe() == {"text": "x", "k": 10}
    shown = SearchRequest.build(
        text="x", prompts=["a {}"], expand=False, calibrated=True, min_probability=0.2
    ).describe()
    assert shown == {
        "text": "x", "k": 10, "prompts": ["a {}"], "expand": "off", "calibrated": "on", "min_probability": 0.2
    }  # fmt: skip
    assert SearchRequest.build(text="x", prompts=None).describe()["prompts"] == "off"


def test_probabilities_are_written_with_the_hits() -> None:
    found = ask(GENEROUS)
    assert found.to_dicts()[0]["probability"] == found[0].probability
    assert isinstance(found.to_arrow(), pa.Table)
    assert found.to_arrow()["probability"].to_pylist() == [hit.probability for hit in found]
    assert found.to_csv().splitlines()[0].startswith("rank,score,probability,")
