from pathlib import Path

import numpy as np
import pytest

from core import Offset, SceneError
from embeddings.datasets import open_dataset
from embeddings.datasets._terramind import added_to_l1c, added_to_l2a
from tests import dataset_trees as trees
from tests.dataset_trees_b import raster
from tests.integration.real import DATA

REAL = pytest.mark.skipif(not (DATA / "terramind").is_dir(), reason=f"no real data at {DATA} (SWATH_DATA)")


def test_both_levels_of_both_sites_have_the_same_reflectance(tmp_path: Path) -> None:
    trees.terramind(tmp_path)
    for sample, value in zip(open_dataset("terramind", tmp_path).samples(), (0.0, -1000.0), strict=True):
        l1c, l2a = sample.view("s2-l1c").read(), sample.view("s2").read()
        assert (l1c.offset.value, l2a.offset.value) == (value, value)
        np.testing.assert_allclose(l2a.pixels, np.delete(l1c.pixels, 10, axis=0) + 0.01, atol=1e-6)
        assert sample.labels == ("trees", "water")


def test_a_cirrus_band_that_proves_nothing_is_refused(tmp_path: Path) -> None:
    raster(tmp_path / "a.tif", np.full((13, 16, 16), 500, np.int16))
    with pytest.raises(SceneError, match="darkest cirrus pixel of 500"):
        added_to_l1c(tmp_path / "a.tif")


def test_levels_too_far_apart_are_refused(tmp_path: Path) -> None:
    raster(tmp_path / "l1c.tif", np.zeros((13, 16, 16), np.int16))
    raster(tmp_path / "l2a.tif", np.full((12, 16, 16), 3000, np.int16))
    with pytest.raises(SceneError, match="3000 above its Level 1C"):
        added_to_l2a(tmp_path / "l2a.tif", tmp_path / "l1c.tif")


def test_a_site_without_one_of_its_files_is_named(tmp_path: Path) -> None:
    trees.terramind(tmp_path)
    (tmp_path / "LULC" / "38D_378R_2_3.tif").unlink()
    with pytest.raises(ValueError, match=r"38D_378R_2_3\.tif is not in both S1RTC/ and LULC/"):
        open_dataset("terramind", tmp_path)


@REAL
def test_the_real_sites_carry_what_their_numbers_prove() -> None:
    found = {sample.sample_id: sample for sample in open_dataset("terramind", DATA / "terramind").samples()}
    l2a = {name: sample.view("s2").read().offset for name, sample in found.items()}
    assert {name: offset for name, offset in l2a.items() if offset != Offset()} == {
        "433D_629L_3_1": Offset(value=-1000, origin="terramind:swir-over-l1c")
    }
    l1c = {name for name, sample in found.items() if sample.view("s2-l1c").read().offset.value == -1000}
    assert l1c == {"282D_485L_3_3", "433D_629L_3_1", "609U_541L_3_0"}
    assert found["609U_541L_3_0"].labels == ("snow/ice",)


@REAL
def test_corrected_surface_reflectance_lies_near_the_top_of_the_atmosphere_in_the_swir() -> None:
    for sample in open_dataset("terramind", DATA / "terramind").samples():
        l1c, l2a = sample.view("s2-l1c").read(), sample.view("s2").read()
        for band in ("B11", "B12"):
            above = np.median(l2a.pixels[l2a.bands.index(band)] - l1c.pixels[l1c.bands.index(band)])
            assert 0 < above < 0.05, (sample.sample_id, band, above)
