"""Matches in a file: each once, wherever the last writing was cut off."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from core import ConfigError, InputError, StoreError
from retriever.watches._file import append_matches, check_file
from retriever.watches._journal import Journal
from tests.unit.retriever.watched_index import tiles_in


def match(number: int, watch: str = "w") -> dict[str, Any]:
    told = {"watch": watch, "tile_id": f"é~{number}", "score": 0.5}
    return {"type": "Feature", "id": f"é~{number}", "geometry": None, "properties": told}


def lines(*numbers: int, watch: str = "w") -> list[str]:
    return [json.dumps(match(number, watch)) for number in numbers]


def test_a_file_is_made_and_grows(tmp_path: Path) -> None:
    path = tmp_path / "m.geojsonl"
    size = append_matches(path, lines(1, 2), known=0)
    assert size == path.stat().st_size
    assert append_matches(path, lines(3), known=size) == path.stat().st_size
    assert path.read_text().splitlines() == lines(1, 2, 3)


def test_every_place_where_a_writing_can_be_cut_off_is_mended(tmp_path: Path) -> None:
    whole = "".join(f"{line}\n" for line in lines(1, 2, 3)).encode()
    known = len(lines(1)[0].encode()) + 1
    for length in range(known, len(whole) + 1):
        path = tmp_path / f"{length}.geojsonl"
        path.write_bytes(whole[:length])
        append_matches(path, lines(2, 3), known=known)
        assert tiles_in(path.read_text().splitlines()) == ["é~1", "é~2", "é~3"], length


def test_the_first_writing_may_be_cut_off_as_well(tmp_path: Path) -> None:
    whole = f"{lines(1)[0]}\n".encode()
    for length in range(len(whole)):
        path = tmp_path / f"{length}.geojsonl"
        path.write_bytes(whole[:length])
        append_matches(path, lines(1), known=0)
        assert path.read_bytes() == whole


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "m.geojsonl"
    size = append_matches(path, lines(1, 2), known=0)
    path.rename(tmp_path / "old.geojsonl")
    append_matches(path, lines(3), known=size)
    assert path.read_text().splitlines() == lines(3)


def test_two_watches_may_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "m.geojsonl"
    one = append_matches(path, lines(1), known=0)
    other = append_matches(path, lines(1, watch="v"), known=0)
    append_matches(path, lines(2), known=one)
    append_matches(path, lines(2, watch="v"), known=other)
    assert len(path.read_text().splitlines()) == 4


def test_lines_of_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "m.geojsonl"
    size = append_matches(path, lines(1), known=0)
    with path.open("a") as stream:
        stream.write("a remark without an end")
    append_matches(path, lines(2), known=size)
    assert path.read_text().splitlines() == [*lines(1), "a remark without an end", *lines(2)]


def test_plain_json_lines_leave_the_footprint_out(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    append_matches(path, lines(1), known=0)
    append_matches(path, lines(1, 2), known=0)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [match(n)["properties"] for n in (1, 2)]


@pytest.mark.parametrize("content", ["alias ls=rm\n", "hello", "[1, 2]\n", '{"a": 1}\n', "\x00\x00\n"])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "m.geojsonl"
    path.write_text(content)
    with pytest.raises(StoreError, match="holds something else"):
        append_matches(path, lines(1), known=0)
    assert path.read_text() == content


def test_links_pipes_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.geojsonl").touch()
    (tmp_path / "link.geojsonl").symlink_to(tmp_path / "secret.geojsonl")
    os.mkfifo(tmp_path / "pipe.geojsonl")
    (tmp_path / "folder.geojsonl").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(StoreError, match="cannot write matches to"):
            append_matches(tmp_path / f"{name}.geojsonl", lines(1), known=0)
    assert (tmp_path / "secret.geojsonl").read_bytes() == b""


@pytest.mark.parametrize("name", ["/home/me/.bashrc", "/etc/cron.d/job", "/a/b.py", "/a/geojsonl", "b.geojsonl"])
def test_only_absolute_files_of_lines_may_be_named(name: str) -> None:
    with pytest.raises(InputError, match="cannot write matches to"):
        check_file(Path(name))


def test_a_journal_numbers_its_matches(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "matches")
    assert (journal.last, journal.reported(), list(journal.lines(0))) == (0, set(), [])
    journal.append([match(1), match(2)])
    journal.append([match(3)])
    assert journal.last == 3
    assert journal.reported() == {"é~1", "é~2", "é~3"}
    assert [(number, json.loads(line)["properties"]["number"]) for number, line in journal.lines(1)] == [(2, 2), (3, 3)]


def test_a_damaged_journal_is_said(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([match(1), match(2)])
    journal.append([match(3)])
    first = tmp_path / "000000000001-000000000002.geojsonl"
    content = first.read_text()
    first.write_text(content.splitlines(keepends=True)[0])
    with pytest.raises(ConfigError, match="holds 1 matches"):
        list(journal.lines(0))
    first.write_text("[]\n{}\n")
    with pytest.raises(ConfigError, match="a line of the matches is damaged"):
        journal.reported()
    first.unlink()
    with pytest.raises(ConfigError, match="should hold match 1"):
        list(journal.lines(0))
