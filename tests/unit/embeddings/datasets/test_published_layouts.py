import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core import InputError, Sample, SceneError
from embeddings.datasets import open_dataset
from tests import dataset_trees as trees
from tests.dataset_trees_b import noise


def opened(name: str, root: Path, write: object = None) -> list[Sample]:
    (write or trees.TREES[name])(root)  # type: ignore[operator]
    return list(open_dataset(name, root).samples())


def test_published_lists_are_the_splits(tmp_path: Path) -> None:
    found = {sample.sample_id: sample.split for sample in opened("resisc45", tmp_path)}
    assert found == {"airplane.airplane_001": "train", "airplane.airplane_002": "val", "airport.airport_001": "train"}


def test_a_list_that_names_a_missing_picture_is_refused(tmp_path: Path) -> None:
    trees.resisc45(tmp_path)
    (tmp_path / "resisc45-test.txt").write_text("beach_001.jpg\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"'beach_001\.jpg', which is not among the pictures"):
        open_dataset("resisc45", tmp_path)


def test_multispectral_eurosat_keeps_its_band_order(tmp_path: Path) -> None:
    first, second = opened("eurosat", tmp_path, trees.eurosat_ms)
    tile = first.view("s2").read()
    assert tile.bands[8:] == ("B09", "B10", "B11", "B12", "B8A")
    np.testing.assert_allclose(tile.pixels[:, 0, 0], np.arange(1, 14) / 100, rtol=1e-6)
    assert (first.split, second.split) == ("train", "test")


def test_two_eurosats_in_one_folder_are_refused(tmp_path: Path) -> None:
    trees.eurosat(tmp_path)
    (tmp_path / "EuroSAT_MS").mkdir()
    with pytest.raises(InputError, match="name one of them"):
        open_dataset("eurosat", tmp_path)


def test_pictures_that_differ_in_their_ending_keep_it_in_their_name(tmp_path: Path) -> None:
    ids = [sample.sample_id for sample in opened("pictures", tmp_path)]
    assert "sea.1.jpg" in ids
    assert "sea.1.png" in ids


def test_million_aid_takes_the_innermost_folder(tmp_path: Path) -> None:
    assert [sample.labels for sample in opened("millionaid", tmp_path)] == [("dry_field",), ("lake",), ()]


def test_records_of_a_listing_are_read_whole(tmp_path: Path) -> None:
    first, second, third = opened("captions", tmp_path)
    assert (first.labels, first.split, first.captions) == (("airport",), "train", ("Two planes .", "Planes ."))
    assert (second.labels, second.split, second.captions) == ((), "val", ("a river .",))
    assert (third.split, third.captions) == (None, ())


def test_a_wrong_line_of_a_listing_is_named(tmp_path: Path) -> None:
    trees.captions(tmp_path)
    with (tmp_path / "captions.jsonl").open("a", encoding="utf-8") as file:
        file.write("{\n")
    with pytest.raises(InputError, match=r"captions\.jsonl:4 is not JSON"):
        open_dataset("captions", tmp_path)


def test_verified_line_files_win_and_join_the_sentences_of_a_picture(tmp_path: Path) -> None:
    found = {(sample.sample_id, sample.split): sample.captions for sample in opened("ucm-captions", tmp_path)}
    assert found == {
        ("1", "train"): ("sentence 0 of 1.tif .", "sentence 0 of 1.tif ."),
        ("2", "val"): ("sentence 0 of 2.tif .", "sentence 0 of 2.tif ."),
        ("3", "test"): ("sentence 0 of 3.tif .", "sentence 1 of 3.tif ."),
    }


def test_line_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    trees.ucm_lines(tmp_path)
    (tmp_path / "ucm_precomp" / "test_filename.txt").write_text("3.tif\n1.tif\n2.tif\n", encoding="utf-8")
    with pytest.raises(InputError, match="2 lines, not a multiple of the 3"):
        open_dataset("ucm-captions", tmp_path)


def test_karpathys_json_gives_raw_sentences(tmp_path: Path) -> None:
    first = opened("rsicd", tmp_path)[0]
    assert first.captions == ("picture 0 shows a river .", "many trees .")


@pytest.mark.parametrize("filename", ["../../etc/passwd", "/etc/passwd", "", None])
def test_a_picture_outside_the_folder_is_refused(filename: str | None, tmp_path: Path) -> None:
    (tmp_path / "dataset_x.json").write_text(json.dumps({"images": [{"filename": filename}]}), encoding="utf-8")
    with pytest.raises(InputError, match="without a usable filename"):
        open_dataset("rsicd", tmp_path)


def test_skyscript_groups_pictures_of_one_object(tmp_path: Path) -> None:
    found = opened("skyscript", tmp_path)
    assert [(sample.group, sample.split) for sample in found] == [
        ("a198234555", "train"),
        ("a198234555", "train"),
        ("w17", "test"),
    ]
    assert found[0].captions == ("a stadium, for soccer", "a stadium, next to a road")


def test_two_tables_for_one_split_are_refused(tmp_path: Path) -> None:
    trees.skyscript(tmp_path)
    (tmp_path / "SkyScript_train_unfiltered_5M.csv").write_text("filepath,title\n", encoding="utf-8")
    with pytest.raises(InputError, match="leave one table a split"):
        open_dataset("skyscript", tmp_path)


def test_rsteller_knows_source_date_and_resolution(tmp_path: Path) -> None:
    first, second, third = opened("rsteller", tmp_path)
    assert first.group == second.group == "m_4107500_ne_18_060_20221108" != third.group
    assert first.captions == ("A road crosses patch 607.", "The image reveals a road.")
    tile = first.view("image").read()
    assert (tile.gsd, tile.datetime) == (0.6, datetime(2022, 11, 8, tzinfo=UTC))


def test_pictures_are_read_at_their_place_in_the_shard(tmp_path: Path) -> None:
    for number, sample in enumerate(opened("gaia", tmp_path)):
        seed = {"train": 0, "test": 1, "val": 2}[str(sample.split)]
        expected = noise(seed, 16, 16, 3).transpose(2, 0, 1)
        np.testing.assert_array_equal(sample.view("image").read().pixels, expected, err_msg=str(number))


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", tarfile.SYMTYPE), ("../a.jpg", tarfile.REGTYPE)])
def test_members_that_lead_elsewhere_are_refused(name: str, kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(InputError, match=r"not a plain file|leads out of it"):
        list(open_dataset("gaia", tmp_path).samples())


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    trees.gaia(tmp_path)
    (tmp_path / "train" / "00000.tar").write_bytes(b"no tar" * 200)
    with pytest.raises(InputError, match=r"00000\.tar cannot be read as an uncompressed tar"):
        list(open_dataset("gaia", tmp_path).samples())


def test_bands_of_bigearthnet_come_on_one_grid(tmp_path: Path) -> None:
    (sample,) = opened("bigearthnet", tmp_path)
    s2, s1 = sample.view("s2").read(), sample.view("s1").read()
    assert s2.pixels.shape == (12, 120, 120)
    np.testing.assert_allclose(s2.pixels[s2.bands.index("B8A")], 0.88, rtol=1e-6)
    np.testing.assert_allclose(s2.pixels[s2.bands.index("B12")], 0.12, rtol=1e-6)
    assert [float(plane.mean()) for plane in s1.pixels] == [-9.5, -16.5]
    assert s2.datetime == datetime(2017, 6, 13, 10, 10, 31, tzinfo=UTC)
    assert s1.datetime == datetime(2017, 6, 13, 16, 50, 43, tzinfo=UTC)
    assert (s2.gsd, s2.crs, sample.group) == (10, "EPSG:32630", "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP")
    assert sample.mask is not None
    assert set(sample.mask().ravel()) == {312}


def test_crisislandmark_is_turned_and_brought_to_db(tmp_path: Path) -> None:
    found = {sample.sample_id: sample for sample in opened("crisislandmark", tmp_path)}
    s1 = {key: sample.view("s1").read() for key, sample in found.items() if "benv2s2" not in key}
    assert [round(float(s1["benv2s1_0"].pixels[band].mean()), 4) for band in (0, 1)] == [-10, -17]
    assert [round(float(plane[5, 5]), 3) for plane in s1["mmflood_0"].pixels] == [-10, -20]
    assert not s1["mmflood_0"].mask[0, 0]
    np.testing.assert_allclose(s1["quakeset_0"].pixels[:, 0, 0], 10 * np.log10([0.3, 0.4]), rtol=1e-5)
    assert (s1["benv2s1_0"].encoding, s1["mmflood_0"].encoding) == ("db", "linear")
    s2 = found["benv2s2_0"].view("s2").read()
    np.testing.assert_allclose(s2.pixels, 0.1234, rtol=1e-6)
    assert (s2.crs, s2.gsd, s2.datetime) == ("EPSG:32630", 10, datetime(2020, 6, 1, 10, tzinfo=UTC))


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    trees.crisislandmark(tmp_path)
    with h5py.File(tmp_path / "crisislandmark.h5", "a") as file:
        del file["benv2s2_0"]
        file["benv2s2_0"] = h5py.ExternalLink("/tmp/elsewhere.h5", "/benv2s2_0")  # noqa: S108 - never opened
    sample = next(iter(open_dataset("crisislandmark", tmp_path).samples()))
    with pytest.raises(SceneError, match="outside the folder"):
        sample.views[0].read()


def test_chips_are_grouped_by_scene_and_know_their_polarisation(tmp_path: Path) -> None:
    found = opened("dsn-sar", tmp_path)
    told = {sample.labels[0]: (sample.group, sample.view("sar").read().bands) for sample in found}
    assert told["ships"] == ("TSX_1550", ("HH",))
    assert told["residential"] == ("TSX_3142", ("VV",))
    assert told["tanker"] == ("OpenSARShip", ("VV",))
    assert {sample.group for sample in found if sample.labels == ("forest",)} == {"BBE7", "EBAD"}
    assert found[0].view("sar").read().pixels.max() <= 75


def test_floods_keep_their_published_lists_and_their_event(tmp_path: Path) -> None:
    found = [(one.sample_id, one.split, one.group) for one in opened("sen1floods11", tmp_path)]
    assert found == [
        ("Ghana_1", "train", "Ghana"),
        ("Ghana_2", None, "Ghana"),
        ("Sri-Lanka_7", "val", "Sri-Lanka"),
    ]


def test_a_chip_without_its_label_is_refused(tmp_path: Path) -> None:
    trees.TREES["sen1floods11"](tmp_path)
    (tmp_path / "LabelHand/Ghana_2_LabelHand.tif").unlink()
    with pytest.raises(InputError, match=r"no LabelHand/Ghana_2_LabelHand\.tif; expected"):
        open_dataset("sen1floods11", tmp_path)


def test_a_list_that_names_another_chip_is_refused(tmp_path: Path) -> None:
    trees.TREES["sen1floods11"](tmp_path)
    (tmp_path / "flood_test_data.csv").write_text("Mekong_9_S1Hand.tif,Mekong_9_LabelHand.tif\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"'Mekong_9_S1Hand\.tif,Mekong_9_LabelHand\.tif', which is not among the chips"
    ):
        open_dataset("sen1floods11", tmp_path)
