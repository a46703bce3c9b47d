"""The small document that names the generation in use."""

import json
from pathlib import Path

import pytest

from core import StoreError
from indexer._generation import (
    Generations,
    changing_generations,
    generation_numbers,
    home_of,
    read_generations,
    write_generations,
)


def test_an_index_without_the_document_is_at_its_first_generation(tmp_path: Path) -> None:
    assert read_generations(tmp_path) == Generations()
    assert home_of(tmp_path) == tmp_path
    assert home_of(tmp_path / "missing") == tmp_path / "missing"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = Generations(current=2, previous=0, next=3, switched="2026-01-02T03:04:05Z")
    write_generations(tmp_path, written)
    assert read_generations(tmp_path) == written
    assert home_of(tmp_path) == tmp_path / "generations" / "2"


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"format": 2, "current": 1}', '{"format": 1, "current": "1"}', '{"format": 1, "which": 1}'],
)
def test_a_damaged_document_is_an_error_and_no_guess(tmp_path: Path, text: str) -> None:
    (tmp_path / "generation.json").write_text(text)
    with pytest.raises(StoreError, match=r"generation\.json"):
        home_of(tmp_path)


def test_nothing_but_numbered_folders_are_generations(tmp_path: Path) -> None:
    for name in ("1", "12", "x", "0"):
        (tmp_path / "generations" / name).mkdir(parents=True)
    (tmp_path / "generations" / "7").write_text("a file")
    assert generation_numbers(tmp_path) == (0, 1, 12)


def test_one_changes_them_at_a_time(tmp_path: Path) -> None:
    with (
        changing_generations(tmp_path),
        pytest.raises(StoreError, match="another swath reembed"),
        changing_generations(tmp_path),
    ):
        pass
    with changing_generations(tmp_path):
        pass


def test_the_document_is_plain_json(tmp_path: Path) -> None:
    write_generations(tmp_path, Generations(current=1, previous=0))
    said = json.loads((tmp_path / "generation.json").read_text())
    assert said == {"format": 1, "current": 1, "previous": 0, "next": None, "switched": None}
