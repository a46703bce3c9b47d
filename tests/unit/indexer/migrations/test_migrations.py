"""An index of an earlier layout: read as it is, brought to today's by ``swath migrate``, wherever that is cut off."""

import shutil
from pathlib import Path
from typing import Any

import lancedb
import pytest

import swath
from core import InputError, StoreError
from indexer import verify_tables
from indexer._schema import OLDEST_READ, SCHEMA_VERSION
from indexer.migrations import MIGRATIONS, migrate, steps_from
from indexer.reembedding import reembed
from indexer.store import BusyError, Store
from tests.older_index import made_older
from tests.small_index import TINY, build_small_index
from tests.two_encoders import Scatter


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_small_index(tmp_path_factory.mktemp("newer") / "index")


@pytest.fixture
def older(newer: Path, tmp_path: Path) -> Path:
    return made_older(Path(shutil.copytree(newer, tmp_path / "index")))


def sums(path: Path) -> list[str | None]:
    return [row.digest for row in Store.open(path).ledger().values()]


def test_every_version_that_was_leads_to_todays() -> None:
    assert [step.source for step in MIGRATIONS] == list(range(1, SCHEMA_VERSION))
    assert steps_from(SCHEMA_VERSION) == ()
    with pytest.raises(InputError, match="nothing leads from schema version 0"):
        steps_from(0)
    assert OLDEST_READ <= SCHEMA_VERSION


def test_an_older_index_is_read_and_written_as_it_is(older: Path) -> None:
    store = Store.open(older)
    assert (store.schema_version, store.snapshot().count()) == (1, TINY)
    assert sums(older) == [None]
    assert verify_tables(store).summed == 0
    scene = next(iter(store.ledger().values()))
    store.discard([scene.scene_key])
    assert swath.index(scene.href, into=older).tiles_written == TINY
    assert Store.open(older).schema_version == 1
    assert None not in sums(older)


def test_a_migrated_index_is_what_a_new_one_is(older: Path, newer: Path) -> None:
    report = migrate(older)
    assert (report.found, report.reached, report.generations) == (1, 2, 1)
    assert report.steps == ("a check sum for every scene",)
    assert sums(older) == sums(newer)
    check = verify_tables(Store.open(older))
    assert check.summed == TINY
    assert not check.findings
    assert Store.open(older).schema_version == SCHEMA_VERSION


def test_a_second_time_there_is_nothing_to_do(older: Path) -> None:
    migrate(older)
    before = Store.open(older).version
    report = migrate(older)
    assert (report.found, report.steps, report.generations) == (2, (), 0)
    assert Store.open(older).version == before


def test_a_dry_run_says_what_would_be_done_and_does_nothing(older: Path) -> None:
    before = Store.open(older).version
    assert migrate(older, dry_run=True).steps == ("a check sum for every scene",)
    assert (Store.open(older).version, sums(older)) == (before, [None])


def test_the_version_stays_through_commits_and_compactions(older: Path) -> None:
    migrate(older)
    store = Store.open(older)
    key = next(iter(store.ledger()))
    store.compact()
    store.discard([key])
    assert Store.open(older).schema_version == SCHEMA_VERSION


@pytest.mark.parametrize("step", ["tally_of", "write_ledger", "set_schema_version"])
def test_cut_off_anywhere_it_is_readable_and_the_next_run_does_the_rest(
    older: Path, newer: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class KilledError(BaseException):
        """Not caught by anything, like a kill."""

    def kill(*_: Any, **__: Any) -> None:
        raise KilledError

    place = "indexer.migrations._check_sums.tally_of" if step == "tally_of" else f"indexer.store.Store.{step}"
    with monkeypatch.context() as patched:
        patched.setattr(place, kill)
        with pytest.raises(KilledError):
            migrate(older)
    assert Store.open(older).schema_version == 1
    assert Store.open(older).snapshot().count() == TINY
    migrate(older)
    assert sums(older) == sums(newer)
    assert Store.open(older).schema_version == SCHEMA_VERSION


def test_damage_is_given_no_check_sum(older: Path) -> None:
    table = lancedb.connect(str(older)).open_table("tiles")
    table.delete(f"tile_id = '{table.to_arrow()['tile_id'][0].as_py()}'")
    with pytest.raises(StoreError, match=r"is damaged \(3 tiles in the table, 4 in the ledger.*swath verify"):
        migrate(older)
    assert sums(older) == [None]
    assert Store.open(older).schema_version == 1


def test_a_newer_index_is_refused_with_both_versions(newer: Path, tmp_path: Path) -> None:
    path = made_older(Path(shutil.copytree(newer, tmp_path / "index")), version=7, keep_sums=True)
    for refuse in (Store.open, migrate):
        with pytest.raises(InputError, match="made by a newer Swath: it has schema version 7, this one reads up to 2"):
            refuse(path)


def test_one_too_old_to_be_read_says_what_to_run(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Store.at.__func__, "__kwdefaults__", {"root": None, "space": None, "oldest": 2})  # type: ignore[attr-defined]
        with pytest.raises(InputError, match=f"schema version 1, this Swath reads 2 to 2; run: swath migrate {older}"):
            Store.open(older)
        migrate(older)
        assert Store.open(older).schema_version == 2


def test_a_writer_keeps_it_from_being_migrated(older: Path) -> None:
    with Store.open(older).writing(), pytest.raises(BusyError):
        migrate(older)
    assert sums(older) == [None]


def test_all_generations_are_migrated(older: Path) -> None:
    made = reembed(older, encoder=Scatter("scatter-b")).folder
    assert Store.at(made).schema_version == SCHEMA_VERSION
    made_older(made)
    assert migrate(older).generations == 2
    assert Store.at(made).schema_version == SCHEMA_VERSION
