import dataclasses

import numpy as np
import pytest

from core import Tile
from embeddings._picture import square_picture
from retriever import query_tile


@pytest.fixture
def tile() -> Tile:
    """A 4 x 4 tile whose left half is valid and red over green; the rest is padding."""
    pixels = np.zeros((3, 4, 4), dtype=np.float32)
    pixels[0, :2, :2], pixels[1, 2:, :2] = 200, 100
    mask = np.zeros((4, 4), dtype=bool)
    mask[:, :2] = True
    return dataclasses.replace(plain_tile(), pixels=pixels, mask=mask)


def plain_tile() -> Tile:
    return query_tile(np.zeros((4, 4, 3), dtype=np.uint8))


def test_padding_is_a_mirror_of_the_valid_part(tile: Tile) -> None:
    picture = square_picture(tile, 4)
    assert (picture[:2] == [200, 0, 0]).all()
    assert (picture[2:] == [0, 100, 0]).all()


def test_a_hole_takes_the_mean_colour(tile: Tile) -> None:
    mask = np.ones((4, 4), dtype=bool)
    mask[1, 1] = False
    pixels = np.full((3, 4, 4), 90, dtype=np.float32)
    pixels[:, 1, 1] = 0
    assert (square_picture(dataclasses.replace(tile, pixels=pixels, mask=mask), 4) == 90).all()


def test_a_tile_without_a_valid_pixel_stays_black(tile: Tile) -> None:
    assert not square_picture(dataclasses.replace(tile, mask=np.zeros((4, 4), dtype=bool)), 4).any()
