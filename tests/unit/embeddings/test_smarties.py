"""SMARTIES on a small network of the published kind, held to a second implementation."""

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "timm", "safetensors")):
    pytest.skip("SMARTIES needs the extra 'torch'", allow_module_level=True)

import torch  # after the skip
from safetensors.torch import save_file

from core import ConfigError, EncodesText, EncodesTiles, InputError, SensorError, Tile, array_tile, builtin_sensors
from embeddings import _smarties, open_encoder
from tests.published_networks import random_state, smarties_shapes, smarties_vector

WIDTH, DEPTH, HEADS = 48, 2, 3
S2 = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
PROJECTIONS = [0, 1, 4, 6, 7, 8, 10, 9, 11, 12, 13, 14]
"""Of the bands above, read from electromagnetic_spectrum.yaml: B07 is near_infrared_2, B08 near_infrared_1."""


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWATH_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setitem(_smarties.SIZES, "ViT-B-16", (WIDTH, DEPTH, HEADS))
    (tmp_path / "smarties").mkdir()
    return tmp_path / "smarties" / "smarties-v1-vitb.safetensors"


@pytest.fixture
def state(small: Path) -> dict[str, torch.Tensor]:
    tensors = random_state(smarties_shapes(WIDTH, DEPTH))
    save_file(tensors, small)
    return tensors


def tile(sensor: str, bands: tuple[str, ...], low: float, high: float, side: int = 224) -> Tile:
    values = np.random.default_rng(8).uniform(low, high, (len(bands), side, side)).astype(np.float32)
    known = builtin_sensors()[sensor]
    mask = np.ones((side, side), dtype=np.bool_)
    return array_tile(values, mask, sensor=known, bands=bands, name="s", collection="c", href="s.tif")


TILES = {
    "rgb": (tile("rgb", ("red", "green", "blue"), 0, 255), [5, 3, 2]),
    "naip": (tile("naip", ("R", "G", "B", "NIR"), 0, 255), [5, 3, 2]),
    "l2a": (tile("sentinel-2-l2a", S2, 0, 0.6), PROJECTIONS),
    "l1c": (tile("sentinel-2-l1c", S2, 0, 0.6), PROJECTIONS),
    "some bands": (tile("sentinel-2-l2a", ("B08", "B02"), 0, 0.6), [1, 9]),
    "sar": (tile("sentinel-1-grd", ("VV", "VH"), -30, 0), [15, 16]),
    "vv": (tile("sentinel-1-grd", ("VV",), -30, 0), [15]),
    "rtc": (tile("sentinel-1-rtc", ("VV", "VH"), -30, 0), [15, 16]),
}


@pytest.mark.parametrize("kind", TILES)
def test_vectors_are_those_of_the_second_implementation(kind: str, state: dict[str, torch.Tensor]) -> None:
    seen, ranges = TILES[kind]
    encoder = open_encoder("smarties:ViT-B")
    prepared = encoder.prepare(seen)
    there = [plane for plane in prepared if not np.isnan(plane).any()]
    assert len(there) == len(ranges)
    expected = smarties_vector(state, torch.from_numpy(np.stack(there)), ranges, DEPTH, HEADS).numpy()
    vectors = encoder.encode(prepared[None])
    np.testing.assert_allclose(np.linalg.norm(vectors), 1.0, atol=1e-6)
    np.testing.assert_allclose(vectors[0], expected, atol=1e-5)


def test_tiles_with_and_without_a_band_go_in_one_batch(state: dict[str, torch.Tensor]) -> None:
    assert state
    encoder = open_encoder("smarties:ViT-B")
    both = [encoder.prepare(TILES[kind][0]) for kind in ("l2a", "some bands")]
    together = encoder.encode(np.stack(both))
    alone = np.concatenate([encoder.encode(array[None]) for array in both])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_values_are_scaled_as_published() -> None:
    """Percentiles of pretraining_sensors.yaml to 0 and 1, cut, then mean and std; S2 in DN, SAR in dB."""
    known = _smarties.known_sensors()
    s2, s1, rgb = known["sentinel-2-l2a"], known["sentinel-1-grd"], known["rgb"]
    b04 = _smarties.scaled(np.array([[12.495476066364853e-4, 2829.486095366986e-4, 2.0]], np.float32), s2, 3)
    np.testing.assert_allclose(b04[0], (np.array([0, 1, 1]) - 0.198346346616745) / 0.1924632489681244, atol=1e-4)
    vh = _smarties.scaled(np.array([[-33.421480627395354, -9.905399040164635, -60]], np.float32), s1, 1)
    np.testing.assert_allclose(vh[0], (np.array([0, 1, 0]) - 0.6035320162773132) / 0.2288305163383484, atol=1e-4)
    red = _smarties.scaled(np.array([[2.25423519463343, 254.8254785655767]], np.float32), rgb, 0)
    np.testing.assert_allclose(red[0], (np.array([0, 1]) - 0.39974889159202576) / 0.2723924219608307, atol=1e-4)


def test_b10_of_thirteen_bands_is_left_out(state: dict[str, torch.Tensor]) -> None:
    assert state
    thirteen = (*S2[:10], "B10", *S2[10:])
    encoder = open_encoder("smarties:ViT-B")
    full = tile("sentinel-2-l1c", thirteen, 0, 0.6)
    rows = [row for row, band in enumerate(thirteen) if band != "B10"]
    twelve = array_tile(
        full.pixels[rows], full.mask, sensor=full.sensor, bands=S2, name="s", collection="c", href="s.tif"
    )
    np.testing.assert_array_equal(encoder.prepare(full), encoder.prepare(twelve))


def test_the_decoder_is_left_out_and_nothing_else_is(small: Path) -> None:
    state = random_state(smarties_shapes(WIDTH, DEPTH, decoder=False))
    save_file(state, small)
    assert open_encoder("smarties:ViT-B").space.dim == WIDTH
    save_file({key: value for key, value in state.items() if key != "norm.bias"} | {"head.bias": torch.ones(3)}, small)
    with pytest.raises(ConfigError, match=r"missing keys norm.bias; unknown keys head.bias"):
        open_encoder("smarties:ViT-B")


def test_a_file_with_another_patch_names_the_key_and_both_shapes(small: Path) -> None:
    key = "spectrum_projection.spectrum_embeds.4.proj.weight"
    save_file(random_state(smarties_shapes(WIDTH, DEPTH)) | {key: torch.randn(WIDTH, 196)}, small)
    with pytest.raises(ConfigError, match=rf"{key} is \(48, 196\), expected \(48, 256\)"):
        open_encoder("smarties:ViT-B")


def test_it_has_no_text(state: dict[str, torch.Tensor]) -> None:
    assert state
    encoder = open_encoder("smarties:ViT-B")
    assert isinstance(encoder, EncodesTiles)
    assert not isinstance(encoder, EncodesText)


def test_sensors_it_was_not_trained_on_are_refused(state: dict[str, torch.Tensor]) -> None:
    assert state
    encoder = open_encoder("smarties:ViT-B")
    landsat = builtin_sensors()["landsat-c2-l2"]
    bands = tuple(band.name for band in landsat.bands[:3])
    with pytest.raises(SensorError, match=r"not trained on landsat-c2-l2; it takes rgb, sentinel-2-l1c"):
        encoder.prepare(tile("landsat-c2-l2", bands, 0, 0.4))
    with pytest.raises(SensorError, match="knows none of the bands B10"):
        encoder.prepare(tile("sentinel-2-l1c", ("B10",), 0, 0.4))


def test_planes_of_another_kind_are_refused(state: dict[str, torch.Tensor]) -> None:
    assert state
    with pytest.raises(
        InputError, match=r"planes must be \(n, 2 or 3 or 12, 224, 224\) float32, got \(1, 13, 224, 224\)"
    ):
        open_encoder("smarties:ViT-B").encode(np.zeros((1, 13, 224, 224), dtype=np.float32))


def test_travels_between_processes(state: dict[str, torch.Tensor]) -> None:
    assert state
    encoder: Any = open_encoder("smarties:ViT-B")
    assert pickle.loads(pickle.dumps(encoder)).space == encoder.space  # noqa: S301  # our own bytes
