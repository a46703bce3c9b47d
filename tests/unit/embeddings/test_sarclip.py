"""SARCLIP on a small network: radar planes as published, vectors held to a second implementation."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "open_clip", "safetensors")):
    pytest.skip("SARCLIP needs the extra 'torch'", allow_module_level=True)

import torch  # after the skip
from safetensors.torch import save_file

from core import ConfigError, InputError, SensorError, Tile, array_tile, builtin_sensors
from embeddings import EncodesBoth, open_encoder
from embeddings._open_clip import import_open_clip
from embeddings._presets import find_preset
from embeddings._sarclip import radar_planes
from tests.published_networks import Clip, clip_planes, clip_shapes, clip_text, gelu, random_state

VIT = Clip(dim=24, text=(64, 2, 2), vision=(128, 2, 2), patch=16, size=64)
RESNET = Clip(dim=24, text=(64, 2, 2), blocks=(1, 1, 1, 1), stem=16, size=96)


@pytest.fixture(autouse=True)
def small_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configurations say 32 px; the weights files say otherwise."""
    monkeypatch.setenv("SWATH_WEIGHTS_DIR", str(tmp_path))
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
    vit = {"image_size": 32, "patch_size": 16, "layers": 2, "width": 128}
    resnet = {"image_size": 32, "patch_size": None, "layers": [1, 1, 1, 1], "width": 16}
    for name, vision in (("swath-sar-vit", vit), ("swath-sar-rn", resnet)):
        config = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
        (tmp_path / f"{name}.json").write_text(json.dumps(config))
        import_open_clip().add_model_config(tmp_path / f"{name}.json")

    def find(name: str) -> Any:
        preset = find_preset(name)
        return replace(preset, model="swath-sar-rn" if preset.model.startswith("RN") else "swath-sar-vit")

    monkeypatch.setattr("embeddings._sarclip.find_preset", find)


def weights(name: str, state: dict[str, torch.Tensor]) -> None:
    place = find_preset(name).place
    place.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, place)


def tile(sensor: str, bands: tuple[str, ...], pixels: np.ndarray, mask: np.ndarray | None = None) -> Tile:
    seen = np.ones(pixels.shape[1:], dtype=np.bool_) if mask is None else mask
    known = builtin_sensors()[sensor]
    values = pixels.astype(np.float32)
    return array_tile(values, seen, sensor=known, bands=bands, name="s", collection="c", href="s.tif")


def decibels(bands: int = 2, side: int = 50) -> np.ndarray:
    return np.random.default_rng(2).uniform(-40, 5, (bands, side, side)).astype(np.float32)


@pytest.mark.parametrize(("name", "clip"), [("sarclip:ViT-B-32", VIT), ("sarclip:RN50", RESNET)])
def test_vectors_are_those_of_the_second_implementation(name: str, clip: Clip) -> None:
    state = random_state(clip_shapes(clip))
    weights(name, state)
    encoder: Any = open_encoder(name)
    prepared = encoder.prepare(tile("sentinel-1-grd", ("VV", "VH"), decibels()))
    assert prepared.shape == (3, clip.size, clip.size)
    expected = clip_planes(state, clip, torch.from_numpy(prepared)[None], gelu).numpy()
    vectors = encoder.encode(prepared[None])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    texts = ["an SAR image of urban zones", "1 aircraft is found throughout the frame ."]
    tokens = import_open_clip().tokenize(texts)
    np.testing.assert_allclose(encoder.encode_text(texts), clip_text(state, clip, tokens, gelu).numpy(), atol=1e-5)
    assert isinstance(encoder, EncodesBoth)


def test_a_pair_in_db_is_scaled_as_published() -> None:
    """(VV + 25) / 25 and (VH + 32.5) / 25, at most 1, their mean as third, all from -1 to 1 and lower if darker."""
    values = np.array([[[-25.0, 0.0, 10.0, -50.0]], [[-32.5, -7.5, 0.0, -20.0]]])
    planes = radar_planes(tile("sentinel-1-grd", ("VV", "VH"), values))
    np.testing.assert_allclose(planes[0, 0], [-1, 1, 1, -3], atol=1e-6)
    np.testing.assert_allclose(planes[1, 0], [-1, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(planes[2, 0], [-1, 1, 1, -1.5], atol=1e-6)


def test_the_order_of_the_bands_does_not_matter() -> None:
    values = decibels()
    swapped = radar_planes(tile("sentinel-1-grd", ("VH", "VV"), values[::-1]))
    np.testing.assert_array_equal(swapped, radar_planes(tile("sentinel-1-grd", ("VV", "VH"), values)))


def test_one_band_is_repeated() -> None:
    """(x + 25) / 30, at most 1."""
    planes = radar_planes(tile("sentinel-1-grd", ("VV",), np.array([[[-25.0, -10.0, 5.0, 9.0]]])))
    np.testing.assert_allclose(planes[0, 0], [-1, 0, 1, 1], atol=1e-6)
    np.testing.assert_array_equal(planes[0], planes[2])


@pytest.mark.parametrize(("sensor", "bands"), [("panchromatic", ("pan",)), ("rgb", ("red", "green", "blue"))])
def test_grey_amplitudes_of_8_bits_are_spread(sensor: str, bands: tuple[str, ...]) -> None:
    values = np.repeat(np.array([[[0.0, 127.5, 255.0]]]), len(bands), axis=0)
    np.testing.assert_allclose(radar_planes(tile(sensor, bands, values))[:, 0], [[-1, 0, 1]] * 3, atol=1e-6)


@pytest.mark.parametrize(
    ("sensor", "bands"),
    [("rgb", ("red", "green", "blue")), ("sentinel-2-l2a", ("B02", "B03", "B04")), ("sentinel-2-l2a", ("B02",))],
)
def test_what_is_no_radar_is_refused(sensor: str, bands: tuple[str, ...]) -> None:
    values = np.random.default_rng(0).uniform(0, 1, (len(bands), 8, 8))
    with pytest.raises(SensorError, match=f"sarclip sees radar: .* got {sensor} with {', '.join(bands)}"):
        radar_planes(tile(sensor, bands, values))


def test_masked_pixels_do_not_matter() -> None:
    """0 dB is brighter than all there is: without filling, padding would be what the network sees first."""
    weights("sarclip:ViT-B-32", random_state(clip_shapes(VIT)))
    encoder = open_encoder("sarclip:ViT-B-32")
    mask = np.ones((50, 50), dtype=np.bool_)
    mask[30:] = False
    prepared = encoder.prepare(tile("sentinel-1-grd", ("VV", "VH"), np.full((2, 50, 50), -20.0), mask))
    np.testing.assert_allclose(prepared[0], -0.6, atol=1e-6)


def test_planes_of_another_kind_are_refused() -> None:
    weights("sarclip:ViT-B-32", random_state(clip_shapes(VIT)))
    encoder = open_encoder("sarclip:ViT-B-32")
    with pytest.raises(InputError, match=r"radar planes must be \(n, 3, 64, 64\) float32, got \(2, 2, 64, 64\)"):
        encoder.encode(np.zeros((2, 2, 64, 64), dtype=np.float32))


@pytest.mark.parametrize("broken", ["no positions", "no square"])
def test_a_file_that_tells_no_size_is_refused(broken: str) -> None:
    state = random_state(clip_shapes(VIT))
    positions = state.pop("visual.positional_embedding")
    if broken == "no square":
        state["visual.positional_embedding"] = positions[:-2].contiguous()
    weights("sarclip:ViT-B-32", state)
    wanted = {"no positions": "missing keys visual.positional_embedding", "no square": "expected 1 and a square"}
    with pytest.raises(ConfigError, match=wanted[broken]):
        open_encoder("sarclip:ViT-B-32")


def test_a_file_of_two_bands_names_the_key_and_both_shapes() -> None:
    state = random_state(clip_shapes(VIT)) | {"visual.conv1.weight": torch.randn(128, 2, 16, 16)}
    weights("sarclip:ViT-B-32", state)
    with pytest.raises(ConfigError, match=r"visual.conv1.weight is \(128, 2, 16, 16\), expected \(128, 3, 16, 16\)"):
        open_encoder("sarclip:ViT-B-32")
