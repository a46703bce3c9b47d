"""Every tile above a score, and many queries at once, give what single searches give; with a search snapshot or not."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
from numpy.typing import NDArray

from core import InputError, QueryError, VectorSpace
from retriever import RANKED, Calibration, Hits, Searcher, SearchRequest, SensorLine
from retriever.engine import EngineRows, build_snapshot
from tests.unit.retriever.engine.random_histories import History
from tests.unit.retriever.engine.random_tables import Recipe

RECIPE = Recipe(
    dim=16, dtype="float16", spread="clustered", sensors=3, collections=2, undated=0.1, unlocated=0.1,
    years=(2019, 2020), odd=0.2,
)  # fmt: skip
MODES = ("flat", "snapshot", "grown")


class Words:
    """Encodes every text as one direction."""

    @property
    def space(self) -> VectorSpace:
        return RECIPE.space

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.full((len(texts), RECIPE.dim), 1 / np.sqrt(RECIPE.dim), np.float32)


@pytest.fixture(scope="module", params=MODES)
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> History:
    made = History(tmp_path_factory.mktemp("every") / "index", RECIPE, np.random.default_rng(5))
    made.add(25)
    if request.param != "flat":
        build_snapshot(made.store.snapshot(), made.path, shard_rows=60)
    if request.param == "grown":
        made.add(5)
        made.replace()
    return made


@pytest.fixture
def searcher(history: History) -> Searcher:
    return Searcher(history.store, Words())


def vectors(count: int) -> list[list[float]]:
    drawn: list[list[float]] = np.random.default_rng(1).normal(size=(count, RECIPE.dim)).tolist()
    return drawn


def ids(hits: Hits) -> list[tuple[str, float]]:
    return [(hit.tile_id, hit.score) for hit in hits]


def calibration(searcher: Searcher) -> Calibration:
    rows = searcher.snapshot()
    names = sorted({name for batch in rows.scan(["sensor"]) for name in batch["sensor"].to_pylist()})
    lines = {name: SensorLine(slope=4.0 + place, intercept=-0.5 * place) for place, name in enumerate(names)}
    return Calibration(space=RECIPE.space, method="platt", sensors=lines)


class TestEvery:
    @pytest.mark.parametrize("least", [-1, 0.1, 0.9])
    @pytest.mark.parametrize("where", [None, "valid > 0.3"])
    def test_gives_the_tiles_of_a_search_for_all(self, searcher: Searcher, least: float, where: str | None) -> None:
        asked: dict[str, Any] = {"vector": vectors(1)[0], "min_score": least, "filter": where}
        every = searcher.every(SearchRequest.build(**asked))
        whole = searcher.search(SearchRequest.build(**asked, k=10_000, exact=True))
        assert sorted((hit.tile_id, hit.score) for hit in every) == sorted(ids(whole))

    def test_gives_records_and_numbers_as_they_come(self, searcher: Searcher) -> None:
        asked: dict[str, Any] = {"vector": vectors(1)[0], "min_score": -1}
        every = list(searcher.every(SearchRequest.build(**asked)))
        whole = {hit.tile_id: hit for hit in searcher.search(SearchRequest.build(**asked, k=10_000))}
        assert [hit.rank for hit in every] == list(range(1, len(every) + 1))
        assert all(hit.preview == whole[hit.tile_id].preview for hit in every)
        assert all(hit.footprint == whole[hit.tile_id].footprint for hit in every)

    @pytest.mark.parametrize("least", [0.3, 0.6, 1.0])
    def test_gives_the_tiles_above_a_probability(self, history: History, searcher: Searcher, least: float) -> None:
        sure = Searcher(history.store, Words(), calibration=calibration(searcher))
        asked: dict[str, Any] = {"text": "anything at all, in a whole sentence", "min_probability": least}
        every = [(hit.tile_id, hit.score, hit.probability) for hit in sure.every(SearchRequest.build(**asked))]
        whole = sure.search(SearchRequest.build(**asked, k=10_000, exact=True))
        assert sorted(every) == sorted((hit.tile_id, hit.score, hit.probability) for hit in whole)

    def test_says_how_many_tiles_were_looked_at(self, searcher: Searcher) -> None:
        seen: list[tuple[int, int]] = []
        every = searcher.every(SearchRequest.build(vector=vectors(1)[0], min_score=0.5, filter="valid > 0.3"))
        list(every.parts(lambda done, total: seen.append((done, total))))
        matched = searcher.search(SearchRequest.build(vector=vectors(1)[0], filter="valid > 0.3")).matched
        assert seen[-1] == (matched, matched)
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    def test_needs_a_least_score(self, searcher: Searcher) -> None:
        with pytest.raises(QueryError, match="min_score or min_probability"):
            searcher.every(SearchRequest.build(vector=vectors(1)[0]))

    def test_names_a_sensor_that_is_not_there(self, searcher: Searcher) -> None:
        with pytest.raises(QueryError, match="no sensor 'sonar'"):
            searcher.every(SearchRequest.build(vector=vectors(1)[0], min_score=0, sensor="sonar"))


class TestFiles:
    def test_geoparquet_holds_every_tile(self, searcher: Searcher, tmp_path: Path) -> None:
        every = searcher.every(SearchRequest.build(vector=vectors(1)[0], min_score=0.1))
        number = every.write(tmp_path / "found.parquet")
        frame = geopandas.read_parquet(tmp_path / "found.parquet")
        assert sorted(frame.tile_id) == sorted(hit.tile_id for hit in every)
        assert number == len(frame) > 0

    def test_geojson_lines_hold_every_tile(self, searcher: Searcher, tmp_path: Path) -> None:
        every = searcher.every(SearchRequest.build(vector=vectors(1)[0], min_score=0.1))
        every.write(tmp_path / "found.geojsonl")
        lines = (tmp_path / "found.geojsonl").read_text().splitlines()
        features = [json.loads(line) for line in lines]
        assert {each["type"] for each in features} == {"Feature"}
        assert sorted(each["id"] for each in features) == sorted(hit.tile_id for hit in every)

    def test_an_unknown_suffix_is_refused(self, searcher: Searcher, tmp_path: Path) -> None:
        every = searcher.every(SearchRequest.build(vector=vectors(1)[0], min_score=0.1))
        with pytest.raises(InputError, match=r"\.parquet, \.geojsonl or \.csv"):
            every.write(tmp_path / "found.shp")
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_fails_half_way_leaves_nothing(
        self, searcher: Searcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        every = searcher.every(SearchRequest.build(vector=vectors(1)[0], min_score=-1))

        def broken(done: int, total: int) -> None:
            raise OSError("disk full")

        (tmp_path / "found.csv").write_text("old")
        with pytest.raises(Exception, match="disk full"):
            every.write(tmp_path / "found.csv", progress=broken)
        assert [path.name for path in tmp_path.iterdir()] == ["found.csv"]
        assert (tmp_path / "found.csv").read_text() == "old"


class TestManyQueries:
    def test_each_gets_what_it_gets_alone(self, searcher: Searcher) -> None:
        asked = [
            SearchRequest.build(vector=vector, k=3 + place % 2, filter="valid > 0.3" if place % 3 else None)
            for place, vector in enumerate(vectors(12))
        ]
        found = searcher.search_many(asked)
        alone = [searcher.search(request) for request in asked]
        assert [ids(hits) for hits in found] == [ids(hits) for hits in alone]
        assert [hits.matched for hits in found] == [hits.matched for hits in alone]
        assert [dict(hits.query) for hits in found] == [dict(hits.query) for hits in alone]

    def test_none_get_nothing(self, searcher: Searcher) -> None:
        assert searcher.search_many([]) == []


class TestExplaining:
    def test_says_how_a_search_was_answered(self, searcher: Searcher) -> None:
        engine = searcher.search(SearchRequest.build(vector=vectors(1)[0], explain=True)).why["engine"]
        if isinstance(searcher.snapshot(), EngineRows):
            assert engine["index"] == "snapshot"
            assert engine["searches"][0]["route"] in ("exact", "blocks", "lists", "slice")
        else:
            assert engine == {"index": "flat", "exact": True}
        json.dumps(engine)

    def test_counts_the_search_under_the_route_that_is_told(self, searcher: Searcher) -> None:
        def counted() -> dict[str, float]:
            samples = [sample for family in RANKED.collect() for sample in family.samples]
            return {each.labels["route"]: each.value for each in samples if each.name.endswith("_count")}

        before = counted()
        engine = searcher.search(SearchRequest.build(vector=vectors(1)[0], explain=True)).why["engine"]
        told = engine["searches"][0]["route"] if engine["index"] == "snapshot" else "flat"
        assert counted() == before | {told: before.get(told, 0) + 1}

    def test_is_silent_unless_asked(self, searcher: Searcher) -> None:
        hits = searcher.search(SearchRequest.build(vector=vectors(1)[0]))
        assert "engine" not in hits.why
        assert not {"exact", "explain"} & set(hits.query)

    def test_exact_is_exact(self, searcher: Searcher) -> None:
        request = SearchRequest.build(vector=vectors(1)[0], exact=True, explain=True)
        engine = searcher.search(request).why["engine"]
        assert all(plan["exact"] for plan in engine.get("searches", [engine]))
