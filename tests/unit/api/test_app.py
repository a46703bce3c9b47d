"""The first HTTP service, over a small index filled by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from core import IndexNotFoundError
from tests.small_index import TINY, build_small_index


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = build_small_index(tmp_path_factory.mktemp("api") / "index")
    with TestClient(create_app(path)) as found:
        yield found


def test_health_and_description(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/v1/index").json()["tiles"] == TINY


def test_search_gives_as_many_hits_as_match(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"text": "a river", "k": 100}).json()
    assert answer["matched"] == TINY
    assert [hit["rank"] for hit in answer["hits"]] == list(range(1, TINY + 1))


def test_preview_is_a_webp(client: TestClient) -> None:
    tile_id = client.post("/v1/search", json={"text": "a river", "k": 1}).json()["hits"][0]["tile_id"]
    answer = client.get(f"/v1/tiles/{tile_id}/preview.webp")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.content[8:12] == b"WEBP"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": "x", "k": 0}, 422, "invalid_request"),
        ({"text": "x", "colour": "red"}, 422, "invalid_request"),
        ({}, 400, "bad_input"),
        ({"text": "x", "datetime": "soon"}, 400, "bad_input"),
        ({"text": "x", "bbox": [0, 10, 1, 5]}, 400, "bad_input"),
        ({"text": "x", "filter": "nope = 1"}, 400, "bad_input"),
        ({"like": "no-such-tile"}, 404, "tile_not_found"),
    ],
)
def test_bad_requests_name_what_is_wrong(client: TestClient, body: dict[str, object], status: int, code: str) -> None:
    answer = client.post("/v1/search", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("DELETE", "/v1/search", 405)])
def test_every_error_has_the_same_shape(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message", "field"}


def test_lone_surrogates_are_bad_input(client: TestClient) -> None:
    body = b'{"text": "x", "sensor": ["\\ud800"]}'
    answer = client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400


def test_a_path_is_not_an_area(client: TestClient) -> None:
    assert client.post("/v1/search", json={"text": "x", "within": "/etc/passwd"}).status_code == 422


def test_a_missing_index_is_said_before_the_port_opens(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError):
        create_app(tmp_path / "none")


def test_how_words_are_searched_can_be_chosen_and_is_told(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"text": "CLC 511", "k": 1}).json()
    assert answer["why"]["classes"] == ["CORINE 511 Water courses"]
    plain = client.post("/v1/search", json={"text": "CLC 511", "expand": False, "prompts": None, "k": 1}).json()
    assert plain["why"]["terms"] == ["CLC 511"]
    refused = client.post("/v1/search", json={"text": "river", "min_probability": 0.5})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_input")
    assert "swath calibrate" in refused.json()["error"]["message"]
