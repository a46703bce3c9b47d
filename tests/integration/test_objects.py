"""An index in a bucket, through the front door: what it finds is what the same index in a folder finds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import swath
from api import ServeConfig, create_app
from indexer import place_of
from swath._cli import app
from tests.object_store import new_bucket
from tests.small_index import TINY, build_small_index


@pytest.fixture(scope="module")
def environment(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an empty bucket that the tests of this module share."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SWATH_INDEX_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield f"s3://{new_bucket(s3, environment)[0]}"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index in a folder."""
    return build_small_index(tmp_path_factory.mktemp("local") / "index")


@pytest.fixture(scope="module")
def there(here: Path, environment: str) -> str:
    """The same scene indexed into a bucket; nothing takes its tiles away."""
    printed("index", str(here.parent / "scene.tif"), "--into", f"{environment}/index", "--json")
    return f"{environment}/index"


def printed(*words: str) -> Any:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def found(index: str | Path) -> list[tuple[str, float]]:
    return [(hit.tile_id, hit.score) for hit in swath.open(index).search(text="a river", k=TINY)]


def test_the_same_is_found_from_the_command_line_in_python_and_over_http(here: Path, there: str) -> None:
    expected = found(here)
    assert len(expected) == TINY
    assert found(there) == expected

    hits = printed("search", "a river", "--index", there, "-k", str(TINY), "--json")["hits"]
    assert [hit["tile_id"] for hit in hits] == [tile_id for tile_id, _ in expected]
    assert [hit["score"] for hit in hits] == pytest.approx([score for _, score in expected], abs=1e-6)

    with TestClient(create_app(ServeConfig(indexes={"far": place_of(there)}))) as client:
        answer = client.post("/v1/search", json={"text": "a river", "k": TINY}).json()
        assert [hit["tile_id"] for hit in answer["hits"]] == [tile_id for tile_id, _ in expected]
        assert client.get("/readyz").json()["indexes"] == {"far": swath.open(there).info().version}


def test_indexing_again_skips_and_verify_and_doctor_find_it_whole(here: Path, there: str) -> None:
    again = printed("index", str(here.parent / "scene.tif"), "--into", there, "--json")
    assert (again["scenes_skipped"], again["tiles_written"]) == (1, 0)
    assert printed("verify", there, "--full", "--json")["whole"] is True
    checks = printed("doctor", "--index", there, "--json")
    assert "fail" not in {check["state"] for check in checks}, checks


def test_what_is_kept_beside_tiles_is_kept_in_the_bucket(there: str, tmp_path: Path) -> None:
    swath.open(there).calibrate("background")
    assert swath.open(there).forget_calibration() is True
    notes = tmp_path / "notes.md"
    notes.write_text("# A lake\n\nIt is shallow and salty.\n")
    printed("knowledge", "add", there, str(notes), "--json")
    (passage,) = printed("knowledge", "search", there, "a salty lake", "--json")
    assert "salty" in passage["text"]
    assert printed("verify", there, "--json")["whole"] is True


def test_a_backup_is_made_from_the_bucket_and_becomes_an_index_in_a_folder(there: str, tmp_path: Path) -> None:
    backups, folder = tmp_path / "backups", tmp_path / "again"
    assert swath.open(there).backup(backups).tiles == TINY
    assert swath.open(there).backup(backups).linked > 0
    swath.restore(backups, folder)
    assert found(folder) == found(there)


def test_compacting_and_removing_change_the_bucket(here: Path, environment: str) -> None:
    index = swath.index(str(here.parent / "scene.tif"), into=f"{environment}/other")
    assert index.tiles_written == TINY
    other = swath.open(f"{environment}/other")
    assert other.compact().fragments_after == 1
    assert printed("remove", "--index", f"{environment}/other", "--scene", "scene", "--json")["tiles"] == TINY
    assert other.info().tiles == 0
