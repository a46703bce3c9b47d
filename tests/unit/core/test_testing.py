from dataclasses import replace

import numpy as np
import pytest

from core import EncodesText, EncodesTiles, SensorError
from core.testing import MeanColourEncoder
from tests.unit.indexer.doubles import tile


def test_it_is_both_kinds_of_encoder() -> None:
    assert isinstance(MeanColourEncoder(), EncodesTiles)
    assert isinstance(MeanColourEncoder(), EncodesText)


def test_a_tile_is_its_mean_colour_brought_to_unit_length() -> None:
    encoder = MeanColourEncoder()
    vectors = encoder.encode(np.stack([encoder.prepare(tile(colour=(255, 51, 0)))]))
    expected = np.array([1, 0.2, 0, 0.1])
    np.testing.assert_allclose(vectors[0], expected / np.linalg.norm(expected), rtol=1e-6)


def test_pixels_outside_the_mask_do_not_count() -> None:
    made = tile(colour=(255, 0, 0))
    half = made.mask.copy()
    half[2:] = False
    dark = made.pixels * half
    encoder = MeanColourEncoder()
    np.testing.assert_array_equal(encoder.prepare(replace(made, pixels=dark, mask=half)), [1, 0, 0])


def test_words_find_their_colour() -> None:
    encoder = MeanColourEncoder()
    reds = encoder.encode(np.stack([encoder.prepare(tile(colour=colour)) for colour in (np.eye(3) * 255).tolist()]))
    scores = encoder.encode_text(["a red barn", "green", "The BLUE sea"]) @ reds.T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(encoder.encode_text(["barn"])[0, :3], encoder.encode_text(["gray"])[0, :3])


def test_two_bands_that_are_no_colours_are_refused() -> None:
    made = tile()
    with pytest.raises(SensorError, match="takes one band or at least three, got red, green"):
        MeanColourEncoder().prepare(replace(made, bands=("red", "green"), pixels=made.pixels[:2]))
