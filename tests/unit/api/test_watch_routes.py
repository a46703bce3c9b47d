"""Watches over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from api._watch_routes import WatchesAnswer, WatchMatches
from indexer import Store
from tests.unit.api.many_tiles import opened as opened_service
from tests.unit.retriever.watched_index import LEAST, add_scene, made, opened


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return made(tmp_path / "index")


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with TestClient(create_app(store.folder, opened=opened_service)) as found:
        yield found


def test_watches_are_listed(store: Store, client: TestClient, tmp_path: Path) -> None:
    assert client.get("/v1/watches").json() == {"watches": []}
    watches = opened(store, allowed_hosts=("a.example.org",))
    watches.add("blues", text="blue", min_score=LEAST, webhook="https://a.example.org/very/secret", bbox="0,0,1,1")
    watches.add("reds", text="red", min_score=LEAST, file=tmp_path / "reds.jsonl")
    (tmp_path / "reds.jsonl").mkdir()
    add_scene(store, "a", ["red"])
    watches.run()
    answer = client.get("/v1/watches")
    WatchesAnswer.model_validate(answer.json(), extra="forbid")
    blues, reds = answer.json()["watches"]
    assert (blues["to"], blues["about"], blues["asked"]["bbox"]) == ("a.example.org", {"text": "blue"}, [0, 0, 1, 1])
    assert (reds["to"], reds["matches"], reds["waiting"]) == ("file", 1, 1)
    assert "cannot write matches to reds.jsonl" in reds["problem"]
    assert "secret" not in answer.text
    assert str(tmp_path) not in answer.text


def test_matches_come_a_page_at_a_time(store: Store, client: TestClient) -> None:
    watches = opened(store)
    watches.add("reds", text="red", min_score=LEAST)
    came = add_scene(store, "a", ["red"] * 5)
    watches.run()
    found, since, more = [], 0, True
    while more:
        answer = client.get("/v1/watches/reds/matches", params={"since": since, "limit": 2})
        page = WatchMatches.model_validate(answer.json(), extra="forbid")
        found += [feature["id"] for feature in page.features]
        assert all("/" not in feature["properties"]["href"] for feature in page.features)
        since, more = page.last, page.more
    assert found == came
    assert client.get("/v1/watches/reds/matches", params={"since": since}).json()["features"] == []


def test_an_unknown_watch_is_not_found(client: TestClient) -> None:
    answer = client.get("/v1/watches/none/matches")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "watch_not_found"
    assert client.get("/v1/watches/none/matches?since=-1").status_code == 422


def test_a_damaged_watch_is_listed_with_its_problem(store: Store, client: TestClient, tmp_path: Path) -> None:
    opened(store).add("reds", text="red", min_score=LEAST)
    (store.folder / "watches" / "reds" / "watch.json").write_text("{")
    answer = client.get("/v1/watches")
    WatchesAnswer.model_validate(answer.json(), extra="forbid")
    assert "damaged" in answer.json()["watches"][0]["problem"]
    assert str(tmp_path) not in answer.text
