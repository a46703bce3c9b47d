from __future__ import annotations

import tomllib
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from core import Dataset, InputError, UnknownNameError
from demo._dataset import World, open_synthetic_world
from demo._samples import WorldSample, world_outline, world_sample, world_samples
from demo.worlds import GROUPS, Surface
from demo.worlds._echo import speckle
from demo.worlds._materials import ASSUMED, materials
from demo.worlds._surfaces import CLIMATES, LOOKS, SEASONS, weathered
from demo.worlds._vocabulary import CLASSES, SETTINGS
from demo.worlds._vocabulary import GROUPS as WORD_GROUPS

SEED = 11


@pytest.fixture(scope="module")
def drawn() -> list[WorldSample]:
    return list(world_samples(SEED, 160, 64))


def ndvi(sample: WorldSample) -> np.ndarray:
    red, nir = sample.s2[3], sample.s2[7]
    return np.asarray((nir - red) / (nir + red))


def whole(sample: WorldSample, *surfaces: Surface) -> np.ndarray:
    """True on clear pixels of these surfaces whose neighbours are the same, with a mean radar floor left out."""
    here = np.isin(sample.cover, surfaces) & ~sample.cloud
    for axis in (0, 1):
        here &= np.roll(here, 1, axis) & np.roll(here, -1, axis)
    return np.asarray(here)


def test_every_surface_has_a_look_and_one_class() -> None:
    assert set(LOOKS) == set(Surface)
    assert sorted(code for codes in GROUPS.values() for code in codes) == sorted(Surface)


@pytest.mark.parametrize("vigour", [0.0, 0.5, 1.0])
def test_shares_add_up_to_one_in_every_season_climate_and_weather(vigour: float) -> None:
    for surface in Surface:
        for season in SEASONS:
            for climate in CLIMATES:
                mixed = weathered(surface, season, climate, vigour)
                assert sum(mixed.values()) == pytest.approx(1)
                assert min(mixed.values()) >= 0
                assert set(mixed) <= set(materials().names)


def test_every_assumed_material_says_where_its_numbers_come_from() -> None:
    table = tomllib.loads(ASSUMED.read_text(encoding="utf-8"))
    assert all(row["source"].split(":")[0] in ("published", "modelled", "assumed") for row in table.values())
    assert all(0 <= value <= 1.2 for row in table.values() for value in row["reflectance"])


def test_samples_have_the_promised_shapes_units_and_types(drawn: list[WorldSample]) -> None:
    for sample in drawn:
        assert sample.s2.shape == (12, 64, 64)
        assert sample.s1.shape == (2, 64, 64)
        assert sample.s2.dtype == sample.s1.dtype == np.float32
        assert sample.cover.shape == sample.cloud.shape == (64, 64)
        assert sample.cover.dtype == np.uint8
        assert np.isfinite(sample.s2).all()
        assert np.isfinite(sample.s1).all()
        assert 0 < sample.s2.min() < sample.s2.max() <= 1.6
        assert -50 <= sample.s1.min() < sample.s1.max() < 45
        assert 5 <= sample.gsd <= 30


def test_a_sample_is_the_same_bytes_alone_and_in_a_row(drawn: list[WorldSample]) -> None:
    alone = world_sample(SEED, 17, 64)
    assert alone.s2.tobytes() == drawn[17].s2.tobytes()
    assert alone.s1.tobytes() == drawn[17].s1.tobytes()
    assert (alone.captions, alone.truth, alone.labels) == (drawn[17].captions, drawn[17].truth, drawn[17].labels)
    shifted = next(world_samples(SEED, 1, 64, first=17))
    assert shifted.s1.tobytes() == alone.s1.tobytes()


def test_another_seed_is_another_world(drawn: list[WorldSample]) -> None:
    assert world_sample(SEED + 1, 17, 64).s2.tobytes() != drawn[17].s2.tobytes()
    assert len({sample.s2.tobytes() for sample in drawn}) == len(drawn)


def test_the_outline_tells_the_same_truth_as_the_sample(drawn: list[WorldSample]) -> None:
    outline = world_outline(SEED, 5, 64)
    assert outline.truth == drawn[5].truth
    assert outline.captions == drawn[5].captions


def test_many_landscapes_occur(drawn: list[WorldSample]) -> None:
    assert len({sample.setting for sample in drawn}) >= 15
    assert len({name for sample in drawn for name in sample.truth.landmarks}) >= 15
    assert {sample.season for sample in drawn} == set(SEASONS)
    assert {sample.climate for sample in drawn} == set(CLIMATES)
    assert {sample.dominant for sample in drawn} >= {"water", "forest", "farmland", "bare ground", "snow"}


def test_captions_are_three_to_five_and_differ(drawn: list[WorldSample]) -> None:
    assert all(3 <= len(set(sample.captions)) == len(sample.captions) <= 5 for sample in drawn)
    common = Counter(line for sample in drawn for line in sample.captions).most_common(1)[0][1]
    assert common <= 0.1 * len(drawn)


def test_every_setting_and_class_has_words(drawn: list[WorldSample]) -> None:
    assert {sample.setting for sample in drawn} <= set(SETTINGS)
    assert set(CLASSES) == set(GROUPS)
    named = [part for setting in SETTINGS for part in WORD_GROUPS if part in setting]
    assert set(named) == set(WORD_GROUPS)


def test_labels_are_the_classes_that_cover_eight_percent(drawn: list[WorldSample]) -> None:
    for sample in drawn:
        # The map delivers every other painted pixel, so shares may differ by a little.
        for word, codes in GROUPS.items():
            share = np.isin(sample.cover, codes).mean()
            assert sample.truth.shares[word] == pytest.approx(share, abs=0.02)
            if share > 0.1:
                assert word in sample.labels
            if share < 0.06:
                assert word not in sample.labels


@pytest.mark.parametrize(("word", "share"), [("burn", "burnt"), ("flood", "flooded"), ("snow", "snow")])
def test_captions_name_fire_flood_and_snow_only_where_they_are(drawn: list[WorldSample], word: str, share: str) -> None:
    named = [sample for sample in drawn if any(word in line for line in sample.captions)]
    assert named
    assert all(getattr(sample.truth, share) > 0.005 for sample in named)
    plenty = [sample for sample in drawn if getattr(sample.truth, share) > 0.3]
    assert plenty
    assert all(sample in named for sample in plenty)


def test_captions_name_a_river_only_where_there_is_one(drawn: list[WorldSample]) -> None:
    named = [sample for sample in drawn if any("river" in line for line in sample.captions)]
    assert named
    assert all((sample.cover == Surface.RIVER).mean() > 0.003 for sample in named)


def test_burnt_ground_is_dark_in_the_near_and_bright_in_the_shortwave_infrared(drawn: list[WorldSample]) -> None:
    ratios = []
    for sample in drawn:
        here = whole(sample, Surface.BURNT)
        if here.sum() > 50:
            nir, swir = sample.s2[8][here].mean(), sample.s2[11][here].mean()
            ratios.append((nir - swir) / (nir + swir))
    assert len(ratios) >= 3
    assert max(ratios) < 0.05  # healthy plants lie at 0.4 and more


def test_snow_falls_off_in_the_shortwave_infrared_and_cloud_does_not(drawn: list[WorldSample]) -> None:
    snow, cloud = [], []
    for sample in drawn:
        ratio = (sample.s2[2] - sample.s2[10]) / (sample.s2[2] + sample.s2[10])
        here = whole(sample, Surface.SNOW)
        if here.sum() > 50:
            snow.append(np.median(ratio[here]))
        if sample.cloud.sum() > 50:
            thick = sample.cloud & ~np.isin(sample.cover, GROUPS["snow"]) & (sample.s2[1] > 0.4)
            cloud += [np.median(ratio[thick])] if thick.sum() > 50 else []
    assert min(snow) > 0.4  # the usual threshold for snow
    assert cloud
    assert max(cloud) < 0.4


def test_water_is_dark_in_the_infrared_and_plants_are_not(drawn: list[WorldSample]) -> None:
    for sample in drawn:
        water = whole(sample, Surface.SEA, Surface.LAKE)
        if water.sum() > 50:
            assert np.median(sample.s2[10][water]) < 0.08
        woods = whole(sample, Surface.CONIFER)
        if woods.sum() > 50:
            assert np.median(ndvi(sample)[woods]) > 0.45


def test_calm_water_is_darker_in_radar_than_forest(drawn: list[WorldSample]) -> None:
    pairs = []
    for sample in drawn:
        water, woods = whole(sample, Surface.SEA, Surface.LAKE, Surface.RIVER), whole(sample, *GROUPS["forest"])
        if min(water.sum(), woods.sum()) > 50:
            pairs.append(np.median(sample.s1[1][woods]) - np.median(sample.s1[1][water]))
    assert len(pairs) >= 3
    assert np.median(pairs) > 5


def test_both_sensors_show_the_same_place(drawn: list[WorldSample]) -> None:
    """Water mapped from the shortwave infrared alone is where the radar is dark: at least beside woods and fields."""
    drops = []
    for sample in drawn:
        shares = sample.truth.shares
        grown = shares["forest"] + shares["farmland"] + shares["built-up area"]
        if 0.08 < shares["water"] < 0.6 and grown > 0.3 and sample.truth.snow < 0.05 and not sample.cloud.any():
            optical = sample.s2[10] < 0.07
            drops.append(sample.s1[1][~optical].mean() - sample.s1[1][optical].mean())
    assert len(drops) >= 5
    assert np.mean(np.array(drops) > 1) > 0.8
    assert np.median(drops) > 3


def test_clouds_hide_the_ground_from_light_only() -> None:
    cloudy = next(sample for sample in world_samples(SEED, 200, 32) if sample.cloud.mean() > 0.3)
    assert cloudy.s2[1][cloudy.cloud].mean() > 0.2
    assert cloudy.s1[0][cloudy.cloud].max() < 30


@pytest.mark.parametrize(("looks", "width"), [(1.5, 0.35), (4.6, 0.8), (8.0, 1.2)])
def test_speckle_keeps_the_mean_and_has_the_looks_asked_for(looks: float, width: float) -> None:
    power = speckle(np.random.default_rng(1), 256, looks, width)
    assert power.mean() == pytest.approx(1, abs=0.02)
    assert power.mean() ** 2 / power.var() == pytest.approx(looks, rel=0.1)


@pytest.mark.parametrize("size", [32, 96, 100])
def test_any_even_or_odd_multiple_of_size_can_be_drawn(size: int) -> None:
    sample = world_sample(3, 0, size)
    assert sample.s2.shape == (12, size, size)


def test_an_empty_folder_is_the_default_world(tmp_path: Path) -> None:
    dataset = open_synthetic_world("synthetic-world", tmp_path)
    assert isinstance(dataset, Dataset)
    assert dataset.name == "synthetic-world"
    assert dataset.splits == ("train", "val", "test")
    assert dataset.world == World()


def test_world_file_chooses_seed_size_and_splits(tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text("seed = 3\nsize = 32\n[splits]\ntrain = [0, 2]\nheld-out = [5, 6]\n")
    dataset = open_synthetic_world("synthetic-world", tmp_path)
    assert [sample.split for sample in dataset.samples()] == ["train", "train", "held-out"]
    assert [sample.sample_id for sample in dataset.samples("held-out")] == ["synthetic-3-32-0000005"]


def test_views_labels_captions_and_mask_are_the_samples_own(tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text("seed = 3\nsize = 32\n")
    sample = next(iter(open_synthetic_world("synthetic-world", tmp_path).samples("val")))
    expected = world_sample(3, 4000, 32)
    light, radar = sample.view("s2").read(), sample.view("s1").read()
    assert (light.sensor.name, light.encoding) == ("sentinel-2-l2a", "reflectance")
    assert (radar.sensor.name, radar.encoding, radar.bands) == ("sentinel-1-rtc", "db", ("VV", "VH"))
    np.testing.assert_array_equal(light.pixels, expected.s2)
    np.testing.assert_array_equal(radar.pixels, expected.s1)
    assert sample.mask is not None
    np.testing.assert_array_equal(sample.mask(), expected.cover)
    assert (sample.labels, sample.captions) == (expected.labels, expected.captions)
    assert light.gsd == radar.gsd == expected.gsd
    assert light.cloud == pytest.approx(expected.cloud.mean())
    assert radar.cloud is None


def test_every_name_says_synthetic(tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text("size = 32\n")
    for sample in islice(open_synthetic_world("synthetic-world", tmp_path).samples(), 2):
        tile = sample.view("s1").read()
        assert all("synthetic" in text for text in (sample.sample_id, tile.tile_id, tile.collection, tile.href))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seed = -1", "seed must be a whole number"),
        ("seed = true", "seed must be a whole number"),
        ("size = 8", "size must be a whole number from 32 to 512, got 8"),
        ("size = 4096", "size must be"),
        ("colour = 1", "unknown key 'colour'"),
        ("splits = 3", "splits must be a table"),
        ("[splits]\ntrain = [0]", "split train must be"),
        ("[splits]\ntrain = [4, 4]", "end of split train"),
        ("[splits]\ntrain = [0, 10]\ntest = [9, 12]", "splits train and test share sample 9"),
        ('[splits]\n"a b" = [0, 10]', "split name"),
        ("seed = ", "Invalid value"),
    ],
)
def test_a_wrong_world_file_is_refused_with_what_would_work(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "world.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        open_synthetic_world("synthetic-world", tmp_path)
    assert problem in str(caught.value)
    assert "train = [0, 4000]" in str(caught.value)


def test_an_unknown_split_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="train, val, test"):
        open_synthetic_world("synthetic-world", tmp_path).samples("dev")


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        open_synthetic_world("synthetic-world", tmp_path / "none")
