"""``/v1/ask``: events as they come, one document, what fails before and after the first event, and who leaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import Limits, ServeConfig, _ask_desk, _ask_events, add_key, create_app
from api._ask_schemas import AnswerView
from api._services import Service
from core import AnswerSettings, StoreError
from retriever.rag import AnswerModel, Message
from retriever.rag.testing import ScriptedModel
from tests.unit.api.many_tiles import fill, made_up_tiles, opened

QUESTION: dict[str, Any] = {
    "question": "Which dates are there?",
    "plan": {"question": "Which dates are there?", "shape": "when"},
    "tiles": 4,
}
"""Nothing is sought, so no score has to carry the answer."""
GOOD = {
    "answerable": True,
    "claims": [
        {"text": "The first is red.", "cites": [1], "confidence": 0.9},
        {"text": "The others differ.", "cites": [2, 3]},
    ],
    "caveats": ["Only four tiles were seen."],
}
REPLY = json.dumps(GOOD)


class Waiting:
    """A model that says something and then waits, and knows whether it was stopped."""

    name = "waiting"

    def __init__(self, seconds: float, then: str | Exception = REPLY) -> None:
        self._seconds = seconds
        self._then = then
        self.started = asyncio.Event()
        self.stopped = False

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        self.started.set()
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.stopped = True
            raise
        if isinstance(self._then, Exception):
            raise self._then
        yield self._then


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("ask") / "index", made_up_tiles())


def app_of(index: Path, model: AnswerModel | None = None, **config: Any) -> FastAPI:
    given: dict[str, Any] = {"answers": AnswerSettings(timeout_s=5, images=0)} | config
    return create_app(
        ServeConfig(indexes={"first": index, "second": index}, **given),
        opened=opened,
        model=lambda _: model,
    )


@contextmanager
def client_of(index: Path, model: AnswerModel | None = None, **config: Any) -> Iterator[TestClient]:
    with TestClient(app_of(index, model, **config)) as found:
        yield found


@pytest.fixture(scope="module")
def records(index: Path) -> Iterator[TestClient]:
    """A server without a model."""
    with client_of(index) as found:
        yield found


@pytest.fixture(scope="module")
def scripted(index: Path) -> Iterator[TestClient]:
    with client_of(index, ScriptedModel([json.dumps(GOOD)])) as found:
        yield found


def events_of(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        if block.startswith(":"):
            found.append(("beat", None))
            continue
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def asked(client: TestClient, body: Mapping[str, Any] = QUESTION, **query: str) -> list[tuple[str, Any]]:
    answer = client.post("/v1/ask", json=dict(body), params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    return events_of(answer.text)


def document(client: TestClient, body: Mapping[str, Any] = QUESTION, status: int = 200) -> Any:
    answer = client.post("/v1/ask", json=dict(body), headers={"accept": "application/json"})
    assert answer.status_code == status, answer.text
    return answer.json()


def only(events: list[tuple[str, Any]], name: str) -> Any:
    (found,) = [data for each, data in events if each == name]
    return found


def test_an_answer_comes_step_by_step_and_ends_with_the_whole(scripted: TestClient) -> None:
    events = asked(scripted)
    names = [name for name, _ in events]
    assert names[-2:] == ["answer", "done"]
    assert names.index("plan") < names.index("evidence") < names.index("claim") < names.index("answer")
    answer = only(events, "answer")
    AnswerView.model_validate(answer, strict=True)
    assert [data for name, data in events if name == "claim"] == answer["claims"]
    assert [(claim["text"], claim["cites"]) for claim in answer["claims"]] == [
        ("The first is red.", [1]),
        ("The others differ.", [2, 3]),
    ]
    assert (answer["written_by"], answer["model"], answer["abstained"]) == ("model", "scripted", None)
    assert only(events, "evidence")["tiles"] == answer["evidence"]["tiles"]
    assert only(events, "done")["seconds"] > 0


def test_one_document_is_the_same_answer(scripted: TestClient) -> None:
    assert document(scripted) == only(asked(scripted), "answer")


def test_without_a_model_records_answer_and_the_index_says_so(records: TestClient, scripted: TestClient) -> None:
    answer = document(records)
    assert (answer["written_by"], answer["model"]) == ("records", None)
    numbers = {tile["number"] for tile in answer["evidence"]["tiles"]}
    assert answer["claims"]
    assert all(set(claim["cites"]) <= numbers and claim["cites"] for claim in answer["claims"])
    assert records.get("/v1/index").json()["answers"] == {"model": None, "knowledge": None}
    assert scripted.get("/v1/index").json()["answers"]["model"] == "scripted"


def test_an_index_is_described_though_its_passages_cannot_be_read(
    records: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: Service) -> None:
        raise StoreError("the knowledge table is damaged")

    monkeypatch.setattr(Service, "knowledge", damaged)
    assert records.get("/v1/index").json()["answers"] == {"model": None, "knowledge": None}
    assert document(records, status=503)["error"]["message"] == "the knowledge table is damaged"


def test_evidence_says_where_each_tile_is_shown_and_no_path_of_this_machine(records: TestClient) -> None:
    answer = document(records, QUESTION | {"index": "second"})
    tiles = answer["evidence"]["tiles"]
    assert [tile["number"] for tile in tiles] == [1, 2, 3, 4]
    assert all(tile["links"]["preview"].endswith("/preview.webp?index=second") for tile in tiles)
    assert all(tile["href"] and "/" not in tile["href"] for tile in tiles)
    assert records.get(tiles[0]["links"]["self"]).json()["tile_id"] == tiles[0]["tile_id"]
    assert "trace" not in answer
    explained = document(records, QUESTION | {"explain": True})
    assert explained["trace"][0]["name"] == "plan"


def test_filters_hold_whatever_the_question_says(records: TestClient) -> None:
    tiles = document(records, QUESTION | {"sensor": ["rgb"], "datetime": "2020-06-01/2020-12-31"})["evidence"]["tiles"]
    assert tiles
    assert all(tile["sensor"] == "rgb" and "2020-06-01" <= tile["datetime"][:10] <= "2020-12-31" for tile in tiles)


def test_an_edited_plan_is_taken_as_it_is(records: TestClient) -> None:
    plan = document(records)["plan"]
    answer = document(records, QUESTION | {"plan": plan | {"sensors": ["rgb"], "made_by": "user"}})
    assert answer["plan"]["sensors"] == ["rgb"]
    assert answer["plan"]["made_by"] == "user"
    assert {tile["sensor"] for tile in answer["evidence"]["tiles"]} == {"rgb"}


def test_a_follow_up_takes_what_was_answered_before(records: TestClient) -> None:
    first = document(records)
    turn = {
        "question": first["question"],
        "plan": first["plan"],
        "tile_ids": [tile["tile_id"] for tile in first["evidence"]["tiles"]],
        "claims": first["claims"],
    }
    answer = document(records, {"question": "only Sentinel-2", "turns": [turn], "tiles": 4})
    assert answer["question"] == "only Sentinel-2"
    assert {tile["sensor"] for tile in answer["evidence"]["tiles"]} == {"sentinel-2-l2a"}


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"question": "   "}, 400, "question"),
        ({"question": ""}, 422, "at least 1"),
        ({"question": "x" * 2001}, 422, "at most 2000"),
        ({"question": "x", "plan": {"shape": "where"}}, 400, "plan"),
        ({"question": "x", "filter": "nonsense("}, 400, "parentheses"),
        ({"question": "x", "index": "third"}, 400, "this server holds first, second"),
        ({"question": "x", "url": "http://evil.example"}, 422, "not permitted"),
        ({"question": "x", "tiles": 51}, 422, "50"),
        ({"question": "x", "turns": [{"question": "y", "plan": {}, "tile_ids": []}]}, 400, "plan"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    records: TestClient, accept: str, body: dict[str, Any], status: int, words: str
) -> None:
    answer = records.post("/v1/ask", json=body, headers={"accept": accept})
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]["message"]


def test_a_failure_after_the_first_event_is_the_last_event(index: Path) -> None:
    with client_of(index, Waiting(0.01, RuntimeError("secret path /srv/x"))) as client:
        answer = client.post("/v1/ask", json=QUESTION)
    assert "secret" not in answer.text
    name, data = events_of(answer.text)[-1]
    assert (name, data["error"]["code"]) == ("error", "failure")


def test_proxies_hear_something_while_a_model_thinks(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ask_events, "BEAT_S", 0.05)
    with client_of(index, Waiting(0.3)) as client:
        names = [name for name, _ in asked(client)]
    assert names.count("beat") >= 3
    assert names[-1] == "done"


def test_a_slow_model_has_its_own_time_beside_that_of_requests(index: Path) -> None:
    with client_of(index, Waiting(1.0), limits=Limits(seconds=0.9)) as client:
        assert document(client)["written_by"] == "model"


@pytest.mark.parametrize(("plan", "seconds"), [(False, 35), (True, 40)])
def test_a_model_that_plans_has_as_long_for_that(index: Path, plan: bool, seconds: float) -> None:
    app = app_of(index, answers=AnswerSettings(timeout_s=5, plan=plan))
    longer = [layer.kwargs["longer"] for layer in app.user_middleware if "longer" in layer.kwargs]
    assert longer == [{"/v1/ask": seconds, "/mcp": seconds}]


def left_by_its_client(app: FastAPI, model: Waiting, accept: str) -> None:
    """Ask, wait until the model is at work, leave."""

    async def work() -> None:
        sent: list[Any] = []
        body = json.dumps(QUESTION).encode()
        headers = [(b"content-type", b"application/json"), (b"accept", accept.encode())]
        headers.append((b"content-length", str(len(body)).encode()))
        scope = {"type": "http", "method": "POST", "path": "/v1/ask", "raw_path": b"/v1/ask", "query_string": b"",
                 "headers": headers, "client": ("10.0.0.1", 1), "server": ("test", 80), "scheme": "http",
                 "http_version": "1.1", "asgi": {"version": "3.0", "spec_version": "2.3"}}  # fmt: skip
        first = True

        async def receive() -> Any:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": body, "more_body": False}
            await model.started.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        async with asyncio.timeout(10):
            await app(scope, receive, send)

    asyncio.run(work())


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_client_that_leaves_ends_the_work_and_the_model(index: Path, accept: str) -> None:
    model = Waiting(60)
    left_by_its_client(app_of(index, model), model, accept)
    assert model.stopped


def test_more_questions_than_the_server_takes_are_sent_away(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ask_desk, "AT_ONCE", 1)
    app = app_of(index, Waiting(0.5))

    async def work() -> list[int]:
        transport = httpx.ASGITransport(app, client=("10.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            sent = [client.post("/v1/ask", json=QUESTION) for _ in range(3)]
            return sorted(answer.status_code for answer in await asyncio.gather(*sent))

    assert asyncio.run(work()) == [200, 503, 503]


def test_a_key_that_may_only_read_may_ask(index: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    token = add_key(keys, "reader", "read")
    with client_of(index, api_keys=keys) as client:
        assert client.post("/v1/ask", json=QUESTION).status_code == 401
        answer = client.post("/v1/ask", json=QUESTION, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200


def counted(client: TestClient, outcome: str) -> float:
    name = f'swath_answers_total{{outcome="{outcome}"}} '
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(lines[0].removeprefix(name)) if lines else 0.0


def test_answers_are_counted_by_how_they_end(records: TestClient, scripted: TestClient) -> None:
    before = [counted(records, outcome) for outcome in ("records", "model")]
    document(records)
    asked(scripted)
    assert [counted(records, outcome) for outcome in ("records", "model")] == [before[0] + 1, before[1] + 1]
    assert 'swath_answer_step_seconds_count{step="plan"}' in records.get("/metrics").text


def test_the_description_shows_how_to_ask(records: TestClient) -> None:
    described = records.get("/openapi.json").json()
    route = described["paths"]["/v1/ask"]["post"]
    assert set(route["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    body = described["components"]["schemas"]["AskBody"]
    assert len(body["examples"]) == 2
    assert {"bbox", "datetime", "sensor", "filter", "question", "plan", "turns"} <= set(body["properties"])


@pytest.fixture(scope="module")
def close_checked(index: Path) -> Callable[[], bool]:
    class Closing(ScriptedModel):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    model = Closing([json.dumps(GOOD)])
    with client_of(index, model):
        pass
    return lambda: model.closed


def test_the_model_is_closed_with_the_server(close_checked: Callable[[], bool]) -> None:
    assert close_checked()
