"""The service of docker-compose.yml comes up: its own commands, as processes of one machine, over an S3 server."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

import swath
from indexer import vector_matrix
from indexer.store import Store
from tests import compose_file
from tests.rasters import write_raster
from tests.slow.local_service import LocalService

pytestmark = pytest.mark.slow

BUCKET = "scenes-and-index"
SCENES, SIDE = 4, 448
"""Four tiles of 224 pixels each."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    with LocalService(tmp_path_factory.mktemp("service"), SWATH_BUCKET=BUCKET) as made:
        made.start_store()
        yield made


def bucket(service: LocalService) -> Any:
    return boto3.client(
        "s3", endpoint_url=service.store, region_name="us-east-1",
        aws_access_key_id=compose_file.SECRETS["SWATH_STORE_KEY"],
        aws_secret_access_key=compose_file.SECRETS["SWATH_STORE_SECRET"],
    )  # fmt: skip


def upload(service: LocalService, folder: Path) -> None:
    rng = np.random.default_rng(3)
    for number in range(SCENES):
        coarse = rng.integers(0, 256, (3, 8, 8), dtype=np.uint8)
        path = write_raster(folder / f"scene-{number}.tif", np.kron(coarse, np.ones((1, 56, 56), np.uint8)))
        bucket(service).upload_file(path, BUCKET, f"scenes/{Path(path).name}")


def test_the_whole_service_comes_up_and_answers(service: LocalService, tmp_path: Path) -> None:
    # docker compose up store: the bucket is made once, and found the second time.
    for _ in range(2):
        made = service.run("bucket")
        assert made.returncode == 0, made.stdout + made.stderr
    assert [each["Name"] for each in bucket(service).list_buckets()["Buckets"]] == [BUCKET]
    upload(service, tmp_path)

    # docker compose up ray-head ray-worker
    service.start("ray-head")
    service.start("ray-worker")
    # Here both are on one machine, so the second's health check cannot tell its own part of Ray from the first's.
    service.wait(lambda: len(service.nodes()) == 2, "ray-worker")

    # docker compose run ingest s3://...: twice, and nothing is done twice
    options = ("--sensor", "rgb", "--json")
    first = service.run("ingest", f"s3://{BUCKET}/scenes", *options)
    assert first.returncode == 0, first.stdout + first.stderr
    assert f'"tiles_written": {SCENES * 4}' in first.stdout
    again = service.run("ingest", f"s3://{BUCKET}/scenes", *options)
    assert f'"scenes_skipped": {SCENES}' in again.stdout, again.stdout + again.stderr
    assert "swath_ingest" in service.metrics.read_text()
    assert (Store.open(service.index).snapshot().count(), swath.verify(service.index).whole) == (SCENES * 4, True)

    # docker compose up: the page, the search, and what Prometheus asks for
    service.start("api")
    assert "<html" in httpx.get(service.url).text
    hits = httpx.get(f"{service.url}/v1/search", params={"q": "a river", "k": 3}, timeout=60).json()["hits"]
    assert len(hits) == 3
    check_metrics(service)


def check_metrics(service: LocalService) -> None:
    """Ask as Prometheus would, and read the answer as it would."""
    config = import_module("yaml").safe_load((compose_file.ROOT / "deploy/prometheus/prometheus.yml").read_text())
    job = next(job for job in config["scrape_configs"] if job["job_name"] == "swath")
    assert job["static_configs"] == [{"targets": ["api:8000"]}]
    answer = httpx.get(
        f"{service.url}{job.get('metrics_path', '/metrics')}", headers={"Accept": "text/plain;version=0.0.4"}
    )
    assert answer.headers["Content-Type"].startswith("text/plain")
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    (rows,) = found["swath_index_rows"].samples
    assert rows.value == SCENES * 4
    assert sum(sample.value for sample in found["swath_requests"].samples) >= 2


def test_a_wrong_token_does_not_get_into_the_cluster(service: LocalService) -> None:
    service.services["ingest"]["environment"] |= {"RAY_AUTH_TOKEN": "f" * 32}
    done = service.run("ingest", f"s3://{BUCKET}/scenes", "--sensor", "rgb")
    assert done.returncode != 0
    assert "Unauthenticated" in done.stderr or "InvalidAuthToken" in done.stderr, done.stderr


def test_the_index_may_lie_in_the_store(service: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    place = f"s3://{BUCKET}/indexes/main"
    service.set(SWATH_INTO=place)
    for written in (SCENES * 4, 0):
        done = service.run("ingest", f"s3://{BUCKET}/scenes", "--sensor", "rgb", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f'"tiles_written": {written}' in done.stdout
    for name, value in service.own_environment("api").items():
        monkeypatch.setenv(name, value)
    here, there = vectors(str(service.index)), vectors(place)
    assert here.keys() == there.keys()
    assert max(np.abs(here[name] - there[name]).max() for name in here) <= 1e-6
    assert swath.verify(place).whole
    service.stop("api")
    service.start("api")
    hits = httpx.get(f"{service.url}/v1/search", params={"q": "a river", "k": 3}, timeout=60).json()["hits"]
    assert {hit["tile_id"] for hit in hits} <= set(there)


def vectors(place: str) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for batch in Store.open(place).snapshot().scan(["tile_id", "vector"]):
        found |= dict(zip(batch["tile_id"].to_pylist(), vector_matrix(batch["vector"]), strict=True))
    return found
