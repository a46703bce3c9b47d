"""NAIP scenes: what their names say."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import InputError
from embeddings.datasets import open_dataset
from tests.dataset_trees_b import naip, noise, raster


def test_the_name_tells_quadrangle_and_date_of_flight(tmp_path: Path) -> None:
    naip(tmp_path)
    samples = list(open_dataset("naip", tmp_path).samples())
    assert [sample.group for sample in samples] == ["4709963_se", "4709963_se", "4709963_sw"]
    tiles = [sample.view("image").read() for sample in samples]
    dates = [datetime(2018, 7, 16, tzinfo=UTC), datetime(2009, 8, 18, tzinfo=UTC), datetime(2016, 8, 16, tzinfo=UTC)]
    assert [tile.datetime for tile in tiles] == dates
    assert all(tile.bands == ("R", "G", "B", "NIR") and tile.sensor.name == "naip" for tile in tiles)


@pytest.mark.parametrize("name", ["scene", "m_4709963_se_14_1_20091399", "m_4709963_xx_14_1_20090818"])
def test_another_name_is_refused(name: str, tmp_path: Path) -> None:
    naip(tmp_path)
    raster(tmp_path / "scenes" / f"{name}.tif", noise(0, 4, 16, 16))
    with pytest.raises(InputError, match=rf"{name}.tif is not named so; expected\n  ROOT/"):
        open_dataset("naip", tmp_path)


def test_the_same_name_in_two_folders_is_two_samples(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        raster(tmp_path / folder / "m_4709963_se_14_1_20090818.tif", noise(0, 4, 16, 16))
    assert len({sample.sample_id for sample in open_dataset("naip", tmp_path).samples()}) == 2
