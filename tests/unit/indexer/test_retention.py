"""A version goes when nobody can have opened it within the time of grace, not when it was made long ago."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core import InputError, StoreError
from indexer._retention import age_of_oldest_kept
from tests.unit.indexer.damages import TILES, lance, three_scenes
from tests.unit.indexer.doubles import rows, tile

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def age(days: list[float], *, keep: float, versions: int = 1) -> float:
    """Days of the oldest version that stays, where versions were made so many days ago."""
    made = [(NOW - day * DAY).astimezone().replace(tzinfo=None) for day in days]
    found = age_of_oldest_kept(made, keep=keep * DAY, versions=versions, now=NOW)
    return round(found / DAY, 3)


def test_the_version_that_was_newest_when_the_grace_began_stays() -> None:
    assert age([30, 20, 10, 0.5, 0.1], keep=1) == 10
    assert age([30, 20, 10], keep=1) == 10
    assert age([30, 20, 10], keep=15) == 20
    assert age([3, 2, 1.5], keep=100) == 3


def test_a_number_of_versions_stays_however_old() -> None:
    assert age([30, 20, 10, 5, 4], keep=1, versions=3) == 10
    assert age([30, 20, 10], keep=1, versions=99) == 30
    assert age([30, 20, 10], keep=25, versions=1) == 30


def test_a_reader_of_an_old_version_keeps_it_when_it_is_replaced(tmp_path: Path) -> None:
    store = three_scenes(tmp_path / "index")
    time.sleep(2.5)
    number = store.version  # opened now, made before the grace
    store.commit([rows([tile(scene_id="later")], schema=store.schema)])
    store.compact(keep=timedelta(seconds=2))
    assert store.snapshot(number).count() == 3 * TILES
    assert sum(batch.num_rows for batch in store.snapshot(number).scan(["vector"])) == 3 * TILES
    time.sleep(3.5)
    store.commit([rows([tile(scene_id="last")], schema=store.schema)])
    store.compact(keep=timedelta(seconds=2))
    with pytest.raises(StoreError, match=f"read version {number}"):
        store.snapshot(number)


def test_no_time_leaves_the_newest_alone(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    store = three_scenes(tmp_path / "index")
    store.compact(keep=timedelta(0))
    store.compact(keep=timedelta(0))
    assert len(lance(store).list_versions()) == 1
    assert not [warning for warning in recwarn if "cleanup" in str(warning.message)]


def test_no_time_with_some_versions_leaves_these(tmp_path: Path) -> None:
    store = three_scenes(tmp_path / "index")
    time.sleep(1.1)
    store.compact(keep=timedelta(0), versions=2)
    assert len(lance(store).list_versions()) >= 2


def test_the_setting_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = three_scenes(tmp_path / "index")
    monkeypatch.setenv("SWATH_KEEP_DAYS", "0")
    store.compact()
    store.compact()
    assert len(lance(store).list_versions()) == 1


@pytest.mark.parametrize(("keep", "versions"), [(timedelta(days=-1), 1), (timedelta(days=1), 0)])
def test_senseless_wishes_are_refused(tmp_path: Path, keep: timedelta, versions: int) -> None:
    with pytest.raises(InputError, match="keep at least 0 days and 1 version"):
        three_scenes(tmp_path / "index").compact(keep=keep, versions=versions)


def test_what_killed_writers_had_begun_goes_with_a_compaction(tmp_path: Path) -> None:
    store = three_scenes(tmp_path / "index")
    home = store.folder / "tiles.lance"
    begun = [home / "data" / ".tmpAbC123", home / "_versions" / "7.manifest#1"]
    for file in begun:
        file.write_bytes(b"half")
    store.compact()
    assert not any(file.exists() for file in begun)
    assert store.snapshot().count() == 3 * TILES
