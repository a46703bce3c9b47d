"""`swath watch`, and the watches that `swath index` runs by itself."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import swath
from swath._cli import app
from swath._errors import run_and_report
from tests.unit.retriever.watched_index import receiver, tiles_in


def picture(folder: Path, name: str, colour: tuple[int, int, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), colour).save(folder / f"{name}.png")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    picture(folder / "pictures", "first", (200, 30, 30))
    swath.index(str(folder / "pictures"), into=folder / "index")
    return folder


@pytest.fixture
def index(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled / "index", tmp_path / "index")
    return tmp_path / "index"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def code_of(*arguments: object) -> int:
    return run_and_report(lambda: app([*map(str, arguments)], standalone_mode=False))


def more(index: Path, name: str, colour: tuple[int, int, int] = (30, 30, 200)) -> Result:
    """Index one more picture of the same collection."""
    picture(index.parent / name / "pictures", name, colour)
    done = run("index", index.parent / name / "pictures", "--into", index)
    assert "scenes: 1 indexed, 0 unchanged, 0 failed" in done.stdout
    return done


def test_an_ingest_reports_what_matches(index: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.geojsonl"
    added = run("watch", "add", index, "all", "--text", "a river", "--min-score", -1, "--to", file)
    assert "added from now on" in added.stdout
    done = more(index, "second")
    assert "watch all: 1 new matches among 1 new tiles, 1 delivered" in done.stdout
    assert done.stderr == ""
    more(index, "third")
    found = tiles_in(file.read_text().splitlines())
    assert len(found) == len(set(found)) == 2
    assert "first" not in "".join(found)
    printed = run("watch", "matches", index, "all", "--since", 1).stdout.splitlines()
    assert tiles_in(printed) == found[1:]
    assert "0 new matches among 0 new tiles" in run("watch", "run", index).stdout


def test_an_ingest_outlives_a_webhook_that_is_down(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWATH_ALLOWED_HOSTS", '["127.0.0.1"]')
    with receiver() as got:
        run("watch", "add", index, "all", "--text", "a river", "--min-score", -1, "--webhook", got.url)
        got.status = 404
        done = more(index, "second")
        assert "answered 404; nothing is lost, the next run tries again" in done.stderr
        assert "answered 404" in run("watch", "list", index).stdout
        assert code_of("watch", "run", index) == 3
        got.status = 200
        assert code_of("watch", "run", index, "--json") == 0
        told = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (told[0]["matches"], told[0]["sent"], told[0]["waiting"]) == (0, 1, 0)
        assert len(got.tiles()) == 1


def test_a_broken_watch_fails_no_ingest(index: Path) -> None:
    run("watch", "add", index, "all", "--text", "a river", "--min-score", -1)
    (index / "watches" / "all" / "watch.json").write_text("[]")
    done = more(index, "second")
    assert "watch all:" in done.stderr
    assert "notawatch" in "".join(run("watch", "list", index).stdout.split())  # however the table breaks its lines


def test_every_option_of_a_search_can_be_kept(index: Path, tmp_path: Path) -> None:
    area = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    (tmp_path / "area.geojson").write_text(json.dumps(area))
    picture(tmp_path, "example", (1, 2, 3))
    first = swath.open(index).search(text="x", k=1)[0].tile_id
    done = run(
        "watch", "add", index, "one", "--term", f"image={tmp_path}/example.png", "--term", "text=snow*-0.5",
        "--plus", first, "--minus", first, "--min-score", 0.2, "--past", "--json",
        "--bbox", "0,0,1,1", "--within", tmp_path / "area.geojson", "--near", "0.5,0.5", "--radius", 3,
        "--datetime", "2020-01-01/..", "--sensor", "rgb", "--collection", "c", "--label", "harbour",
        "--max-cloud", 20, "--min-valid", 0.5, "--filter", "gsd < 5",
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["about"]["query"][0] == {"image": "example.png", "weight": 1.0}
    assert (told["asked"]["radius_km"], told["asked"]["near"]) == (3.0, [0.5, 0.5])
    assert told["asked"]["filter"] == "gsd < 5"
    assert run("watch", "run", index).stdout.startswith("watch one: 0 new matches among 1 new tiles")


def test_watches_are_listed_and_removed(index: Path) -> None:
    assert "no watches yet" in run("watch", "list", index).stdout
    assert "no watches yet" in run("watch", "run", index).stdout
    run("watch", "add", index, "rivers", "--text", "a river", "--min-score", 0.3)
    listed = run("watch", "list", index).stdout
    assert "text a river" in listed
    assert "score 0.3" in listed
    assert json.loads(run("watch", "list", index, "--json").stdout)[0]["name"] == "rivers"
    run("watch", "remove", index, "rivers")
    assert len(swath.open(index).watches) == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--text", "a river"], "needs a threshold"),
        (["--min-score", "0.2"], "nothing to search for"),
        (["--text", "a", "--min-score", "0.2", "--to", "x.txt"], "must end in .geojsonl"),
        (["--text", "a", "--min-score", "0.2", "--webhook", "https://evil.example/x"], "SWATH_ALLOWED_HOSTS"),
        (["--text", "a", "--min-probability", "0.2"], "no calibration"),
    ],
)
def test_what_cannot_be_watched_is_said(
    index: Path, options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("watch", "add", index, "w", *options) == 2
    assert says in capsys.readouterr().err


def test_in_python(index: Path) -> None:
    watches = swath.open(index).watches
    vector = np.ones(swath.open(index).info().dim)
    watches.add("all", vector=vector, min_score=-1, past=True)
    assert [status.watch.name for status in watches] == ["all"]
    runs: list[object] = []
    picture(index.parent / "more" / "pictures", "second", (0, 0, 0))
    swath.index(str(index.parent / "more" / "pictures"), into=index, watched=runs.append)
    assert runs
    assert len(watches.matches("all")) == 2
