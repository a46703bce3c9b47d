"""A folder put in place of another: one step where the system can, and nothing lost where a process dies in between."""

from pathlib import Path

import pytest

from indexer import _swap
from indexer._swap import claimed, clear_left, exchange, put_in_place


def made(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "what").write_text(content)
    return folder


def content(folder: Path) -> str:
    return (folder / "what").read_text()


def test_two_folders_change_names_in_one_step(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one", "1"), made(tmp_path / "other", "2")
    if not exchange(one, other):
        pytest.skip("this system cannot exchange two names")
    assert (content(one), content(other)) == ("2", "1")


def test_an_exchange_with_nothing_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    one = made(tmp_path / "one", "1")
    with pytest.raises(FileNotFoundError):
        exchange(one, tmp_path / "other")
    assert content(one) == "1"


@pytest.mark.parametrize("able", [True, False])
def test_what_is_put_in_place_is_all_that_is_left(tmp_path: Path, able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not able:
        monkeypatch.setattr(_swap, "exchange", lambda *_: False)
    target, part = made(tmp_path / "index", "old"), made(tmp_path / ".part", "new")
    put_in_place(part, target)
    assert content(target) == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["index"]


def test_killed_between_two_renames_the_old_one_is_put_back(tmp_path: Path) -> None:
    made(tmp_path / ".index.restored-1-before", "old")
    made(tmp_path / ".index.restored-1", "new, perhaps not whole")
    clear_left(tmp_path / "index", ".index.restored-")
    assert content(tmp_path / "index") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["index"]


def test_what_another_process_still_fills_is_left_alone(tmp_path: Path) -> None:
    with claimed(tmp_path / ".index.restored-1"):
        clear_left(tmp_path / "index", ".index.restored-")
        assert (tmp_path / ".index.restored-1").exists()
    assert not (tmp_path / ".index.restored-1").exists()
