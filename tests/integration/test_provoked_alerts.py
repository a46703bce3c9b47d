"""Alerts provoked on a real server and by real commands, and ended by what the runbook says."""

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import rasterio
from fastapi.testclient import TestClient

from api import ServeConfig, add_key, create_app
from core import AnswerSettings
from swath._cli import app
from swath._errors import run_and_report
from tests.integration.scripted_model import answers, says, scripted_server
from tests.promql import Prometheus, read_rules
from tests.small_index import TINY, build_small_index
from tests.unit.retriever.watched_index import receiver

RULES = Path(__file__).parents[2] / "deploy/prometheus/alerts.yml"
HOUR = 3600.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_small_index(tmp_path_factory.mktemp("provoked") / "index").parent


@pytest.fixture
def index(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made" / "index"


def swath(*arguments: object) -> int:
    return run_and_report(lambda: app([*map(str, arguments)], standalone_mode=False))


def another_scene(index: Path) -> Path:
    """A copy of the scene elsewhere, which is another scene."""
    with rasterio.open(index.parent / "scene.tif") as source:
        profile, pixels = source.profile, source.read()
    profile["transform"] = rasterio.Affine.translation(50_000, 0) @ profile["transform"]
    with rasterio.open(index.parent / "second.tif", "w", **profile) as into:
        into.write(pixels)
        into.colorinterp = [rasterio.enums.ColorInterp[name] for name in ("red", "green", "blue")]
    return index.parent / "second.tif"


def firing(*pages: str, thresholds: Mapping[str, str] | None = None, hours: float = 0.0) -> set[str]:
    """Return the alerts that fire on pages of metrics, each of which held for three hours; the last one holds now."""
    text = RULES.read_text()
    for old, new in (thresholds or {}).items():
        assert old in text
        text = text.replace(old, new)
    end = time.time()
    prometheus = Prometheus(read_rules(text))
    for number, page in enumerate(pages):
        start = end - (len(pages) - number) * 3 * HOUR
        prometheus.scraped(page, [start + minute * 60 for minute in range(1, 181)], job="swath", instance="api")
    if hours:
        prometheus.scraped(pages[-1], [end + hours * HOUR], job="swath", instance="api")
    return prometheus.firing(end + hours * HOUR)


def served(index: Path, url: str = "", keys: Path | None = None) -> TestClient:
    settings = AnswerSettings(url=url, model="tiny" if url else "", images=0, retries=0, timeout_s=10)
    return TestClient(create_app(ServeConfig(indexes={"archive": index}, page=False, answers=settings, api_keys=keys)))


def page(client: TestClient) -> str:
    found = client.get("/metrics")
    assert found.status_code == 200
    # The disk of this machine and the memory that tests may take are nobody's objective.
    return "\n".join(line for line in found.text.splitlines() if not line.startswith(("swath_disk", "process_res")))


def test_an_index_that_is_gone_and_back(index: Path) -> None:
    client = served(index)
    before = page(client)
    index.rename(index.parent / "away")
    gone = page(client)
    assert client.get("/readyz").status_code != 200
    (index.parent / "away").rename(index)
    back = page(client)
    assert firing(before) == set()
    assert firing(before, gone) == {"SwathIndexUnreadable"}
    assert firing(before, gone, back) == set()
    assert client.get("/readyz").status_code == 200


@pytest.mark.slow
def test_a_search_snapshot_that_is_missing_then_behind_then_made(index: Path) -> None:
    small = {"swath_index_rows > 20000": f"swath_index_rows > {TINY - 1}", "> 100000": "> 0"}
    client = served(index)
    missing = page(client)
    assert swath("optimize", "--index", index) == 0
    made = page(client)
    assert swath("index", another_scene(index), "--into", index) == 0
    behind = page(client)
    assert swath("optimize", "--index", index) == 0
    whole = page(client)
    assert firing(missing, thresholds=small) == {"SwathSnapshotUnused"}
    assert firing(missing, made, thresholds=small) == set()
    assert firing(behind, thresholds=small) == {"SwathSnapshotBehind"}
    assert firing(behind, whole, thresholds=small) == set()
    assert f'swath_snapshot_rows{{index="archive"}} {2 * TINY}.0' in whole


@pytest.mark.slow
def test_a_webhook_that_refuses_and_then_takes(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_ALLOWED_HOSTS", '["127.0.0.1"]')
    client = served(index)
    with receiver() as got:
        added = ("watch", "add", index, "all", "--text", "a river", "--min-score", -1, "--past", "--webhook", got.url)
        assert swath(*added) == 0
        got.status = 404
        assert swath("watch", "run", index) == 3
        refused = page(client)
        got.status = 200
        assert swath("watch", "run", index) == 0
        taken = page(client)
    assert firing(refused) == {"SwathWatchFailing", "SwathWatchBacklog"}
    assert f'swath_watch_matches_waiting{{index="archive"}} {TINY}.0' in refused
    assert firing(refused, taken) == set()


REPLY = '{"answerable": true, "claims": [{"text": "There is one.", "cites": [1]}], "caveats": []}'
QUESTION = {"question": "Which dates?", "plan": {"question": "Which dates?", "shape": "when"}, "tiles": 2}


def growing(client: TestClient, ask: Callable[[], object], times: int = 8) -> set[str]:
    """Ask every two minutes, as it were, and return what fires on what the server counts meanwhile."""
    prometheus, now = Prometheus(read_rules(RULES.read_text())), time.time()
    for number in range(times):
        ask()
        until = now - (times - 1 - number) * 120
        prometheus.scraped(page(client), [until - 60, until], job="swath", instance="api")
    return prometheus.firing(now)


@pytest.mark.slow
def test_an_answer_model_that_is_down_and_back(index: Path) -> None:
    with scripted_server(*[answers(500)] * 8, says(REPLY)) as server, served(index, server.url) as client:

        def ask() -> None:
            assert client.post("/v1/ask", json=QUESTION, headers={"accept": "application/json"}).status_code == 200

        assert growing(client, ask) == {"SwathModelFailing"}
        assert growing(client, ask) == set()


@pytest.mark.slow
def test_a_file_of_keys_that_is_damaged_and_back(index: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    key = {"X-API-Key": add_key(file, "ann", "read")}
    client, good = served(index, keys=file), file.read_text()

    def broken() -> None:
        file.write_text("{")
        assert client.get("/v1/index", headers=key).status_code == 503
        file.write_text(good)
        client.headers.update(key)

    assert "SwathKeysUnreadable" in growing(client, broken)
    assert growing(client, lambda: client.get("/v1/index")) == set()


def test_an_ingest_that_fails_wholly_or_in_part_and_then_goes_through(index: Path, tmp_path: Path) -> None:
    file = tmp_path / "swath.prom"
    told = ("--into", index, "--metrics-file", file)
    assert swath("index", "/no/such.tif", *told) == 2
    assert firing(file.read_text()) == {"SwathIngestFailed"}
    bad = index.parent / "bad"
    bad.mkdir()
    (bad / "bad.tif").write_bytes((index.parent / "scene.tif").read_bytes()[:3000])
    assert swath("index", index.parent / "scene.tif", bad, *told) == 3
    assert firing(file.read_text()) == {"SwathScenesFailed"}
    assert swath("index", index.parent / "scene.tif", *told) == 0
    good = file.read_text()
    assert firing(good) == set()
    assert {"SwathFreshnessFast", "SwathFreshnessSlow"} & firing(good, hours=25) == set()
    # A run that fails later does not make the archive look older or newer than it is.
    assert swath("index", "/no/such.tif", *told) == 2
    success = [line for line in good.splitlines() if line.startswith("swath_ingest_success")]
    assert success
    assert success[0] in file.read_text()


def test_damage_that_is_found_and_repaired_from_a_backup(index: Path, tmp_path: Path) -> None:
    verified, backed_up = tmp_path / "verify.prom", tmp_path / "backup.prom"
    assert swath("backup", index, tmp_path / "backups", "--metrics-file", backed_up) == 0
    assert firing(backed_up.read_text()) == set()
    assert firing(backed_up.read_text(), hours=27) == {"SwathBackupOld"}
    damaged = max((index / "tiles.lance" / "data").iterdir(), key=lambda each: each.stat().st_size)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 64] = bytes(64)
    damaged.write_bytes(bytes(content))
    assert swath("verify", index, "--metrics-file", verified) == 4
    assert firing(verified.read_text()) == {"SwathDamaged"}
    assert swath("restore", tmp_path / "backups", index, "--overwrite") == 0
    assert swath("verify", index, "--metrics-file", verified) == 0
    assert firing(verified.read_text()) == set()
    assert firing(verified.read_text(), hours=9 * 24) == {"SwathVerifyOld"}
