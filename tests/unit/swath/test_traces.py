"""The spans of an ingest, of a search over HTTP and of an answer, and the variables that ask for them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api import ServeConfig, create_app
from core import AnswerSettings, use_tracer
from swath._telemetry import wanted_exporter
from tests.integration.scripted_model import answers, says, scripted_server
from tests.small_index import TINY, build_small_index

ROOT = Path(__file__).parents[3]
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WORDS = "a secret lake"


@pytest.fixture(scope="module")
def exporter() -> Iterator[InMemorySpanExporter]:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    use_tracer(provider)
    yield kept
    use_tracer(None)


def tree(spans: Sequence[ReadableSpan]) -> dict[str, set[str]]:
    """The names of the parts of each step."""
    names = {each.context.span_id: each.name for each in spans if each.context is not None}
    found: dict[str, set[str]] = {}
    for each in spans:
        found.setdefault(names.get(each.parent.span_id, "elsewhere") if each.parent else "", set()).add(each.name)
    return found


@pytest.fixture(scope="module")
def ingested(exporter: InMemorySpanExporter, tmp_path_factory: pytest.TempPathFactory) -> Any:
    index = build_small_index(tmp_path_factory.mktemp("traced") / "index")
    return index, exporter.get_finished_spans()


def test_an_ingest_is_a_tree_of_scenes_readings_batches_and_commits(ingested: Any) -> None:
    spans = ingested[1]
    assert tree(spans) == {"": {"ingest"}, "ingest": {"scene", "encode", "commit"}, "scene": {"read"}}
    assert len({each.context.trace_id for each in spans if each.context is not None}) == 1
    found: dict[str, Any] = {each.name: each for each in spans}
    assert found["scene"].attributes["swath.href"] == "scene.tif"
    assert found["commit"].attributes["swath.tiles"] == found["encode"].attributes["swath.tiles"] == TINY
    for name in ("encode", "commit"):
        assert [link.context.span_id for link in found[name].links] == [found["scene"].context.span_id]


def client_of(index: Path, url: str = "") -> TestClient:
    settings = AnswerSettings(url=url, model="tiny" if url else "", images=0, retries=0, timeout_s=10)
    return TestClient(create_app(ServeConfig(indexes={"archive": index}, page=False, answers=settings)))


def test_a_search_goes_on_with_the_trace_of_its_caller(ingested: Any, exporter: InMemorySpanExporter) -> None:
    client = client_of(ingested[0])
    exporter.clear()
    client.get("/v1/search", params={"text": WORDS}, headers={"traceparent": CALLER, "x-request-id": "number-1"})
    spans = exporter.get_finished_spans()
    assert tree(spans) == {
        "elsewhere": {"GET /v1/search"},
        "GET /v1/search": {"search", "read hits"},
        "search": {"embed", "rank"},
    }
    assert {f"{each.context.trace_id:032x}" for each in spans if each.context is not None} == {CALLER[3:35]}
    found: dict[str, Any] = {each.name: each.attributes for each in spans}
    assert found["GET /v1/search"]["http.response.status_code"] == 200
    assert found["GET /v1/search"]["swath.request_id"] == "number-1"
    assert found["search"]["swath.route"] == "flat"
    assert found["search"]["swath.matched"] == TINY
    assert "secret" not in "".join(each.to_json() for each in spans)


def test_what_machines_ask_for_all_the_time_is_not_traced(ingested: Any, exporter: InMemorySpanExporter) -> None:
    client = client_of(ingested[0])
    exporter.clear()
    assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3
    assert exporter.get_finished_spans() == ()


REPLY = json.dumps({"answerable": True, "claims": [{"text": "There is one.", "cites": [1]}], "caveats": []})
QUESTION = {"question": f"Where is {WORDS}?", "plan": {"question": f"Where is {WORDS}?", "shape": "when"}, "tiles": 2}


def test_an_answer_is_planned_retrieved_asked_for_and_checked(ingested: Any, exporter: InMemorySpanExporter) -> None:
    with scripted_server(says(REPLY)) as server, client_of(ingested[0], server.url) as client:
        exporter.clear()
        got = client.post("/v1/ask", json=QUESTION, headers={"accept": "application/json", "traceparent": CALLER})
    assert got.json()["written_by"] == "model", got.text
    spans = exporter.get_finished_spans()
    found: dict[str, Any] = {each.name: each for each in spans}
    parts = tree(spans)
    assert parts["POST /v1/ask"] == {"answer"}
    assert parts["answer"] >= {"plan", "retrieve", "chat tiny", "check"}
    assert found["chat tiny"].attributes["gen_ai.operation.name"] == "chat"
    assert found["answer"].attributes["swath.outcome"] == "model"
    sent = server.chats[0].headers["traceparent"]
    assert sent == f"00-{CALLER[3:35]}-{found['chat tiny'].context.span_id:016x}-01"
    assert "secret" not in "".join(each.to_json() for each in spans)


def test_a_model_that_fails_is_told_by_the_kind_of_failure(ingested: Any, exporter: InMemorySpanExporter) -> None:
    with scripted_server(answers(500)) as server, client_of(ingested[0], server.url) as client:
        exporter.clear()
        client.post("/v1/ask", json=QUESTION, headers={"accept": "application/json"})
    found: dict[str, Any] = {each.name: each for each in exporter.get_finished_spans()}
    assert found["chat tiny"].attributes["error.type"] == "RefusedError"
    assert found["answer"].attributes["swath.outcome"] == "records"
    assert "write" in found


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, None),
        ({"OTEL_SERVICE_NAME": "x"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h:4318/v1/traces"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318", "OTEL_TRACES_EXPORTER": "none"}, None),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, None),
    ],
)
def test_the_standard_variables_ask_for_traces(environment: dict[str, str], wanted: str | None) -> None:
    assert wanted_exporter(environment) == wanted


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-c", script], env=given, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_command_prints_its_spans_where_the_console_is_asked_for(ingested: Any) -> None:
    script = f"import sys; sys.argv = ['swath', 'search', '--index', {str(ingested[0])!r}, '-k', '1', '{WORDS}']\n"
    done = run(script + "from swath._cli import main; main()", OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="mine")
    assert done.returncode == 0, done.stderr
    assert '"name": "rank"' in done.stderr
    assert '"service.name": "mine"' in done.stderr
    assert "secret" not in done.stderr


def test_a_command_goes_on_without_the_packages_and_says_so() -> None:
    script = (
        "import sys; sys.modules['opentelemetry.sdk'] = None; sys.modules['opentelemetry.exporter'] = None\n"
        "sys.argv = ['swath', 'sensors']\nfrom swath._cli import main; main()"
    )
    done = run(script, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 0
    assert "sentinel-2-l2a" in done.stdout
    assert "pip install 'swath[tracing]'" in done.stderr


@pytest.mark.slow
def test_events_of_a_command_are_json_lines_with_one_run_id(ingested: Any, tmp_path: Path) -> None:
    scene = ingested[0].parent / "scene.tif"
    arguments = ["swath", "--log-format", "json", "index", str(scene), "/nowhere.tif", "--into", str(tmp_path / "i")]
    for sources in (arguments[:4] + arguments[5:], arguments[:5] + arguments[6:]):
        done = run(f"import sys; sys.argv = {sources!r}\nfrom swath._cli import main; main()")
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert len({line["run_id"] for line in lines}) == 1
        if done.returncode:
            assert (done.returncode, lines[-1]["level"], lines[-1]["exit_code"]) == (2, "error", 2)
        else:
            assert [line["event"] for line in lines] == ["scene committed", "ingest finished"]
            assert lines[-1]["tiles_written"] == TINY
