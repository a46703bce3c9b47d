"""`swath search --all`, `--explain` and `--exact`, as they are run, with and without a search snapshot."""

import json
from pathlib import Path

import geopandas
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import swath
from indexer.store import Store
from retriever.engine import build_snapshot
from swath._cli import app
from swath._errors import run_and_report


@pytest.fixture(scope="module", params=["flat", "snapshot"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty one-colour pictures."""
    folder = tmp_path_factory.mktemp("every")
    (folder / "pictures").mkdir()
    for number, colour in enumerate(np.random.default_rng(0).integers(0, 256, (30, 3), dtype=np.uint8)):
        Image.new("RGB", (32, 32), tuple(colour.tolist())).save(folder / "pictures" / f"{number}.png")
    swath.index(str(folder / "pictures"), into=folder / "index")
    if request.param == "snapshot":
        build_snapshot(Store.open(folder / "index").snapshot(), folder / "index")
    return folder / "index"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def refusal(*arguments: object, capsys: pytest.CaptureFixture[str]) -> str:
    code = run_and_report(lambda: app([*map(str, arguments)], standalone_mode=False))
    assert code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("ending", ["parquet", "geojsonl", "csv"])
def test_all_writes_every_tile(index: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"found.{ending}"
    least = swath.open(index).search(text="red", k=15)[-1].score - 1e-6
    done = run("search", "red", "--index", index, "--all", "--min-score", least, "--out", out)
    hits = swath.open(index).search(text="red", k=100, min_score=least)
    assert f"wrote {len(hits)} tiles to {out}" in done.stdout
    assert len(hits) > 0
    if ending == "parquet":
        assert sorted(geopandas.read_parquet(out).tile_id) == sorted(hit.tile_id for hit in hits)
    else:
        assert len(out.read_text().splitlines()) == len(hits) + (ending == "csv")


def test_all_reports_in_json(index: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    told = json.loads(run("search", "red", "--index", index, "--all", "--min-score", -1, "--out", out, "--json").stdout)
    assert told == {"file": str(out), "tiles": 30, "remarks": []}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--min-score", 0.2], "give --out FILE.parquet"),
        (["--out", "found.parquet"], "give min_score or min_probability"),
        (["--min-score", 0.2, "--out", "found.shp"], "unknown format of 'found.shp'"),
        (["--min-score", 0.2, "--out", "missing/found.csv"], "the folder"),
        (["--min-score", 0.2, "--out", "found.csv", "--explain"], "no route to --explain"),
    ],
)
def test_all_refuses_what_it_cannot_do(
    index: Path, options: list[object], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in refusal("search", "red", "--index", index, "--all", *options, capsys=capsys)


def test_explain_prints_the_plan_beside_the_hits(index: Path) -> None:
    done = run("search", "red", "--index", index, "--explain", "--json")
    engine = json.loads(done.stdout)["why"]["engine"]
    if engine["index"] == "flat":
        assert "every passing tile was compared" in done.stderr
    else:
        assert f"route     {engine['searches'][0]['route']}" in done.stderr
        assert "promise" in done.stderr


def test_exact_finds_what_comparing_every_tile_finds(index: Path) -> None:
    exact = json.loads(run("search", "red", "--index", index, "--exact", "--explain", "--json").stdout)
    assert all(plan["exact"] for plan in exact["why"]["engine"].get("searches", [exact["why"]["engine"]]))
    assert len(exact["hits"]) == 10


def test_many_queries_share_their_filters(index: Path) -> None:
    opened = swath.open(index)
    many = opened.search_many(["red", "blue", {"text": "green", "k": 3}], k=5)
    assert [len(hits) for hits in many] == [5, 5, 3]
    assert [hit.tile_id for hit in many[1]] == [hit.tile_id for hit in opened.search(text="blue", k=5)]
