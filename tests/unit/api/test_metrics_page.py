"""docs/metrics.md and what there is: the same metrics of the same types with the same labels, in both directions."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api import ServeConfig, create_app
from api._process_metrics import memory_limit
from retriever import RANKED
from retriever.rag import MODEL_REQUESTS, MODEL_SECONDS
from swath._metrics_file import TEXTS, write_metrics
from tests.unit.api.many_tiles import COUNT, fill, made_up_tiles, opened

PAGE = (Path(__file__).parents[3] / "docs/metrics.md").read_text()


def rows(part: str) -> dict[str, tuple[str, str]]:
    """Type and labels of each metric in a part of the page."""
    text = PAGE.split(f"## {part}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` \| (\w+) \|([\w, ]*)\|([^|]+)\|([^|]+)\|", text, re.MULTILINE)
    assert all(meaning.strip() for *_, meaning in found)
    return {name: (kind, labels.strip()) for name, kind, labels, _, _ in found}


def families(text: str) -> dict[str, tuple[str, str]]:
    """Type and labels of each metric in a text; labels only where there is a sample."""
    found = {}
    for family in text_string_to_metric_families(text):
        if family.name.endswith("_created"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = (family.type, ", ".join(sorted(labels)))
    return found


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    index = fill(tmp_path_factory.mktemp("metrics") / "index", made_up_tiles())
    app = create_app(ServeConfig(indexes={"archive": index}, page=False), opened=opened)
    with TestClient(app) as made:
        yield made


def test_the_page_and_the_server_tell_the_same_metrics(client: TestClient) -> None:
    client.get("/v1/search", params={"text": "red"})
    written, told = rows("Of a server"), families(client.get("/metrics").text)
    assert set(written) == set(told)
    assert {name: kind for name, (kind, _) in written.items()} == {name: kind for name, (kind, _) in told.items()}
    seen = {name: labels for name, (_, labels) in told.items() if labels}
    assert {name: ", ".join(sorted(written[name][1].split(", "))) for name in seen} == seen


def test_the_page_and_the_files_of_commands_tell_the_same_metrics() -> None:
    written = rows("Of commands")
    assert set(written) == set(TEXTS)
    assert {kind for kind, _ in written.values()} == {"gauge"}
    assert {name for name, (_, labels) in written.items() if labels == "index, outcome"} == {
        "swath_ingest_scenes",
        "swath_ingest_tiles",
    }


def test_searches_are_counted_by_the_route_they_took(client: TestClient) -> None:
    def count() -> float:
        found = client.get("/metrics").text
        samples = re.findall(r'^swath_search_seconds_count\{route="flat"\} (\S+)$', found, re.MULTILINE)
        return float(samples[0]) if samples else 0.0

    before = count()
    client.get("/v1/search", params={"text": "red"})
    assert count() == before + 1


def test_an_index_that_cannot_be_read_takes_no_other_number_with_it(tmp_path: Path) -> None:
    whole = fill(tmp_path / "whole", made_up_tiles())
    broken = fill(tmp_path / "broken", made_up_tiles())
    app = create_app(ServeConfig(indexes={"whole": whole, "broken": broken}, page=False), opened=opened)
    with TestClient(app) as client:
        broken.rename(tmp_path / "elsewhere")
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert 'swath_index_readable{index="whole"} 1.0' in answer.text
    assert f'swath_index_rows{{index="whole"}} {COUNT}.0' in answer.text
    assert 'swath_index_readable{index="broken"} 0.0' in answer.text
    assert 'swath_index_rows{index="broken"}' not in answer.text


def test_a_container_limits_memory_and_one_without_a_limit_does_not(tmp_path: Path) -> None:
    (tmp_path / "limited").write_text("1000000\n")
    (tmp_path / "unlimited").write_text("max\n")
    machine = memory_limit(())
    assert machine > 10**8
    assert memory_limit((tmp_path / "limited",)) == 1_000_000
    assert memory_limit((tmp_path / "unlimited", tmp_path / "absent")) == machine


def test_metrics_of_the_engine_and_of_models_belong_to_whoever_serves_them() -> None:
    registry = CollectorRegistry()
    for each in (RANKED, MODEL_REQUESTS, MODEL_SECONDS):
        registry.register(each)
    assert "swath_search_seconds" in generate_latest(registry).decode()


def test_a_file_of_metrics_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "swath.prom"
    write_metrics(file, tmp_path / "my-index", {"swath_ingest_scenes": {"failed": 2, "indexed": 3}})
    write_metrics(file, tmp_path / "my-index", {"swath_verify_damage": 0})
    assert families(file.read_text()) == {"swath_verify_damage": ("gauge", "index")}
    assert [entry.name for entry in tmp_path.iterdir()] == ["swath.prom"]
