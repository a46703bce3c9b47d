"""What every dataset adapter promises, held against a small tree in its published layout."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import Dataset, InputError, Sample, Tile
from embeddings.datasets import dataset_names, open_dataset
from tests.dataset_trees import TREES

SAFE = re.compile(r"[A-Za-z0-9._-]+")
MADE = {"synthetic-world"}
"""Drawn, not read from a published layout; tested by itself."""


@pytest.fixture(scope="module", params=sorted(TREES))
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp(request.param) / "data"
    root.mkdir()
    TREES[request.param](root)
    return open_dataset(request.param, root)


@pytest.fixture(scope="module")
def samples(opened: Dataset) -> list[Sample]:
    return list(opened.samples())


@pytest.fixture(scope="module")
def tiles(samples: list[Sample]) -> dict[tuple[str, str], Tile]:
    return {(sample.sample_id, view.role): view.read() for sample in samples for view in sample.views}


def test_every_published_dataset_has_a_tree() -> None:
    assert set(TREES) == set(dataset_names()) - MADE


def test_it_is_a_dataset_that_knows_its_name(opened: Dataset, request: pytest.FixtureRequest) -> None:
    assert isinstance(opened, Dataset)
    assert opened.name in request.node.name


def test_ids_are_unique_and_safe(samples: list[Sample]) -> None:
    ids = [sample.sample_id for sample in samples]
    assert samples
    assert len(set(ids)) == len(ids)
    assert all(SAFE.fullmatch(one) for one in ids)


def test_the_order_is_fixed(opened: Dataset, samples: list[Sample]) -> None:
    assert [sample.sample_id for sample in opened.samples()] == [sample.sample_id for sample in samples]


def test_splits_partition_the_samples(opened: Dataset, samples: list[Sample]) -> None:
    told = [[sample.sample_id for sample in opened.samples(split)] for split in opened.splits]
    assert all(told)
    unsplit = [sample.sample_id for sample in samples if sample.split is None]
    assert sorted(itertools.chain(unsplit, *told)) == sorted(sample.sample_id for sample in samples)


def test_an_unknown_split_lists_the_known(opened: Dataset) -> None:
    with pytest.raises(InputError, match=re.escape(", ".join(opened.splits) or "none")):
        next(iter(opened.samples("no-such-split")))


def test_views_have_their_own_roles_and_names_to_go_by(samples: list[Sample]) -> None:
    for sample in samples:
        roles = [view.role for view in sample.views]
        assert roles
        assert len(set(roles)) == len(roles)
        assert all(SAFE.fullmatch(role) for role in roles)
        assert sample.group


def test_views_read_as_tiles_of_finite_pixels(tiles: dict[tuple[str, str], Tile]) -> None:
    for tile in tiles.values():
        assert isinstance(tile, Tile)
        assert tile.pixels.shape == (len(tile.bands), *tile.mask.shape)
        assert tile.pixels.dtype == np.float32
        assert np.isfinite(tile.pixels).all()
        assert tile.mask.any()
        assert {tile.sensor.band(name).name for name in tile.bands} == set(tile.bands)
        assert tile.encoding in [encoding.name for encoding in tile.sensor.encodings]


def test_tiles_are_named_after_the_dataset_and_the_role(tiles: dict[tuple[str, str], Tile], opened: Dataset) -> None:
    for (_, role), tile in tiles.items():
        assert tile.collection == opened.name
        assert tile.scene_id.endswith(f".{role}")
        assert SAFE.fullmatch(tile.scene_id)


def test_a_role_has_one_sensor(tiles: dict[tuple[str, str], Tile]) -> None:
    sensors: dict[str, set[str]] = {}
    for (_, role), tile in tiles.items():
        sensors.setdefault(role, set()).add(tile.sensor.name)
    assert all(len(names) == 1 for names in sensors.values()), sensors


def test_a_place_is_whole_or_absent(tiles: dict[tuple[str, str], Tile]) -> None:
    for tile in tiles.values():
        if tile.footprint is not None:
            assert tile.centroid is not None
            assert tile.footprint.buffer(1e-4).covers(tile.footprint.centroid)
        if tile.datetime is not None:
            assert tile.datetime.utcoffset() is not None


def test_files_of_a_view_exist(samples: list[Sample]) -> None:
    for sample in samples:
        assert all(path.is_file() for view in sample.views for path in view.files)


def test_words_are_clean_text(samples: list[Sample]) -> None:
    for sample in samples:
        told = [*sample.labels, *sample.captions]
        assert all(text == " ".join(text.split()) and text for text in told), told
        assert len(set(sample.labels)) == len(sample.labels)


def test_questions_are_text_with_an_answer_and_a_kind(samples: list[Sample]) -> None:
    for question in (question for sample in samples for question in sample.questions):
        assert all(text and text.strip() == text for text in (question.text, question.answer, question.kind)), question


def test_choices_are_plain_text_and_the_answer_names_some_by_letter(samples: list[Sample]) -> None:
    for question in (question for sample in samples for question in sample.questions if question.choices):
        assert all(choice and choice == " ".join(choice.split()) for choice in question.choices), question
        assert not any(choice.startswith(("(A)", "A.")) for choice in question.choices), question
        assert set(question.answer) <= set("ABCDEFGHIJ"[: len(question.choices)]), question


def test_regions_are_boxes_in_fractions_of_the_picture(samples: list[Sample]) -> None:
    for region in (question.region for sample in samples for question in sample.questions if question.region):
        left, upper, right, lower = region
        assert 0 <= left < right <= 1, region
        assert 0 <= upper < lower <= 1, region


def test_masks_are_planes_of_integers(samples: list[Sample]) -> None:
    for mask in (sample.mask for sample in samples if sample.mask is not None):
        codes: Any = mask()
        assert codes.ndim == 2
        assert np.issubdtype(codes.dtype, np.integer)


@pytest.mark.parametrize("name", sorted(TREES))
def test_another_layout_is_refused_with_the_expected_tree(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match=r"expected") as caught:
        list(open_dataset(name, tmp_path).samples())
    assert str(tmp_path) in str(caught.value)
    assert len(str(caught.value).splitlines()) > 1


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder at"):
        open_dataset("aid", tmp_path / "absent")
