"""``swath reembed`` on the command line: one step at a time, each with what to do next."""

import json
import sys
from pathlib import Path

import pytest

from swath._cli import app
from swath._errors import run_and_report
from tests.two_encoders import plugged_in, write_scenes


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(plugged_in(tmp_path / "plug")), *sys.path])
    write_scenes(tmp_path / "scenes", 2, side=64)
    index = tmp_path / "index"
    told = ["--into", str(index), "--sensor", "rgb", "--encoder", "scatter-a", "--tile-size", "16"]
    assert run("index", str(tmp_path / "scenes"), *told) == 0
    return index


def run(*words: str) -> int:
    return run_and_report(lambda: app(list(words), standalone_mode=False))


def test_from_one_encoder_to_another_and_back(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reembed", str(archive), "--encoder", "scatter-b") == 0
    assert f"swath reembed {archive} --switch" in capsys.readouterr().out
    assert run("reembed", str(archive), "--status") == 0
    assert "next: scatter-b@1 (40 numbers), 32 tiles, 100.0 % of the current ones; complete" in capsys.readouterr().out
    assert run("reembed", str(archive), "--shadow", "--sample", "5", "-k", "3", "--text", "red") == 0
    assert "5 tiles looked for: overlap@3" in capsys.readouterr().out
    assert run("reembed", str(archive), "--switch") == 0
    assert "scatter-b@1 answers now" in capsys.readouterr().out
    assert run("search", "red", "--index", str(archive), "-k", "2", "--json") == 0
    capsys.readouterr()
    assert run("reembed", str(archive), "--roll-back", "--json") == 0
    assert json.loads(capsys.readouterr().out)["switch"]["generation"] == 0
    assert run("reembed", str(archive), "--switch") == 2
    assert "no other vectors were made" in capsys.readouterr().err
    assert run("reembed", str(archive), "--drop-old") == 2
    assert run("reembed", str(archive), "--drop-old", "--keep-days", "0") == 0
    assert "dropped 1 generation" in capsys.readouterr().out


def test_one_step_at_a_time(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reembed", str(archive)) == 2
    assert "got none" in capsys.readouterr().err
    assert run("reembed", str(archive), "--switch", "--roll-back") == 2
    assert "got --switch and --roll-back" in capsys.readouterr().err


def test_a_missing_source_is_listed_and_the_exit_code_says_so(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (archive.parent / "scenes" / "synthetic000.tif").unlink()
    assert run("reembed", str(archive), "--encoder", "scatter-b") == 3
    assert "missing: scene synthetic000" in capsys.readouterr().err
    assert run("reembed", str(archive), "--switch") == 2
    assert run("reembed", str(archive), "--switch", "--without-missing") == 0


def test_a_watch_made_with_the_old_vectors_is_named(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("watch", "add", str(archive), "reds", "--text", "red", "--min-score", "0.9") == 0
    assert run("reembed", str(archive), "--encoder", "scatter-b") == 0
    assert run("reembed", str(archive), "--switch") == 0
    assert "the watch reds was made with scatter-a" in capsys.readouterr().err
