"""RemoteCLIP, GeoRSCLIP and SkyCLIP on small networks of the published kinds, held to a second implementation.

The same at full size: tests/slow/test_full_size_presets.py.
"""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "open_clip", "safetensors")):
    pytest.skip("open_clip encoders need the extra 'torch'", allow_module_level=True)

import torch  # after the skip
from safetensors.torch import save_file

from core import ConfigError, InputError
from embeddings import open_encoder
from embeddings._open_clip import import_open_clip
from embeddings._presets import load_presets
from embeddings._weights import sha256_of
from tests import published_networks as published
from tests.published_networks import Clip, clip_picture, clip_shapes, clip_text, gelu, quick_gelu, random_state

VIT = Clip(dim=24, text=(64, 2, 2), vision=(128, 2, 2), patch=16, size=48)
RESNET = Clip(dim=24, text=(64, 2, 2), blocks=(1, 2, 1, 1), stem=16, size=64)
KINDS = {
    "remoteclip:ViT-B-32": (VIT, quick_gelu),
    "remoteclip:RN50": (RESNET, quick_gelu),
    "georsclip:ViT-L-14": (VIT, quick_gelu),
    "georsclip:ViT-H-14": (VIT, gelu),
    "skyclip:ViT-B-32": (VIT, gelu),
    "skyclip:ViT-L-14": (VIT, quick_gelu),
}
TEXTS = ["a satellite photo of an airport.", "Many green trees are around a playground", "water"]


@pytest.fixture(scope="module")
def open_clip(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Small models with the names of the published ones' activations."""
    module = import_open_clip()
    folder = tmp_path_factory.mktemp("configs")
    for kind, clip in (("vit", VIT), ("resnet", RESNET)):
        for activation in ("quickgelu", "gelu"):
            config = json.dumps(configuration(clip) | {"quick_gelu": activation == "quickgelu"})
            (folder / f"swath-{kind}-{activation}.json").write_text(config)
    module.add_model_config(folder)
    return module


def configuration(clip: Clip) -> dict[str, Any]:
    width, layers, heads = clip.text
    text = {"context_length": 77, "vocab_size": 49408, "width": width, "heads": heads, "layers": layers}
    vision: dict[str, Any] = {"image_size": clip.size, "patch_size": clip.patch or None}
    vision |= {"layers": list(clip.blocks) or clip.vision[1], "width": clip.stem if clip.blocks else clip.vision[0]}
    return {"embed_dim": clip.dim, "vision_cfg": vision, "text_cfg": text}


@pytest.fixture(autouse=True)
def small_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_clip: Any) -> Path:
    """Each preset keeps its file, its prefixes and its activation, but stands for a small network."""
    assert open_clip
    monkeypatch.setenv("SWATH_WEIGHTS_DIR", str(tmp_path))

    def find(name: str) -> Any:
        preset = next(preset for preset in load_presets() if preset.name == name)
        kind = "resnet" if preset.model.startswith("RN") else "vit"
        activation = "quickgelu" if preset.model.endswith("quickgelu") else "gelu"
        return replace(preset, model=f"swath-{kind}-{activation}", sha256=None)

    monkeypatch.setattr("embeddings._open_clip.find_preset", find)
    return tmp_path


def published_file(name: str, state: dict[str, torch.Tensor]) -> Path:
    """Write a state the way the family publishes it."""
    preset = next(preset for preset in load_presets() if preset.name == name)
    preset.place.parent.mkdir(parents=True, exist_ok=True)
    wrapped: dict[str, Any] = dict(state)
    if preset.family == "skyclip":
        wrapped = {"epoch": 20, "name": "run", "state_dict": {f"module.{key}": value for key, value in state.items()}}
    if preset.family == "georsclip":
        wrapped.pop("logit_scale")
    torch.save(wrapped, preset.place)
    return preset.place


def pictures(size: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (3, size, size, 3)).astype(np.uint8)


def difference(a: np.ndarray, b: torch.Tensor) -> float:
    return float(np.abs(a - b.numpy()).max())


@pytest.mark.parametrize("name", KINDS)
def test_vectors_are_those_of_the_second_implementation(name: str, open_clip: Any) -> None:
    clip, activation = KINDS[name]
    state = random_state(clip_shapes(clip))
    published_file(name, state)
    encoder: Any = open_encoder(name)
    seen = pictures(clip.size)
    tokens = open_clip.tokenize(TEXTS)
    by_picture, by_text = encoder.encode(seen), encoder.encode_text(TEXTS)
    for vectors in (by_picture, by_text):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert difference(by_picture, clip_picture(state, clip, torch.from_numpy(seen), activation)) < 1e-5
    assert difference(by_text, clip_text(state, clip, tokens, activation)) < 1e-5


@pytest.mark.parametrize("name", KINDS)
def test_the_other_activation_would_be_noticed(name: str, open_clip: Any) -> None:
    clip, right = KINDS[name]
    wrong: Callable[[torch.Tensor], torch.Tensor] = gelu if right is quick_gelu else quick_gelu
    state = random_state(clip_shapes(clip))
    published_file(name, state)
    encoder: Any = open_encoder(name)
    tokens = open_clip.tokenize(TEXTS)
    assert difference(encoder.encode_text(TEXTS), clip_text(state, clip, tokens, wrong)) > 1e-3
    if not clip.blocks:
        seen = pictures(clip.size)
        assert difference(encoder.encode(seen), clip_picture(state, clip, torch.from_numpy(seen), wrong)) > 1e-3


def test_networks_alone_give_no_unit_vectors(open_clip: Any) -> None:
    """What the encoder adds: these weights, like published ones, give vectors of any length."""
    network = open_clip.create_model("swath-vit-gelu", pretrained=None, load_weights=False).eval()
    network.load_state_dict(random_state(clip_shapes(VIT)))
    with torch.inference_mode():
        lengths = network.encode_text(open_clip.tokenize(TEXTS)).norm(dim=1)
    assert (lengths - 1).abs().min() > 0.1


def test_prefixes_are_needed_to_see_the_keys() -> None:
    """Without stripping `module.` every key of a SkyCLIP checkpoint would be missing."""
    place = published_file("skyclip:ViT-B-32", random_state(clip_shapes(VIT)))
    raw = torch.load(place, weights_only=True)
    assert not set(raw["state_dict"]) & set(clip_shapes(VIT))
    assert open_encoder("skyclip:ViT-B-32").space.dim == 24


@pytest.mark.parametrize("name", ["remoteclip:ViT-B-32", "skyclip:ViT-L-14"])
def test_a_file_of_another_number_of_bands_names_the_key_and_both_shapes(name: str) -> None:
    state = random_state(clip_shapes(VIT))
    state["visual.conv1.weight"] = torch.randn(128, 13, 16, 16)
    published_file(name, state)
    with pytest.raises(ConfigError, match=r"visual.conv1.weight is \(128, 13, 16, 16\), expected \(128, 3, 16, 16\)"):
        open_encoder(name)


@pytest.mark.parametrize("dropped", ["visual.proj", "transformer.resblocks.1.mlp.c_fc.bias"])
@pytest.mark.parametrize("name", ["remoteclip:ViT-B-32", "georsclip:ViT-L-14", "skyclip:ViT-B-32"])
def test_missing_and_surprising_keys_are_named(name: str, dropped: str) -> None:
    state = random_state(clip_shapes(VIT))
    del state[dropped]
    state["adapter.down.weight"] = torch.ones(2, 2)
    published_file(name, state)
    with pytest.raises(ConfigError, match=f"missing keys {dropped}; unknown keys adapter.down.weight"):
        open_encoder(name)


@pytest.mark.parametrize("wrong", ["float", "gray", "channels first"])
def test_pictures_of_another_kind_are_refused(wrong: str) -> None:
    published_file("remoteclip:ViT-B-32", random_state(clip_shapes(VIT)))
    encoder = open_encoder("remoteclip:ViT-B-32")
    seen = pictures(VIT.size)
    given = {"float": seen / 255, "gray": seen[..., :1], "channels first": seen.transpose(0, 3, 1, 2)}[wrong]
    with pytest.raises(InputError, match=r"pictures must be \(n, 48, 48, 3\) uint8, got"):
        encoder.encode(given)


def test_half_precision_files_are_taken() -> None:
    state = random_state(clip_shapes(VIT))
    published_file("remoteclip:ViT-B-32", {key: value.half() for key, value in state.items()})
    vectors = open_encoder("remoteclip:ViT-B-32").encode(pictures(VIT.size))
    exact = clip_picture(state, VIT, torch.from_numpy(pictures(VIT.size)), quick_gelu)
    assert vectors.dtype == np.float32
    assert (torch.from_numpy(vectors) * exact).sum(1).min() > 0.999


def test_the_published_sum_lets_the_published_file_in(
    small_presets: Path, monkeypatch: pytest.MonkeyPatch, open_clip: Any
) -> None:
    assert open_clip
    place = small_presets / "remoteclip" / "RemoteCLIP-ViT-B-32.pt"
    place.parent.mkdir(parents=True)
    torch.save(random_state(clip_shapes(VIT)), place)
    preset = next(preset for preset in load_presets() if preset.name == "remoteclip:ViT-B-32")
    known = replace(preset, model="swath-vit-quickgelu", sha256=sha256_of(place))
    monkeypatch.setattr("embeddings._open_clip.find_preset", lambda name: known)
    assert open_encoder("remoteclip:ViT-B-32").space.dim == 24


def test_a_file_already_converted_is_used_without_the_pickle(small_presets: Path) -> None:
    place = small_presets / "remoteclip" / "RemoteCLIP-ViT-B-32.safetensors"
    place.parent.mkdir(parents=True)
    save_file(random_state(clip_shapes(VIT)), place)
    assert open_encoder("remoteclip:ViT-B-32").space.dim == 24


SIZED = {
    "remoteclip:ViT-B-32": published.VIT_B_32,
    "remoteclip:ViT-L-14": published.VIT_L_14,
    "remoteclip:RN50": published.RN50,
    "georsclip:ViT-L-14": published.VIT_L_14,
    "georsclip:ViT-L-14-336": published.VIT_L_14_336,
}


KNOWN = [
    preset for preset in load_presets() if preset.bytes and preset.family in {"remoteclip", "georsclip", "skyclip"}
]


@pytest.mark.parametrize("preset", KNOWN, ids=lambda preset: str(preset.name))
def test_published_files_have_the_size_of_the_key_table(preset: Any) -> None:
    """The only trace of the real files here: their sizes, which the tables of names and shapes meet to 0.1 %."""
    expected = published.size_in_bytes(clip_shapes(SIZED[preset.name]))
    assert preset.bytes is not None
    assert expected <= preset.bytes < 1.001 * expected
