"""Every published encoder at full size: a file under the published names, through `open_encoder`, against the papers.

The files hold random numbers. Up to 2 GB of memory and 4 GB of disk at a time; GeoRSCLIP ViT-H-14, whose 986 M numbers
would need twice that, is compared by name and shape and at full width with two of its blocks.
"""

import gc
import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "open_clip", "safetensors")):
    pytest.skip("published encoders need the extra 'torch'", allow_module_level=True)

import torch  # after the skip
from safetensors.torch import load_file, save_file

from core import array_tile, builtin_sensors
from embeddings import open_encoder
from embeddings._open_clip import import_open_clip
from embeddings._presets import Preset, load_presets
from embeddings._weights import sha256_of
from tests import published_networks as published
from tests.published_networks import Clip, State, clip_shapes, gelu, quick_gelu, random_state

pytestmark = pytest.mark.slow

Act = Callable[[torch.Tensor], torch.Tensor]
TEXTS = ["a satellite photo of a harbour.", "Many green trees are around a playground"]
PRESETS = {preset.name: preset for preset in load_presets()}
CLIPS: dict[str, tuple[Clip, Act]] = {
    "remoteclip:ViT-B-32": (published.VIT_B_32, quick_gelu),
    "remoteclip:ViT-L-14": (published.VIT_L_14, quick_gelu),
    "remoteclip:RN50": (published.RN50, quick_gelu),
    "georsclip:ViT-B-32": (published.VIT_B_32, quick_gelu),
    "georsclip:ViT-L-14": (published.VIT_L_14, quick_gelu),
    "georsclip:ViT-L-14-336": (published.VIT_L_14_336, quick_gelu),
    "skyclip:ViT-B-32": (published.VIT_B_32, gelu),
    "skyclip:ViT-L-14": (published.VIT_L_14, quick_gelu),
    "sarclip:RN50": (published.RN50, gelu),
    "sarclip:RN101": (published.RN101, gelu),
    "sarclip:ViT-B-16": (published.VIT_B_16, gelu),
    "sarclip:ViT-B-32": (published.VIT_B_32, gelu),
    "sarclip:ViT-L-14": (published.VIT_L_14, gelu),
}


@pytest.fixture(autouse=True)
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SWATH_WEIGHTS_DIR", str(tmp_path))
    yield tmp_path
    gc.collect()
    for file in tmp_path.rglob("*.*"):
        if file.is_file():
            file.unlink()


def write(preset: Preset, state: State, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the file as the family publishes it, and let its sum be the known one. Return it as safetensors."""
    preset.place.parent.mkdir(parents=True, exist_ok=True)
    beside = preset.place.with_suffix(".safetensors")
    if preset.place == beside:
        save_file(dict(state), beside)
    elif preset.family == "skyclip":
        torch.save({"epoch": 20, "state_dict": {f"module.{key}": value for key, value in state.items()}}, preset.place)
    else:
        torch.save(dict(state), preset.place)
    known = replace(preset, sha256=sha256_of(preset.place))
    for module in ("_open_clip", "_sarclip", "_priorclip", "_smarties"):
        monkeypatch.setattr(f"embeddings.{module}.find_preset", lambda name: known)
    return beside


def close(vectors: np.ndarray, expected: torch.Tensor) -> None:
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(vectors, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("name", CLIPS)
def test_clip_presets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clip, act = CLIPS[name]
    state = random_state(clip_shapes(clip))
    if name.startswith("georsclip"):
        del state["logit_scale"]
    file = write(PRESETS[name], state, monkeypatch)
    del state
    gc.collect()
    encoder: Any = open_encoder(name)
    kept: State = load_file(file)  # mapped from disk, not held twice
    generator = np.random.default_rng(1)
    if name.startswith("sarclip"):
        planes = generator.uniform(-1, 1, (1, 3, clip.size, clip.size)).astype(np.float32)
        close(encoder.encode(planes), published.clip_planes(kept, clip, torch.from_numpy(planes), act))
    else:
        pictures = generator.integers(0, 255, (1, clip.size, clip.size, 3)).astype(np.uint8)
        close(encoder.encode(pictures), published.clip_picture(kept, clip, torch.from_numpy(pictures), act))
    tokens = import_open_clip().tokenize(TEXTS)
    close(encoder.encode_text(TEXTS), published.clip_text(kept, clip, tokens, act))


def test_priorclip(monkeypatch: pytest.MonkeyPatch) -> None:
    state = published.prior_state()
    write(PRESETS["priorclip:ViT-B-32"], state, monkeypatch)
    encoder: Any = open_encoder("priorclip:ViT-B-32")
    pictures = np.random.default_rng(1).integers(0, 255, (2, 224, 224, 3)).astype(np.uint8)
    close(
        encoder.encode(pictures), published.prior_picture(state, published.VIT_B_32, torch.from_numpy(pictures), gelu)
    )
    tokens = import_open_clip().tokenize(TEXTS)
    close(encoder.encode_text(TEXTS), published.clip_text(state, published.VIT_B_32, tokens, gelu))


@pytest.mark.parametrize(
    ("name", "width", "depth", "heads"), [("smarties:ViT-B", 768, 12, 12), ("smarties:ViT-L", 1024, 24, 16)]
)
def test_smarties(name: str, width: int, depth: int, heads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(PRESETS[name], random_state(published.smarties_shapes(width, depth)), monkeypatch)
    encoder = open_encoder(name)
    kept: State = load_file(file)
    values = np.random.default_rng(1).uniform(-30, 0, (2, 224, 224)).astype(np.float32)
    sensor = builtin_sensors()["sentinel-1-grd"]
    mask = np.ones((224, 224), dtype=np.bool_)
    tile = array_tile(values, mask, sensor=sensor, bands=("VV", "VH"), name="s", collection="c", href="s.tif")
    prepared = encoder.prepare(tile).astype(np.float32)
    expected = published.smarties_vector(kept, torch.from_numpy(prepared), [15, 16], depth, heads)
    close(encoder.encode(prepared[None]), expected[None])


def test_georsclip_h14_by_name_and_shape() -> None:
    open_clip = import_open_clip()
    with torch.device("meta"):
        network = open_clip.create_model("ViT-H-14", pretrained=None, load_weights=False, device="meta")
    built = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert built == clip_shapes(published.VIT_H_14)


def test_georsclip_h14_at_full_width(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = replace(published.VIT_H_14, text=(1024, 2, 16), vision=(1280, 2, 16))
    open_clip = import_open_clip()
    config = open_clip.get_model_config("ViT-H-14")
    config["vision_cfg"]["layers"] = config["text_cfg"]["layers"] = 2
    (tmp_path / "swath-h14.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "swath-h14.json")
    state = random_state(clip_shapes(clip))
    write(replace(PRESETS["georsclip:ViT-H-14"], model="swath-h14"), state, monkeypatch)
    encoder: Any = open_encoder("georsclip:ViT-H-14")
    pictures = np.random.default_rng(1).integers(0, 255, (1, 224, 224, 3)).astype(np.uint8)
    close(encoder.encode(pictures), published.clip_picture(state, clip, torch.from_numpy(pictures), gelu))
    tokens = open_clip.tokenize(TEXTS)
    close(encoder.encode_text(TEXTS), published.clip_text(state, clip, tokens, gelu))


def test_every_preset_of_these_families_is_here() -> None:
    families = {"remoteclip", "georsclip", "skyclip", "sarclip", "priorclip", "smarties"}
    elsewhere = {"priorclip:ViT-B-32", "smarties:ViT-B", "smarties:ViT-L", "georsclip:ViT-H-14"}
    assert {name for name, preset in PRESETS.items() if preset.family in families} == set(CLIPS) | elsewhere
