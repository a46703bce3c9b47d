"""Facets over HTTP: the numbers beside a search, of everything that matches it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import h3.api.basic_str as h3
import numpy as np
import pytest
from fastapi.testclient import TestClient

from api import create_app
from api._facet_schemas import FacetsAnswer
from core import cell_text
from tests.unit.api.many_tiles import COUNT, fill, made_up_tiles, opened

TILES = made_up_tiles()
EVERYTHING = {
    "time": {"bins": 5},
    "h3": {"resolution": 2},
    "cloud": {"bins": 4},
    "sensor": {},
    "collection": {},
    "label": {},
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = fill(tmp_path_factory.mktemp("facets") / "index", TILES)
    with TestClient(create_app(path, opened=opened)) as found:
        yield found


def counted(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/facets", json=body)
    assert answer.status_code == 200, answer.text
    FacetsAnswer.model_validate(answer.json(), extra="forbid")
    found: dict[str, Any] = answer.json()
    return found


def test_without_a_question_every_tile_is_counted(client: TestClient) -> None:
    found = counted(client, facets=EVERYTHING)
    assert found["matched"] == COUNT
    assert {entry["name"]: entry["count"] for entry in found["sensor"]} == Counter(tile["sensor"] for tile in TILES)
    assert {entry["cell"]: entry["count"] for entry in found["h3"]} == Counter(
        h3.cell_to_parent(cell_text(tile["h3"]), 2) for tile in TILES if tile["h3"] is not None
    )
    assert {cell["best"] for cell in found["h3"]} == {None}
    for facet in EVERYTHING:
        listed = sum(entry["count"] for entry in found[facet])
        assert listed + found["unknown"].get(facet, 0) + found["other"].get(facet, 0) == COUNT


def test_only_what_is_asked_for_comes_back(client: TestClient) -> None:
    assert set(counted(client, facets={"sensor": {}})) == {"matched", "sensor", "unknown", "other"}
    assert {"time", "cloud", "sensor", "collection"} <= set(counted(client))
    assert "h3" not in counted(client)


def test_filters_are_those_of_the_search(client: TestClient) -> None:
    for filters in (
        {"max_cloud": 40},
        {"bbox": [-20, 30, 0, 45]},
        {"datetime": "2020-06-01/.."},
        {"label": ["forest"]},
    ):
        matched = client.post("/v1/search", json={"text": "red", "k": 1} | filters).json()["matched"]
        assert 0 < matched < COUNT
        assert counted(client, **filters)["matched"] == matched
        assert counted(client, text="red", **filters)["matched"] == matched


def test_the_best_score_of_a_cell_is_that_of_its_best_hit(client: TestClient) -> None:
    found = counted(client, text="red", facets={"h3": {"resolution": 1}})
    hits = client.post("/v1/search", json={"text": "red", "k": COUNT}).json()["hits"]
    best: dict[str, float] = {}
    for hit in hits:
        if hit["h3"] is not None:
            best.setdefault(h3.cell_to_parent(hit["h3"], 1), hit["score"])
    assert {cell["cell"]: cell["best"] for cell in found["h3"]} == pytest.approx(best, abs=1e-6)


def test_a_least_score_counts_what_the_search_returns(client: TestClient) -> None:
    scores = [hit["score"] for hit in client.post("/v1/search", json={"text": "red", "k": COUNT}).json()["hits"]]
    least = float(np.median(scores))
    returned = client.post("/v1/search", json={"text": "red", "k": COUNT, "min_score": least}).json()["hits"]
    assert counted(client, text="red", min_score=least)["matched"] == len(returned)


def test_an_address_counts_what_the_body_counts(client: TestClient) -> None:
    address = "/v1/facets?q=red&max_cloud=50&facets=time,h3&facets=cloud&time_bins=5&h3_resolution=2&cloud_bins=4"
    names = {name: EVERYTHING[name] for name in ("time", "h3", "cloud")}
    assert client.get(address).json() == counted(client, text="red", max_cloud=50, facets=names)
    bare = client.get("/v1/facets?time_bins=9").json()
    assert bare == counted(client, facets={"time": {"bins": 9}, "cloud": {"bins": 10}, "sensor": {}, "collection": {}})
    assert client.get("/v1/facets?facets=h3&h3_best=false&q=red").json()["h3"][0]["best"] is None


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"facets": {}}, 400, "nothing to count: name one or more of time"),
        ({"facets": {"colour": {}}}, 422, "facets.colour"),
        ({"facets": {"time": {"bins": 0}}}, 422, "facets.time.bins"),
        ({"facets": {"h3": {"resolution": 13}}}, 422, "facets.h3.resolution"),
        ({"min_score": 0.5}, 400, "need something to search for"),
        ({"sensor": ["nope"]}, 400, "it holds rgb, sentinel-2-l2a"),
        ({"like": "nope"}, 404, "no tile 'nope'"),
        ({"text": "red", "minus": ["nope"]}, 404, "no tile 'nope'"),
        ({"filter": "nope = 1"}, 400, "unknown column 'nope'"),
        ({"index": "nope"}, 400, "no index 'nope' here"),
    ],
)
def test_what_cannot_be_counted_is_said(client: TestClient, body: dict[str, Any], status: int, says: str) -> None:
    answer = client.post("/v1/facets", json=body)
    assert answer.status_code == status
    assert says in answer.text


def test_an_address_with_a_facet_that_there_is_not_is_refused(client: TestClient) -> None:
    answer = client.get("/v1/facets?facets=time,colour")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "facets")
    assert "known are time, h3" in answer.json()["error"]["message"]
    assert client.get("/v1/facets?facets=").status_code == 400
