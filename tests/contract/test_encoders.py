"""What every encoder promises. A new encoder inherits the suite and gives itself in `encoder`."""

import importlib.util
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from core import EncodesText, EncodesTiles, PixelWindow, Tile, builtin_sensors
from core.testing import MeanColourEncoder
from embeddings import encode_tiles, open_encoder

RANDOM = np.random.default_rng(11)


def make_tile(sensor_name: str, bands: tuple[str, ...], low: float, high: float, side: int = 90) -> Tile:
    sensor = builtin_sensors()[sensor_name]
    mask = np.ones((side, side), dtype=np.bool_)
    return Tile(
        tile_id="c~s~r0000c0000",
        scene_id="s",
        collection="c",
        sensor=sensor,
        encoding=sensor.encodings[0].name,
        bands=bands,
        pixels=RANDOM.uniform(low, high, (len(bands), side, side)).astype(np.float32),
        mask=mask,
        window=PixelWindow(col_off=0, row_off=0, width=side, height=side),
        row=0,
        col=0,
        href="s.tif",
        datetime=None,
        gsd=None,
        crs=None,
        footprint=None,
        centroid=None,
        valid=1.0,
        cloud=None,
    )


TILES = {
    "rgb": make_tile("rgb", ("red", "green", "blue"), 0, 255),
    "rgb large": make_tile("rgb", ("red", "green", "blue"), 0, 255, side=300),
    "sentinel-2": make_tile("sentinel-2-l2a", ("B02", "B03", "B04", "B08"), 0, 0.4),
    "sentinel-1": make_tile("sentinel-1-rtc", ("VV", "VH"), -25, 0),
}


class EncoderContract:
    """Inherited by one class for each encoder; each test holds for all of them."""

    takes = tuple(TILES)

    @pytest.fixture
    def encoder(self) -> Any:
        raise NotImplementedError

    def encode(self, encoder: EncodesTiles, *tiles: Tile) -> np.ndarray:
        return encode_tiles(encoder, tiles)

    def test_has_the_protocols(self, encoder: Any) -> None:
        assert isinstance(encoder, EncodesTiles)
        assert isinstance(encoder, EncodesText)

    def test_prepared_tiles_of_one_kind_can_be_stacked(self, encoder: Any) -> None:
        for name in self.takes:
            tile = TILES[name]
            sizes = [make_tile(tile.sensor.name, tile.bands, 0.0, 1.0, side=side) for side in (60, 90, 130)]
            assert len({(array.shape, array.dtype) for array in map(encoder.prepare, sizes)}) == 1
            assert encoder.encode(np.stack([encoder.prepare(tile) for tile in sizes])).shape == (3, encoder.space.dim)

    def test_mixed_tiles_keep_their_order(self, encoder: Any) -> None:
        tiles = [TILES[name] for name in self.takes]
        forwards, backwards = self.encode(encoder, *tiles), self.encode(encoder, *tiles[::-1])
        np.testing.assert_allclose(forwards, backwards[::-1], atol=1e-4)

    def test_vectors_are_unit_float32_of_the_spaces_length(self, encoder: Any) -> None:
        for vectors in (self.encode(encoder, *[TILES[name] for name in self.takes]), encoder.encode_text(["a", "b c"])):
            assert vectors.dtype == np.float32
            assert vectors.shape[1] == encoder.space.dim
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)

    def test_a_vector_does_not_depend_on_its_batch(self, encoder: Any) -> None:
        tiles = [TILES[name] for name in self.takes]
        together = self.encode(encoder, *tiles)
        alone = np.concatenate([self.encode(encoder, tile) for tile in tiles])
        np.testing.assert_allclose(together, alone, atol=1e-4)

    def test_same_input_same_vector(self, encoder: Any) -> None:
        np.testing.assert_array_equal(self.encode(encoder, TILES["rgb"]), self.encode(encoder, TILES["rgb"]))
        np.testing.assert_array_equal(encoder.encode_text(["river"]), encoder.encode_text(["river"]))

    def test_preparing_leaves_the_tile_alone(self, encoder: Any) -> None:
        before = TILES["rgb"].pixels.copy()
        encoder.prepare(TILES["rgb"])
        np.testing.assert_array_equal(TILES["rgb"].pixels, before)

    def test_preparing_works_in_many_threads(self, encoder: Any) -> None:
        tiles = [TILES[name] for name in self.takes] * 8
        with ThreadPoolExecutor(8) as pool:
            threaded = list(pool.map(encoder.prepare, tiles))
        for one, other in zip(threaded, map(encoder.prepare, tiles), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_masked_pixels_do_not_matter(self, encoder: Any) -> None:
        def hidden(value: float) -> Tile:
            tile = make_tile("rgb", ("red", "green", "blue"), 40, 41)
            tile.pixels[:] = 40.0
            tile.pixels[:, :30] = value
            tile.mask[:30] = False
            return tile

        vectors = self.encode(encoder, hidden(0.0), hidden(250.0))
        np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)

    def test_space_survives_a_process_border(self, encoder: Any) -> None:
        assert pickle.loads(pickle.dumps(encoder)).space == encoder.space  # noqa: S301  # our own bytes

    def test_nothing_in_nothing_out(self, encoder: Any) -> None:
        assert encoder.encode_text([]).shape == (0, encoder.space.dim)


class TestMeanColour(EncoderContract):
    takes = ("rgb", "rgb large", "sentinel-2")

    @pytest.fixture
    def encoder(self) -> Any:
        return MeanColourEncoder()


@pytest.fixture(scope="module")
def swath_mini() -> EncodesTiles:
    return open_encoder("swath-mini")


class TestSwathMini(EncoderContract):
    @pytest.fixture
    def encoder(self, swath_mini: EncodesTiles) -> Any:
        return swath_mini

    def test_space(self, encoder: Any) -> None:
        assert (encoder.space.encoder, encoder.space.dim) == ("swath-mini", 384)

    def test_band_order_reaches_the_network(self, encoder: Any) -> None:
        tile = make_tile("rgb", ("red", "green", "blue"), 0, 1)
        tile.pixels[0], tile.pixels[2] = 200.0, 10.0
        seen = encoder.prepare(tile)
        red, blue = (seen[0], seen[2]) if seen.shape[0] == 3 else (seen[..., 0], seen[..., 2])
        assert red.min() > 190
        assert blue.max() < 20


@pytest.fixture(scope="module")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> EncodesTiles:
    import torch
    from safetensors.torch import save_file

    from embeddings._open_clip import import_open_clip

    open_clip = import_open_clip()
    folder = tmp_path_factory.mktemp("open-clip")
    vision = {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    config = {"embed_dim": 24, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}
    (folder / "swath-contract.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    network = open_clip.create_model("swath-contract", pretrained=None, load_weights=False)
    save_file({name: value.clone() for name, value in network.state_dict().items()}, folder / "w.safetensors")
    return open_encoder(f"open_clip:swath-contract@{folder}/w.safetensors")


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "open_clip")),
    reason="open_clip encoders need the extra 'torch'",
)
class TestOpenClip(EncoderContract):
    @pytest.fixture
    def encoder(self, small_clip: EncodesTiles) -> Any:
        return small_clip
