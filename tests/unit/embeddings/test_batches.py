import numpy as np
import pytest

from core import InputError, Tile, VectorSpace, array_tile, load_sensor
from embeddings import encode_arrays, encode_tiles


class Counting:
    """Sees the kind of array and its first value; remembers the shapes of its batches."""

    def __init__(self, width: int = 2) -> None:
        self.space = VectorSpace(encoder="counting", revision="1", dim=2)
        self.batches: list[tuple[int, ...]] = []
        self._width = width

    def prepare(self, tile: Tile) -> np.ndarray:
        return tile.pixels

    def encode(self, batch: np.ndarray) -> np.ndarray:
        self.batches.append(batch.shape)
        out = np.zeros((len(batch), self._width), dtype=np.float32)
        out[:, 0] = batch[:, 0, 0, 0]
        return out


def tile(value: float, sensor_name: str) -> Tile:
    sensor, _ = load_sensor(sensor_name)
    bands = tuple(band.name for band in sensor.bands)
    pixels = np.full((len(bands), 4, 4), value, dtype=np.float32)
    mask = np.ones((4, 4), dtype=bool)
    return array_tile(pixels, mask, sensor=sensor, bands=bands, name="t", collection="c", href="t")


def test_kinds_go_together_and_come_back_in_order() -> None:
    encoder = Counting()
    mixed = [tile(float(number), "sentinel-1-rtc" if number % 3 else "rgb") for number in range(9)]
    vectors = encode_tiles(encoder, mixed)
    assert vectors[:, 0].tolist() == list(range(9))
    assert sorted(encoder.batches) == [(3, 3, 4, 4), (6, 2, 4, 4)]


def test_arrays_of_one_shape_and_another_dtype_are_kept_apart() -> None:
    encoder = Counting()
    encode_arrays(encoder, [np.ones((3, 4, 4), dtype) for dtype in (np.uint8, np.float32, np.uint8)])
    assert sorted(shape[0] for shape in encoder.batches) == [1, 2]


def test_no_tiles_no_vectors() -> None:
    assert encode_tiles(Counting(), []).shape == (0, 2)


def test_an_encoder_that_breaks_its_promise_is_named() -> None:
    with pytest.raises(InputError, match=r"counting@1.* returned vectors of shape \(1, 3\) for 1 tiles"):
        encode_tiles(Counting(width=3), [tile(1.0, "rgb")])
