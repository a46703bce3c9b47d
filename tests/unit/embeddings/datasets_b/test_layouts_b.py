"""Further published layouts of the same datasets, trees with something missing, and tables of another kind."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core import InputError, Tile, UnknownNameError
from embeddings.datasets import open_dataset
from tests.dataset_trees_b import TREES_B, conversations, spectralearth_nlcd, ssl4eo_tar, ssl4eo_zarr

OTHER_LAYOUTS: list[tuple[str, Callable[[Path], None]]] = [
    ("spectralearth", spectralearth_nlcd),
    ("ssl4eo-s12", ssl4eo_zarr),
    ("ssl4eo-s12", ssl4eo_tar),
    ("earthdial", conversations),
]
BROKEN = {
    "ombria": ("train/s1/after", "no train/s1/after/S1_after_0001.jpg"),
    "rsvqa": ("RSVQA-LR/Images_LR", "no folder Images_LR"),
    "naip": ("scenes", "no .tif"),
    "sen1floods11": ("LabelHand", "no folder LabelHand/"),
    "levir-cc": ("images/val/B", "no folder images/val/B"),
    "forest-change": ("images/test/A", "no folder images/test/A"),
    "levir-cd": ("val/B", "no folder val/B"),
    "second": ("test/im2", "no folder test/im2"),
    "s2looking": ("train/Image2", "no folder train/Image2"),
    "disasterm3": ("DisasterM3_Instruct/train_images", "no folder DisasterM3_Instruct/train_images"),
    "mme-realworld-rs": ("remote_sensing", "no folder remote_sensing"),
    "xlrs-bench": ("XLRS-Bench-lite", "no .arrow or .parquet shard"),
    "earthdial": ("EarthDial-Dataset", "no .arrow shard and no list of conversations"),
    "chatearthnet": ("s2_rgb_images", "no folder s2_rgb_images"),
    "spectralearth": ("enmap", "no folder enmap"),
    "ssl4eo-s12": ("s2a/0000000", "no PLACE/DATE folders"),
}
"""What is taken away, and what the message says then."""


@pytest.mark.parametrize(("name", "write"), OTHER_LAYOUTS)
def test_every_view_of_every_sample_is_a_tile_and_ids_are_unique(
    name: str, write: Callable[[Path], None], tmp_path: Path
) -> None:
    write(tmp_path)
    dataset = open_dataset(name, tmp_path)
    samples = list(dataset.samples())
    assert samples
    assert len({sample.sample_id for sample in samples}) == len(samples)
    for sample in samples:
        tiles = [view.read() for view in sample.views]
        assert all(isinstance(tile, Tile) and tile.picture.shape[2] == 3 for tile in tiles)
        assert all(file.is_file() for view in sample.views for file in view.files)
        if sample.mask is not None:
            assert sample.mask().shape == tiles[0].mask.shape


@pytest.mark.parametrize(("name", "write"), OTHER_LAYOUTS)
def test_splits_partition_the_samples(name: str, write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path)
    dataset = open_dataset(name, tmp_path)
    whole = [sample.sample_id for sample in dataset.samples()]
    parts = [sample.sample_id for split in dataset.splits for sample in dataset.samples(split)]
    assert sorted(parts) == sorted(whole if dataset.splits else [])
    with pytest.raises(UnknownNameError, match="'nowhere'"):
        list(dataset.samples("nowhere"))


@pytest.mark.parametrize("name", TREES_B)
def test_a_missing_folder_is_named_beside_the_expected_tree(name: str, tmp_path: Path) -> None:
    TREES_B[name](tmp_path)
    folder, message = BROKEN[name]
    shutil.rmtree(tmp_path / folder)
    if name == "ssl4eo-s12":
        (tmp_path / "s2a/0000000").mkdir()
        shutil.rmtree(tmp_path / "s1")
        shutil.rmtree(tmp_path / "s2c")
    with pytest.raises(InputError, match=rf"{message}.*expected\n  ROOT/"):
        open_dataset(name, tmp_path)


_PAIR = {"filename": "a.png", "filepath": "train", "split": "train", "sentences": []}
_ROW = {"prompts": "What?", "task": "t", "ground_truth": "x"}
_BENCH = "DisasterM3_Bench/benchmark_release.json"
_CAPTIONS = "json_files/ChatEarthNet_caps_35_test.json"


@pytest.mark.parametrize(
    ("name", "table", "content"),
    [
        ("levir-cc", "LevirCCcaptions.json", {"images": [{"filename": "a.png"}]}),
        ("levir-cc", "LevirCCcaptions.json", {"images": [_PAIR | {"filename": "../a.png"}]}),
        ("levir-cc", "LevirCCcaptions.json", {"images": [_PAIR | {"filepath": "../.."}]}),
        ("disasterm3", _BENCH, [_ROW]),
        ("disasterm3", _BENCH, {"rows": []}),
        ("disasterm3", _BENCH, [_ROW | {"image_path": "..\\..\\etc"}]),
        ("chatearthnet", _CAPTIONS, [{"caption": "no image"}]),
        ("chatearthnet", _CAPTIONS, [{"image": "a.png"}]),
        ("chatearthnet", _CAPTIONS, {"image": "a.png"}),
        ("rsvqa", "RSVQA-LR/LR_split_train_answers.json", {"answers": [1]}),
        ("rsvqa", "RSVQA-LR/LR_split_train_answers.json", []),
    ],
)
def test_a_table_of_another_kind_is_refused_by_name(name: str, table: str, content: object, tmp_path: Path) -> None:
    TREES_B[name](tmp_path)
    (tmp_path / table).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=Path(table).name):
        list(open_dataset(name, tmp_path).samples())
