"""The whole service behind its layers: keys, rates, proxies, other origins, headers, log and metrics."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import Limits, ServeConfig, add_key, create_app, remove_key
from api._services import open_service
from core import ConfigError, JsonLines
from tests.small_index import TINY, build_small_index

Serve = Callable[..., TestClient]


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The access log as it is written."""
    return [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == "swath.access"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return open_service("archive", build_small_index(tmp_path_factory.mktemp("guarded") / "index"))


@pytest.fixture
def serve(opened: Any) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(
            address: str = "10.0.0.1", change: Callable[[FastAPI], None] | None = None, **given: Any
        ) -> TestClient:
            config = ServeConfig(indexes={"archive": opened.path}, page=False, **given)
            app = create_app(config, opened=lambda *_: opened)
            if change is not None:
                change(app)
            return stack.enter_context(TestClient(app, client=(address, 1), raise_server_exceptions=False))

        yield start


def test_keys_open_what_they_are_for(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    reader, writer = add_key(file, "reader", "read"), add_key(file, "writer", "write")
    client = serve(api_keys=file)
    assert client.get("/healthz").status_code == 200
    denied = client.get("/v1/index")
    assert denied.status_code == 401
    assert denied.headers["www-authenticate"].startswith("Bearer")
    for path in ("/metrics", "/stac", "/mcp", "/v1/tiles/x", "/static"):
        assert client.get(path).status_code == 401
    for headers in (
        {"Authorization": f"Bearer {reader}"},
        {"Authorization": f"bearer  {reader}"},
        {"X-API-Key": reader},
    ):
        assert client.get("/v1/index", headers=headers).json()["tiles"] == TINY
    assert client.get("/v1/index", params={"key": reader}).status_code == 401
    assert client.get("/v1/index", headers={"Authorization": f"Basic {reader}"}).status_code == 401
    assert client.delete("/v1/index", headers={"X-API-Key": reader}).status_code == 403
    assert client.delete("/v1/index", headers={"X-API-Key": writer}).status_code == 405
    remove_key(file, "reader")
    assert client.get("/v1/index", headers={"X-API-Key": reader}).status_code == 401
    file.write_text("{")
    assert client.get("/v1/index", headers={"X-API-Key": writer}).json()["error"]["code"] == "keys_unreadable"


def test_a_key_becomes_a_cookie_that_only_reads(serve: Serve, tmp_path: Path) -> None:
    token = add_key(tmp_path / "keys.json", "page", "write")
    client = serve(api_keys=tmp_path / "keys.json")
    assert client.post("/v1/session").status_code == 401
    cookie = client.post("/v1/session", headers={"X-API-Key": token}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert client.get("/v1/index").status_code == 200
    assert client.post("/v1/search", json={"text": "a river"}).status_code == 401
    assert client.delete("/v1/index").status_code == 401
    assert client.delete("/v1/session").status_code == 204
    assert client.get("/v1/index").status_code == 401


def test_the_description_says_that_a_key_is_needed(serve: Serve, tmp_path: Path) -> None:
    add_key(tmp_path / "keys.json", "page", "read")
    assert "securitySchemes" not in serve().get("/openapi.json").json()["components"]
    described = serve(api_keys=tmp_path / "keys.json").get("/openapi.json").json()
    assert set(described["components"]["securitySchemes"]) == {"bearer", "header"}


def test_a_missing_file_of_keys_is_said_at_the_start(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.json"):
        serve(api_keys=tmp_path / "none.json")


def test_wrong_keys_count_against_their_sender(serve: Serve, tmp_path: Path) -> None:
    token = add_key(tmp_path / "keys.json", "page", "read")
    client = serve(api_keys=tmp_path / "keys.json", limits=Limits(requests_per_minute=3))
    wrong = [client.get("/v1/index", headers={"X-API-Key": f"{token}x"}).status_code for _ in range(5)]
    assert wrong == [401, 401, 401, 429, 429]
    assert client.get("/v1/index", headers={"X-API-Key": token}).status_code == 200
    assert [client.get("/healthz").status_code for _ in range(5)] == [200] * 5


def test_a_proxy_is_believed_only_where_it_is_trusted(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "swath.access")
    said = {"X-Forwarded-For": "6.6.6.6, 1.2.3.4"}
    for trusted, expected in ((), "10.0.0.1"), (("10.0.0.0/8",), "1.2.3.4"), (("192.168.0.1",), "10.0.0.1"):
        caplog.clear()
        serve(trusted_proxies=trusted).get("/healthz", headers=said)
        assert lines(caplog)[-1]["client"] == expected


def test_other_origins_may_call_where_they_are_named(serve: Serve, tmp_path: Path) -> None:
    add_key(tmp_path / "keys.json", "page", "read")
    asked = {"Origin": "https://browser.example.org", "Access-Control-Request-Method": "POST"}
    asked |= {"Access-Control-Request-Headers": "authorization,content-type"}
    allowing = serve(cors=("https://browser.example.org",), api_keys=tmp_path / "keys.json")
    assert allowing.options("/v1/search", headers=asked).headers["access-control-allow-origin"] == asked["Origin"]
    assert "access-control-allow-origin" in allowing.get("/v1/index", headers={"Origin": asked["Origin"]}).headers
    other = allowing.get("/v1/index", headers={"Origin": "https://evil.example.org"})
    assert other.headers.get("access-control-allow-origin") is None
    assert "access-control-allow-origin" not in serve().get("/v1/index", headers={"Origin": "https://a.b"}).headers


def test_every_answer_tells_browsers_to_be_careful(serve: Serve, tmp_path: Path) -> None:
    token = add_key(tmp_path / "keys.json", "page", "read")
    for answer in (serve().get("/v1/index"), serve().get("/nowhere"), serve().post("/v1/search", content=b"{")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-frame-options"] == "DENY"
    keyed = serve(api_keys=tmp_path / "keys.json").get("/v1/index", headers={"X-API-Key": token})
    assert keyed.headers["cache-control"].startswith("private")


def break_down(app: FastAPI) -> None:
    @app.get("/broken/{name}")
    def broken(name: str) -> None:
        raise RuntimeError(f"secret of {name}")


def test_a_failure_is_told_by_number_and_explained_in_the_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    answer = serve(change=break_down).get("/broken/x", headers={"X-Request-ID": "from-the-proxy-1"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "from-the-proxy-1"
    assert "secret" not in answer.text
    assert "from-the-proxy-1" in answer.json()["error"]["message"]
    failures = [record for record in caplog.records if record.name == "swath.failures"]
    assert len(failures) == 1
    assert "from-the-proxy-1" in failures[0].getMessage()
    assert failures[0].exc_info


def test_the_log_has_routes_and_names_and_no_words_or_keys(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "swath.access")
    token = add_key(tmp_path / "keys.json", "ann", "read")
    secret = {"X-API-Key": token, "Cookie": f"swath_key={token}"}
    client = serve(api_keys=tmp_path / "keys.json")
    client.get("/v1/search", params={"text": "my secret place"}, headers=secret)
    client.post("/v1/search", json={"text": "my secret place"}, headers=secret)
    client.get("/v1/tiles/my-secret-place", headers=secret)
    client.get("/stac/q/my%20secret%20place/collections", headers=secret)
    client.get("/v1/index", headers={"X-Request-ID": 'x"\n{"forged": 1}'.replace("\n", " ")})
    found, text = lines(caplog), "\n".join(map(JsonLines().format, caplog.records))
    assert [line["key"] for line in found] == ["ann"] * 4 + [None]
    assert [line["status"] for line in found][:3] == [200, 200, 404]
    assert found[3]["route"] == "/stac/collections"
    assert found[1]["bytes_in"] > 10
    assert "secret" not in text
    assert token not in text
    assert "forged" not in text
    caplog.clear()
    serve(log_queries=True).get("/v1/search", params={"text": "my place"})
    assert lines(caplog)[-1]["query"] in ("text=my+place", "text=my%20place")


def test_metrics_count_by_route_and_never_by_what_was_sent(serve: Serve) -> None:
    client = serve()
    client.get("/v1/search", params={"text": "a lake nobody has asked for"})
    for number in range(3):
        client.get(f"/v1/tiles/no-such-tile-{number}")
        client.get(f"/nowhere-{number}")
        client.request(f"STEAL{number}", "/v1/index")
    client.post("/v1/search", content=b"[" * 100, headers={"content-type": "application/json"})
    text = client.get("/metrics").text
    assert 'swath_requests_total{method="GET",route="/v1/search",status="200"} 1.0' in text
    assert 'swath_requests_total{method="GET",route="/v1/tiles/{tile_id:path}",status="404"} 3.0' in text
    assert 'swath_requests_total{method="GET",route="unknown",status="404"} 3.0' in text
    assert 'swath_refused_total{code="bad_input"} 1.0' in text
    assert f'swath_index_rows{{index="archive"}} {TINY}.0' in text
    assert 'swath_search_stage_seconds_count{stage="search"}' in text
    assert "swath_encoder_batch_size_count" in text
    assert "swath_snapshot_age_seconds" in text
    assert "no-such" not in text
    assert "nowhere" not in text
    assert "STEAL" not in text
