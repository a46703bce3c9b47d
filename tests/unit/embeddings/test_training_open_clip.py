"""A tiny random open_clip model, trained further and opened again as any other weights."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'torch'")

import torch  # after the skip
from safetensors.torch import load_file, save_file

from core import ConfigError
from embeddings import open_encoder
from embeddings._open_clip import import_open_clip
from embeddings.training import TrainReport, load_config, train
from embeddings.training._encoder import trainable
from tests.coloured_pictures import write_coloured_pictures

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torchvision", "open_clip")),
    reason="open_clip encoders need the extra 'torch'",
)

CONFIG = """
name = "tiny-clip"
encoder = "open_clip:swath-train@{weights}"
threads = 1
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
[optimiser]
steps = 3
size = 32
evaluate_every = 3
learning_rate = 3e-3
ema = 0.5
chunk = 5
[words]
pictures = 4
views = 1
steps = 2
batch = 12
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    open_clip = import_open_clip()
    folder = tmp_path_factory.mktemp("clip")
    vision = {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    config = {"embed_dim": 24, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}
    (folder / "models").mkdir()
    (folder / "models" / "swath-train.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "models")
    torch.manual_seed(0)
    network = open_clip.create_model("swath-train", pretrained=None, load_weights=False)
    save_file({name: value.clone() for name, value in network.state_dict().items()}, folder / "w.safetensors")
    (folder / "pictures").mkdir()
    write_coloured_pictures(folder / "pictures", train=6, val=2)
    (folder / "clip.toml").write_text(CONFIG.format(weights=folder / "w.safetensors"))
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> TrainReport:
    return train(folder / "clip.toml", out=folder / "run")


def test_the_export_opens_as_open_clip_weights_and_gives_the_trained_vectors(
    folder: Path, trained: TrainReport
) -> None:
    encoder = open_encoder(f"open_clip:swath-train@{trained.encoder}")
    source = trainable(load_config(folder / "clip.toml"))
    network = source.build().eval()
    network.load_state_dict(load_file(trained.folder / "final.safetensors"))
    texts = ["a red roof", "blue lake seen from above"]
    pictures = np.random.default_rng(0).integers(1, 255, (3, 32, 32, 3)).astype(np.uint8)
    with torch.inference_mode():
        by_text = network.encode_sentences(source.embed(texts)).numpy()
        by_picture = network.encode_optical(torch.from_numpy(pictures).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(encoder.encode_text(texts), by_text, atol=1e-5)  # type: ignore[attr-defined]
    np.testing.assert_allclose(encoder.encode(pictures), by_picture, atol=1e-5)


def test_picture_tower_and_map_moved_and_the_text_tower_did_not(folder: Path, trained: TrainReport) -> None:
    before, after = load_file(folder / "w.safetensors"), load_file(trained.encoder)
    assert before.keys() == after.keys()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"visual", "text_projection"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size = 32\n[[", "size = 64\n[[", r"sees 32 px: set size and optimiser\.size to it, got 64 and 32"),
        ('optical = ["image"]', 'radar = ["image"]', "sees colours only"),
        ("w.safetensors", "nowhere.safetensors", "with an existing file"),
        ("[words]", "[location]\nweight = 0.1\n[words]", r"takes no location\.weight"),
        ("open_clip:swath-train", "closp:rn", "cannot be trained; swath-mini and open_clip:MODEL@WEIGHTS can"),
    ],
)
def test_what_does_not_fit_is_said(folder: Path, old: str, new: str, message: str) -> None:
    path = folder / "wrong.toml"
    path.write_text((folder / "clip.toml").read_text().replace(old, new))
    with pytest.raises(ConfigError, match=message):
        trainable(load_config(path))
