"""Queries of several parts, checked by hand: weighted sums, Rocchio's formula, and what is left out of the hits."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely.geometry import box

from core import QueryError, TileNotFoundError
from core.testing import MeanColourEncoder
from retriever import Hits, Searcher, SearchRequest
from retriever._compound import ALPHA, BETA, GAMMA, refined, weighted_sum
from tests.unit.retriever.tables import Archive, row, rows_in_memory

COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "purple": (1, 0, 1), "yellow": (1, 1, 0)}
PLACES = {name: box(10 * place, 0, 10 * place + 1, 1) for place, name in enumerate(COLOURS)}


def unit(*numbers: float) -> NDArray[np.float32]:
    vector = np.array(numbers, dtype=np.float64)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def vector_of(name: str) -> NDArray[np.float32]:
    return unit(*COLOURS[name], 0.1)


def search(**given: Any) -> Hits:
    tiles = [row(name, PLACES[name], vector=vector_of(name).tolist()) for name in COLOURS]
    return Searcher(Archive(rows_in_memory(tiles)), MeanColourEncoder()).search(SearchRequest.build(**given))


def ids(**given: Any) -> list[str]:
    return [hit.tile_id for hit in search(**given)]


def test_terms_are_added_with_their_weights() -> None:
    hits = search(query=[{"text": "red", "weight": 2}, {"text": "blue"}])
    expected = unit(*(2 * vector_of("red") + vector_of("blue")))
    for hit in hits:
        assert hit.score == pytest.approx(float(expected @ vector_of(hit.tile_id)), abs=1e-6)
    assert hits[0].tile_id == "purple"
    assert [term["weight"] for term in hits.why["query"]] == [2.0, 1.0]


def test_only_the_proportion_of_weights_counts() -> None:
    few = search(query=[{"text": "red", "weight": 0.2}, {"text": "blue", "weight": 0.3}])
    many = search(query=[{"text": "red", "weight": 20}, {"text": "blue", "weight": 30}])
    assert [hit.tile_id for hit in few] == [hit.tile_id for hit in many]
    assert [hit.score for hit in few] == pytest.approx([hit.score for hit in many], abs=1e-6)


def test_a_negative_weight_subtracts() -> None:
    assert ids(query=[{"text": "purple red"}, {"text": "blue", "weight": 0.2}], k=1) == ["red"]
    assert ids(query=[{"vector": vector_of("purple")}, {"text": "blue", "weight": -1}], k=1) == ["red"]


def test_words_pictures_tiles_vectors_and_points_go_together() -> None:
    picture = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    terms = [{"image": picture}, {"text": "red"}, {"like": "green"}, {"vector": [1, 0, 0, 0.1]}, {"point": (20.5, 0.5)}]
    expected = weighted_sum([vector_of(name) for name in ("red", "red", "green", "red", "blue")], [1] * 5)
    hits = search(query=terms)
    assert {hit.tile_id for hit in hits} == {"red", "purple", "yellow"}  # the tile and the point's tile are left out
    assert hits.matched == 3
    for hit in hits:
        assert hit.score == pytest.approx(float(expected @ vector_of(hit.tile_id)), abs=1e-6)


def test_one_term_alone_is_what_it_is_without_a_list() -> None:
    for subject in ({"text": "red"}, {"like": "red"}, {"vector": [1.0, 0.0, 0.0, 0.0]}):
        given: Any = subject
        alone, listed = search(**given), search(query=[subject | {"weight": 3}])
        assert [(hit.tile_id, hit.score) for hit in alone] == [(hit.tile_id, hit.score) for hit in listed]
        assert alone.query == listed.query


def test_marks_move_the_query_as_rocchio_wrote_it() -> None:
    hits = search(text="red", plus=["purple", "blue"], minus=["green"])
    right = (vector_of("purple").astype(np.float64) + vector_of("blue")) / 2
    expected = unit(*(ALPHA * vector_of("red") + BETA * right - GAMMA * vector_of("green")))
    for hit in hits:
        assert hit.score == pytest.approx(float(expected @ vector_of(hit.tile_id)), abs=1e-6)
    assert (ALPHA, BETA, GAMMA) == (1.0, 0.75, 0.15)


def test_what_is_marked_wrong_is_left_out_and_what_is_right_stays() -> None:
    assert set(ids(text="red", plus=["blue"], minus=["green", "yellow"])) == {"red", "blue", "purple"}


def test_marks_alone_are_a_query() -> None:
    assert ids(plus="purple", k=2)[0] == "purple"
    assert set(ids(plus=["red", "blue"], k=3)) == {"purple", "red", "blue"}
    away = search(minus=["red"])
    assert "red" not in [hit.tile_id for hit in away]
    assert away[0].score == pytest.approx(-float(vector_of("red") @ vector_of(away[0].tile_id)), abs=1e-6)


def test_a_point_means_the_tiles_that_cover_it_and_filters_do_not_hide_them() -> None:
    hits = search(query=[{"point": (30.5, 0.5)}], bbox=(0, 0, 21, 1))
    assert hits.why["query"][0]["tiles"] == ["purple"]
    assert hits.why["query"][0]["distance_km"] == 0
    assert {hit.tile_id for hit in hits[:2]} == {"red", "blue"}
    assert not hits.remarks


def test_a_point_without_a_tile_means_the_nearest_and_that_is_said() -> None:
    hits = search(query=[{"point": (12, 0.5)}])
    assert hits.why["query"][0]["tiles"] == ["green"]
    assert hits.why["query"][0]["distance_km"] == pytest.approx(111.19, rel=1e-3)  # a degree along the equator
    assert "the nearest, 111.2 km away" in hits.remarks[0]
    assert "green" not in [hit.tile_id for hit in hits]


def test_every_date_of_a_place_stands_for_its_point() -> None:
    tiles = [row(name, PLACES["red"], vector=vector_of(name).tolist()) for name in ("red", "blue")]
    tiles += [row("purple", PLACES["green"], vector=vector_of("purple").tolist())]
    hits = Searcher(Archive(rows_in_memory(tiles))).search(SearchRequest.build(query=[{"point": (0.5, 0.5)}]))
    (hit,) = hits
    both = unit(*(vector_of("red") + vector_of("blue")))
    assert hit.score == pytest.approx(float(both @ vector_of("purple")), abs=1e-6)


def test_a_point_means_nothing_among_plain_pictures() -> None:
    searcher = Searcher(Archive(rows_in_memory([row("a")])))
    with pytest.raises(QueryError, match="no tile of the index has a place"):
        searcher.search(SearchRequest.build(query=[{"point": (0, 0)}]))


def test_scores_below_the_least_are_left_out_and_still_counted_as_matches() -> None:
    hits = search(text="red", min_score=0.5)
    assert {hit.tile_id for hit in hits} == {"red", "purple", "yellow"}
    assert hits.matched == 5
    assert not search(text="red", min_score=1.0, k=5)[1:]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"query": []}, "1 to 20 terms"),
        ({"query": "river"}, "1 to 20 terms"),
        ({"query": [{"text": "a"}] * 21}, "1 to 20 terms"),
        ({"query": [{"text": "a"}, "b"]}, "term 2 of the query must be a mapping"),
        ({"query": [{"text": "a", "like": "b"}]}, "got text and like"),
        ({"query": [{"weight": 1}]}, "got none"),
        ({"query": [{"txt": "a"}]}, "unknown field 'txt'"),
        ({"query": [{"text": "a", "weight": float("nan")}]}, "weight must be a finite number"),
        ({"query": [{"text": "a", "weight": 1e9}]}, "weight must be between"),
        ({"query": [{"text": "a", "weight": 0}]}, "every term of the query has weight 0"),
        ({"query": [{"point": (1,)}, {"text": "a"}]}, "two numbers"),
        ({"query": [{"point": (0, 91)}, {"text": "a"}]}, "out of range"),
        ({"query": [{"point": (float("nan"), 0)}]}, "two numbers"),
        ({"query": [{"text": "red"}], "text": "a"}, "got text and query"),
        ({"plus": [""]}, "plus must be a text"),
        ({"minus": [str(number) for number in range(101)]}, "minus marks 101 tiles; at most 100"),
        ({"text": "red", "plus": ["red"], "min_probability": 0.5}, "searches in words"),
        ({"text": "red", "min_score": 2}, "min_score must be between -1 and 1"),
    ],
)
def test_wrong_terms_and_marks_say_what_they_got(given: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        SearchRequest.build(**given)


def test_terms_that_cancel_out_are_said() -> None:
    with pytest.raises(QueryError, match="cancel out"):
        search(query=[{"text": "red"}, {"text": "red", "weight": -1}])
    with pytest.raises(QueryError, match="cancel out"):
        refined(None, np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]) * BETA / GAMMA)


@pytest.mark.parametrize(
    "given", [{"plus": ["gone"]}, {"text": "red", "minus": ["gone"]}, {"query": [{"like": "gone"}]}]
)
def test_a_tile_that_is_not_there_is_named(given: dict[str, Any]) -> None:
    with pytest.raises(TileNotFoundError, match="no tile 'gone'"):
        search(**given)
