"""SSL4EO-S12 in its three layouts, SpectralEarth and ChatEarthNet: numbers, bands, places and dates."""

import json
import sys
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio

from core import InputError, MissingExtraError, SceneError
from embeddings.datasets import open_dataset
from tests.dataset_trees_b import (
    S2_DATES,
    chatearthnet,
    half,
    picture,
    spectralearth,
    spectralearth_nlcd,
    ssl4eo,
    ssl4eo_tar,
    ssl4eo_zarr,
)

ARCHIVE = "ssl4eos12_train_seasonal_data_000001.zarr.zip"


def test_v1_0_gives_bands_in_the_sensors_order_and_units(tmp_path: Path) -> None:
    ssl4eo(tmp_path)
    first = next(iter(open_dataset("ssl4eo-s12", tmp_path).samples()))
    optical, radar = first.view("s2").read(), first.view("s1").read()
    with rasterio.open(tmp_path / "s2a/0000000" / S2_DATES[0] / "B4.tif") as file:
        np.testing.assert_allclose(optical.pixels[optical.bands.index("B04")], file.read(1) * 1e-4, rtol=1e-5)
    assert optical.bands == tuple(band.name for band in optical.sensor.bands)
    assert first.view("s2-l1c").read().bands[10] == "B10"
    assert radar.bands == ("VV", "VH")
    assert radar.pixels.max() < 0
    assert optical.offset.value == 0


def test_v1_0_joins_the_nearest_dates(tmp_path: Path) -> None:
    ssl4eo(tmp_path)
    samples = list(open_dataset("ssl4eo-s12", tmp_path).samples())
    dates = [[view.read().datetime for view in sample.views] for sample in samples]
    assert dates[0] == [datetime(2020, 6, 4, 5, 46, 39, tzinfo=UTC)] * 2 + [datetime(2020, 6, 7, 1, 8, tzinfo=UTC)]
    assert dates[1][2] == datetime(2020, 9, 5, 1, 8, tzinfo=UTC)
    assert {sample.group for sample in samples} == {"0000000"}


def test_v1_1_zips_undo_the_shift_and_know_place_and_date(tmp_path: Path) -> None:
    import zarr

    ssl4eo_zarr(tmp_path)
    samples = {sample.sample_id: sample for sample in open_dataset("ssl4eo-s12", tmp_path).samples("train")}
    tile = samples["0060573-1"].view("s2").read()
    with zarr.storage.ZipStore(tmp_path / "train/S2L2A" / ARCHIVE, mode="r") as store:
        stored = np.asarray(zarr.open_array(store, path="bands", mode="r", zarr_format=2)[1, 1])
    np.testing.assert_allclose(tile.pixels, (stored.astype(np.float64) - 1000) / 10000, atol=1e-6)
    assert (tile.offset.value, tile.offset.origin) == (-1000, "dataset")
    assert tile.centroid == (121.4, -30.64)
    assert tile.datetime == datetime(2021, 2, 16, 2, 30, 1, tzinfo=UTC)
    assert samples["0060573-1"].view("s1").read().offset.value == 0


def test_v1_1_times_follow_the_unit_that_xarray_wrote(tmp_path: Path) -> None:
    import zarr

    from embeddings.datasets._ssl4eo_zarr import _instant

    group = zarr.open_group(zarr.storage.MemoryStore(), mode="w", zarr_format=2)
    times = group.create_array("time_", data=np.array([[3, 4]], dtype=np.int64))
    times.attrs["units"] = "days since 2020-11-13 12:00:00"
    assert _instant(group, tmp_path, (0, 1)) == datetime(2020, 11, 17, 12, tzinfo=UTC)
    times.attrs["units"] = "fortnights since 2020-11-13"
    assert _instant(group, tmp_path, (0, 1)) is None


def test_v1_1_tars_hold_numbers_without_the_shift(tmp_path: Path) -> None:
    ssl4eo_tar(tmp_path)
    samples = list(open_dataset("ssl4eo-s12", tmp_path).samples("val"))
    assert len(samples) == 8
    tile = samples[0].view("s2").read()
    assert tile.offset.value == 0
    assert tile.pixels.min() >= 0.1 - 1e-6
    assert tile.centroid == (12.5, 42.0)


def test_an_archive_without_its_twin_is_told(tmp_path: Path) -> None:
    ssl4eo_zarr(tmp_path)
    (tmp_path / "train/S1GRD" / ARCHIVE).rename(tmp_path / "train/S1GRD" / ARCHIVE.replace("1.zarr", "2.zarr"))
    with pytest.raises(InputError, match=r"no .*S1GRD/.*000001\.zarr\.zip to go with"):
        list(open_dataset("ssl4eo-s12", tmp_path).samples())


@pytest.mark.parametrize(
    "change",
    [{"compressor": {"id": "pickle"}}, {"filters": [{"id": "pickle", "protocol": 5}]}, {"dtype": "|O"}],
)
def test_an_archive_that_could_run_code_is_refused_before_it_is_decoded(
    change: dict[str, object], tmp_path: Path
) -> None:
    ssl4eo_zarr(tmp_path)
    path = tmp_path / "train/S2L2A" / ARCHIVE
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".zmetadata")}
    content["bands/.zarray"] = json.dumps({**json.loads(content["bands/.zarray"]), **change}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(InputError, match="only compression is read"):
        list(open_dataset("ssl4eo-s12", tmp_path).samples())


def test_a_damaged_archive_is_told_by_name(tmp_path: Path) -> None:
    ssl4eo_zarr(tmp_path)
    (tmp_path / "train/S2L2A" / ARCHIVE).write_bytes(b"not a zip")
    with pytest.raises(InputError, match=r"000001\.zarr\.zip is not a Zarr archive"):
        list(open_dataset("ssl4eo-s12", tmp_path).samples())


def test_a_damaged_place_in_a_tar_is_a_scene_error(tmp_path: Path) -> None:
    ssl4eo_tar(tmp_path)
    sample = next(iter(open_dataset("ssl4eo-s12", tmp_path).samples()))
    path = tmp_path / "val/S2L2A/ssl4eos12_shard_000001.tar"
    with tarfile.open(path, "w"):
        pass
    with pytest.raises(SceneError, match="is not a Zarr archive"):
        sample.view("s2").read()


def test_without_zarr_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssl4eo_zarr(tmp_path)
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'swath\[datasets\]'"):
        list(open_dataset("ssl4eo-s12", tmp_path).samples())


def test_spectralearth_has_202_bands_in_order_of_wavelength_without_water_vapour(tmp_path: Path) -> None:
    spectralearth(tmp_path)
    samples = {sample.sample_id: sample for sample in open_dataset("spectralearth", tmp_path).samples()}
    assert [view.role for view in samples["0350205"].views] == ["date-1", "date-2"]
    tile = samples["0159153"].view("image").read()
    waves = [tile.sensor.band(name).center_wavelength_um or 0 for name in tile.bands]
    assert len(waves) == 202
    assert waves == sorted(waves)
    assert not any(1.35 < wave < 1.46 or 1.81 < wave < 1.95 for wave in waves)
    assert [round(waves[index], 2) for index in (43, 28, 10)] == pytest.approx([0.64, 0.55, 0.47], abs=0.02)
    assert tile.pixels.max() < 0.8


def test_spectralearth_tasks_have_splits_and_masks(tmp_path: Path) -> None:
    spectralearth_nlcd(tmp_path)
    (sample,) = open_dataset("spectralearth", tmp_path).samples("test")
    assert (sample.sample_id, sample.group) == ("nlcd-0159153.02852", "0159153")
    assert sample.mask is not None
    assert np.array_equal(sample.mask(), half(41))


@pytest.mark.parametrize("line", ["../../secret.tif", "/etc/passwd", "0350205/09708.txt"])
def test_a_split_file_may_not_lead_elsewhere(line: str, tmp_path: Path) -> None:
    spectralearth_nlcd(tmp_path)
    (tmp_path / "splits/enmap_nlcd/test.txt").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"test\.txt has the line"):
        open_dataset("spectralearth", tmp_path)


def test_a_split_file_that_names_a_missing_patch_is_told(tmp_path: Path) -> None:
    spectralearth_nlcd(tmp_path)
    (tmp_path / "splits/enmap_nlcd/test.txt").write_text("0000000/00000.tif\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"no enmap/0000000/00000\.tif, though enmap_nlcd/test\.txt names it"):
        open_dataset("spectralearth", tmp_path)


def test_chatearthnet_stacks_nine_bands_and_keeps_each_writers_text(tmp_path: Path) -> None:
    chatearthnet(tmp_path)
    samples = {sample.sample_id: sample for sample in open_dataset("chatearthnet", tmp_path).samples()}
    assert sorted(samples) == ["35-test-19920_1", "35-train-19920_0", "35-train-19920_1", "4v-train-19920_0"]
    assert samples["35-train-19920_0"].group == samples["4v-train-19920_0"].group == "19920_0"
    assert samples["35-train-19920_1"].captions[1] == "Trees stand at the top."
    tile = samples["4v-train-19920_0"].view("s2").read()
    assert tile.bands == ("B04", "B03", "B02", "B05", "B06", "B07", "B08", "B11", "B12")
    np.testing.assert_array_equal(tile.pixels[:3], samples["4v-train-19920_0"].view("image").read().pixels)


def test_chatearthnet_without_the_other_bands_has_pictures_alone(tmp_path: Path) -> None:
    chatearthnet(tmp_path)
    (tmp_path / "s2_band_5_6_7_images").rename(tmp_path / "elsewhere")
    samples = list(open_dataset("chatearthnet", tmp_path).samples())
    assert {tuple(view.role for view in sample.views) for sample in samples} == {("image",)}


def test_pictures_of_different_sizes_do_not_stack(tmp_path: Path) -> None:
    chatearthnet(tmp_path)
    picture(tmp_path / "s2_band_5_6_7_images/19920_0.png", value=np.zeros((4, 4, 3), np.uint8))
    sample = next(s for s in open_dataset("chatearthnet", tmp_path).samples() if s.group == "19920_0")
    with pytest.raises(SceneError, match=r"19920_0\.png has pictures of"):
        sample.view("s2").read()
