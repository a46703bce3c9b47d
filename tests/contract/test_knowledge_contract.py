"""What every searcher of knowledge does; subclass and give ``knowledge`` to hold another one to it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import Point, box
from shapely.geometry.base import BaseGeometry

from core import QueryError, SpaceMismatchError
from indexer import Snapshot
from indexer.knowledge import add_knowledge, circle, clear_knowledge
from indexer.store import Store
from retriever.rag import Knowledge, KnowsPlaces, Passage, SearchesKnowledge, open_knowledge
from retriever.rag.passages import _names_read
from retriever.rag.passages._passage_distance import distances_km
from tests.made_up_encoder import DIM, BagOfWords, bag

ROWS = """name,text,lat,lon,date,radius_km,aliases
Quay,ships load grain,10,20,2020-01-01,,
Mine,copper ore from a pit,10.5,20,,,
Farm,wheat grain field,40,60,,,
Storm,ships sank,10,21,2021-03-04,60,The Great Gale
Rule,ships give way to ships,,,,,
Idle,nothing at all,,,,,
"""


class SearchesKnowledgeContract:
    """Six entries of known words and places; scores are those of bags of words."""

    @pytest.fixture
    def knowledge(self, tmp_path: Path) -> SearchesKnowledge:
        raise NotImplementedError

    def titles(self, found: tuple[Passage, ...]) -> list[str]:
        return [passage.title for passage in found]

    def test_by_meaning_alone_the_best_comes_first(self, knowledge: SearchesKnowledge) -> None:
        found = knowledge.search(["ships give way"], near=None, radius_km=0, k=2)
        assert found[0].title == "Rule"
        expected = float(bag("ships give way", DIM) @ bag("Rule: ships give way to ships", DIM))
        assert found[0].score == pytest.approx(expected, abs=1e-5)
        assert found[0].distance_km is None

    def test_the_best_of_several_texts_counts(self, knowledge: SearchesKnowledge) -> None:
        found = knowledge.search(["copper pit", "wheat field"], near=None, radius_km=0, k=2)
        assert set(self.titles(found)) == {"Mine", "Farm"}

    def test_far_passages_are_left_out_and_near_ones_outrank_those_without_place(
        self, knowledge: SearchesKnowledge
    ) -> None:
        found = knowledge.search(["ships"], near=Point(20, 10), radius_km=60, k=10)
        assert "Farm" not in self.titles(found)
        assert {"Quay", "Mine", "Storm", "Rule"} <= set(self.titles(found))
        assert "Idle" not in self.titles(found)  # no place, and it does not fit
        bonus = {"Rule": 0.0}
        ranks = [(passage.score or 0) + bonus.get(passage.title, 0.1) for passage in found]
        assert ranks == sorted(ranks, reverse=True)

    def test_a_point_with_a_radius_is_as_large_as_that(self, knowledge: SearchesKnowledge) -> None:
        (storm,) = [p for p in knowledge.search([], near=Point(20, 10), radius_km=100, k=10) if p.title == "Storm"]
        assert storm.distance_km == pytest.approx(distances_km(Point(20, 10), [Point(21, 10)])[0] - 60, abs=0.01)

    def test_by_place_alone_the_nearest_comes_first(self, knowledge: SearchesKnowledge) -> None:
        found = knowledge.search([], near=Point(20, 10), radius_km=100, k=10)
        assert self.titles(found) == ["Quay", "Storm", "Mine"]
        assert [passage.score for passage in found] == [None] * 3

    def test_nothing_asked_finds_nothing(self, knowledge: SearchesKnowledge) -> None:
        assert knowledge.search([], near=None, radius_km=10, k=5) == ()
        assert knowledge.search(["  "], near=None, radius_km=10, k=5) == ()

    def test_k_is_the_most(self, knowledge: SearchesKnowledge) -> None:
        assert len(knowledge.search(["ships"], near=None, radius_km=0, k=1)) == 1

    @pytest.mark.parametrize(("k", "radius"), [(0, 1.0), (1, -1.0), (1, float("nan")), (10_000, 1.0)])
    def test_what_makes_no_sense_is_refused(self, knowledge: SearchesKnowledge, k: int, radius: float) -> None:
        with pytest.raises(QueryError, match="must be"):
            knowledge.search(["ships"], near=None, radius_km=radius, k=k)

    def test_passages_are_got_in_the_order_asked_for(self, knowledge: SearchesKnowledge) -> None:
        quay, mine = (knowledge.search([text], near=None, radius_km=0, k=1)[0] for text in ("load", "copper"))
        got = knowledge.get([mine.passage_id, "gone", quay.passage_id])
        assert self.titles(got) == ["Mine", "Quay"]
        assert got[1].geometry == Point(20, 10)
        assert got[1].source == "sites.csv"
        assert got[1].datetime is not None
        assert got[1].datetime.isoformat() == "2020-01-01T00:00:00+00:00"
        assert knowledge.get([]) == ()

    def test_it_is_a_searcher(self, knowledge: SearchesKnowledge) -> None:
        assert isinstance(knowledge, SearchesKnowledge)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[str], Knowledge]:
    """Fill an index with the rows of a CSV and open its knowledge."""
    index = tmp_path / "index"
    Store.create_or_open(index, space=BagOfWords().space)

    def fill(rows: str) -> Knowledge:
        (tmp_path / "sites.csv").write_text(rows)
        add_knowledge(index, [tmp_path / "sites.csv"], lambda: BagOfWords(max_tokens=500))
        found = open_knowledge(index, BagOfWords())
        assert found is not None
        return found

    return fill


class TestKnowledge(SearchesKnowledgeContract):
    """The knowledge table of an index."""

    @pytest.fixture
    def knowledge(self, opened: Callable[[str], Knowledge]) -> SearchesKnowledge:
        return opened(ROWS)


def test_names_become_places(opened: Callable[[str], Knowledge]) -> None:
    knowledge = opened(ROWS)
    assert isinstance(knowledge, KnowsPlaces)
    text = "Did the great gale reach the Quay?"
    gale, quay = knowledge.places_in(text)
    assert (gale.name, text[gale.start : gale.end]) == ("The Great Gale", "the great gale")
    assert gale.geometry.equals(circle(21, 10, 60))
    assert quay.geometry.equals(circle(20, 10, 10))
    assert knowledge.get([quay.passage_id or ""])[0].title == "Quay"
    assert knowledge.places_in("the Rule") == ()  # it has no place


def test_a_name_of_two_entries_stands_for_both_places(opened: Callable[[str], Knowledge]) -> None:
    knowledge = opened("name,lat,lon\nSpringfield,10,20\nSpringfield,40,60\n")
    (place,) = knowledge.places_in("Springfield")
    assert place.geometry.intersects(Point(20, 10))
    assert place.geometry.intersects(Point(60, 40))


def test_what_is_added_later_is_seen_without_opening_again(opened: Callable[[str], Knowledge]) -> None:
    knowledge = opened("name,lat,lon\nAlpha,10,20\n")
    assert len(knowledge.places_in("Alpha or Gamma")) == 1
    opened("name,lat,lon\nAlpha,10,20\nGamma,1,2\n")
    assert len(knowledge.places_in("Alpha or Gamma")) == 2
    assert len(knowledge.search(["gamma"], near=None, radius_km=0, k=5)) == 1


def test_names_are_read_once_a_version_however_often_the_table_is_opened(
    opened: Callable[[str], Knowledge], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = _names_read._read

    def counted(snapshot: Snapshot) -> _names_read.KnownNames:
        read.append(snapshot.version)
        return original(snapshot)

    monkeypatch.setattr(_names_read, "_read", counted)
    for _ in range(3):
        assert opened("name,lat,lon\nAlpha,10,20\n").places_in("Alpha")
    assert len(read) == 1
    clear_knowledge(tmp_path / "index")  # a table made anew counts its versions from the beginning
    made_anew = opened("name,lat,lon\nGamma,10,20\n")
    assert not made_anew.places_in("Alpha")
    assert made_anew.places_in("Gamma")
    assert read[0] == read[1]


def test_an_index_without_knowledge_opens_as_none(tmp_path: Path) -> None:
    Store.create_or_open(tmp_path / "index", space=BagOfWords().space)
    assert open_knowledge(tmp_path / "index", BagOfWords()) is None


def test_another_encoder_is_refused(opened: Callable[[str], Knowledge], tmp_path: Path) -> None:
    opened(ROWS)
    with pytest.raises(SpaceMismatchError, match="add the files again"):
        open_knowledge(tmp_path / "index", BagOfWords(revision="2"))
    clear_knowledge(tmp_path / "index")


@pytest.mark.parametrize("seed", range(4))
def test_join_by_place_agrees_with_measuring_every_passage(opened: Callable[[str], Knowledge], seed: int) -> None:
    rng = np.random.default_rng(seed)
    lons = np.where(rng.random(150) < 0.5, rng.uniform(176, 184, 150), rng.uniform(-180, 180, 150))
    lats = rng.uniform(-89, 89, 150)
    radii = np.where(rng.random(150) < 0.3, rng.uniform(1, 300, 150), 0)
    rows = [f"P{n},{y},{x},{r or ''}" for n, (x, y, r) in enumerate(zip(lons, lats, radii, strict=True))]
    knowledge = opened("\n".join(["name,lat,lon,radius_km", *rows]))
    for _ in range(8):
        near, radius = random_place(rng), float(rng.uniform(0, 1500))
        found = {p.title: p.distance_km for p in knowledge.search([], near=near, radius_km=radius, k=1000)}
        points = [Point(x - 360 if x > 180 else x, y) for x, y in zip(lons, lats, strict=True)]
        measured = np.maximum(distances_km(near, points) - radii, 0)
        assert found == {f"P{n}": pytest.approx(km) for n, km in enumerate(measured) if km <= radius}


def random_place(rng: np.random.Generator) -> BaseGeometry:
    lon, lat = rng.uniform(-180, 180), rng.uniform(-88, 80)
    if rng.random() < 0.3:
        return circle(180, lat, rng.uniform(10, 800))
    return Point(lon, lat) if rng.random() < 0.5 else box(lon, lat, min(lon + 6, 180), lat + 6)
