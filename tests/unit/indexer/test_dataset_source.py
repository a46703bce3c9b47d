from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import swath
from core import BadScene, InputError, Scene, SourceError, Tile, UnknownNameError
from core.testing import MeanColourEncoder
from indexer import TilingOptions, ingest
from indexer._given import GivenScene
from indexer._records import record_from_row
from indexer._revisit import read_original
from indexer.sources import SourceOptions, joined_datasets, open_source
from tests.dataset_trees import TREES
from tests.integration.real import rows_of


def made(name: str, folder: Path) -> Path:
    root = folder / name
    root.mkdir()
    TREES[name](root)
    return root


def scenes(text: str, split: str | None = None) -> list[Scene | BadScene]:
    return list(open_source(text, SourceOptions(split=split)).scenes())


def test_the_folder_after_a_dataset_belongs_to_it() -> None:
    assert joined_datasets(("a.tif", "dataset:aid", "./AID", "b")) == ["a.tif", "dataset:aid:./AID", "b"]
    assert joined_datasets(("dataset:aid:./AID", "b")) == ["dataset:aid:./AID", "b"]


def test_a_dataset_without_its_folder_is_refused() -> None:
    with pytest.raises(SourceError, match="dataset:aid needs the folder"):
        joined_datasets(("x.tif", "dataset:aid"))
    with pytest.raises(SourceError, match="names no folder"):
        open_source("dataset:aid", SourceOptions())


def test_every_view_is_a_scene_with_what_its_sample_knows(tmp_path: Path) -> None:
    found = scenes(f"dataset:bigearthnet:{made('bigearthnet', tmp_path)}")
    assert [scene.scene_id.rsplit(".", 1)[1] for scene in found if isinstance(scene, Scene)] == ["s2", "s1"]
    first = found[0]
    assert isinstance(first, Scene)
    assert (first.collection, first.sensor.name, first.label) == (
        "bigearthnet",
        "sentinel-2-l2a",
        "Coniferous forest; Inland waters",
    )


def test_an_address_of_one_view_finds_it_again(tmp_path: Path) -> None:
    found = scenes(f"dataset:captions:{made('captions', tmp_path)}")
    for scene in found:
        assert isinstance(scene, Scene)
        (again,) = scenes(scene.href)
        assert isinstance(again, Scene)
        assert (again.scene_id, again.fingerprint) == (scene.scene_id, scene.fingerprint)


def test_a_split_is_kept_to_and_an_unknown_one_refused(tmp_path: Path) -> None:
    root = made("captions", tmp_path)
    assert len(scenes(f"dataset:captions:{root}", split="val")) == 1
    with pytest.raises(UnknownNameError, match="known: train, val"):
        open_source(f"dataset:captions:{root}", SourceOptions(split="none"))


def test_an_unknown_dataset_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown dataset 'x'; known: aid, "):
        open_source(f"dataset:x:{tmp_path}", SourceOptions())


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    root = made("aid", tmp_path)
    before = [scene.fingerprint for scene in scenes(f"dataset:aid:{root}") if isinstance(scene, Scene)]
    (root / "Airport" / "airport_1.jpg").write_bytes((root / "Airport" / "airport_2.jpg").read_bytes() + b"\0")
    after = [scene.fingerprint for scene in scenes(f"dataset:aid:{root}") if isinstance(scene, Scene)]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, True, True]


def test_a_damaged_file_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    root = made("aid", tmp_path)
    (root / "Airport" / "airport_1.jpg").write_bytes(b"no picture")
    (root / "BareLand" / "bareland_2.jpg").write_bytes(b"no picture")
    source = open_source(f"dataset:aid:{root}", SourceOptions())
    report = ingest([source], into=tmp_path / "index", encoder=MeanColourEncoder())
    assert report.scenes_indexed == 2
    assert len(report.failures) == 2
    assert all("cannot be read" in failure.reason for failure in report.failures)


@pytest.mark.parametrize("name", ["captions", "terramind", "gaia", "crisislandmark", "dsn-sar"])
def test_original_pixels_are_read_again_from_the_index(name: str, tmp_path: Path) -> None:
    root = made(name, tmp_path)
    source = open_source(f"dataset:{name}:{root}", SourceOptions())
    ingest([source], into=tmp_path / "index", encoder=_GrayEncoder())
    records = [record_from_row(row) for row in rows_of(tmp_path / "index")]
    assert len(records) == len(list(source.scenes()))
    for record in records:
        tile = read_original(record)
        assert tile.tile_id == record.tile_id
        assert tile.pixels.any()
        assert (tile.sensor.name, tile.encoding, tile.label) == (record.sensor, record.encoding, record.label)


def test_dates_of_views_count_as_dates(tmp_path: Path) -> None:
    root = made("terramind", tmp_path)
    source = open_source(f"dataset:terramind:{root}", SourceOptions())
    report = ingest([source], into=tmp_path / "index", encoder=_GrayEncoder())
    assert report.scenes_indexed == 8
    assert report.undated == 2  # S1RTC of the made tree has no date tag


def test_a_view_with_too_few_valid_pixels_is_dropped(tmp_path: Path) -> None:
    root = made("crisislandmark", tmp_path)
    scene = next(one for one in scenes(f"dataset:crisislandmark:{root}") if "mmflood" in getattr(one, "scene_id", ""))
    assert isinstance(scene, Scene)
    with GivenScene(scene, TilingOptions(min_valid=0.9)) as opened:
        assert opened.read(0, 0) is not None
    with GivenScene(scene, TilingOptions(min_valid=1.0)) as opened:
        assert opened.read(0, 0) is None


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    root = made("aid", tmp_path)
    for indexed, skipped in ((4, 0), (0, 4)):
        report = swath.index("dataset:aid", str(root), into=tmp_path / "index", workers=1)
        assert (report.scenes_indexed, report.scenes_skipped) == (indexed, skipped)


class _GrayEncoder(MeanColourEncoder):
    """Takes SAR tiles, too: by their first band."""

    def prepare(self, tile: Tile) -> NDArray[np.float32]:
        return np.array([abs(tile.pixels[0]).mean()] * 3, dtype=np.float32)
