from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from core import InputError, StoreError
from demo import generate
from demo._cog import write_cog
from demo._covers import CROPS, GROUPS, LOOKS, STATISTICS, Cover, palette
from demo._fields import farm
from demo._ground import ground
from demo._noise import coarsen, fractal, shrink, stream
from demo._scenes import OPTICAL_TIMES, SCENES
from demo._shapes import Sketch
from demo._truth import fractions
from demo._world import WORLD_M, design


def test_every_cover_has_a_look_and_one_group() -> None:
    assert set(LOOKS) == set(Cover)
    grouped = [code for codes in GROUPS.values() for code in codes]
    assert sorted(grouped) == sorted(set(Cover))


def test_shares_of_a_look_add_up_to_one() -> None:
    looks = [look for entry in LOOKS.values() for look in (entry if isinstance(entry, tuple) else (entry,))]
    assert all(sum(look.values()) == pytest.approx(1) for look in looks)


def test_every_spectrum_says_where_it_comes_from() -> None:
    table = tomllib.loads(STATISTICS.read_text(encoding="utf-8"))
    assert all(entry["source"] for entry in table.values())
    assumed = STATISTICS.read_text(encoding="utf-8").split("# ---- Assumed, not measured")[1]
    below = tomllib.loads(assumed.split("\n", 1)[1])
    assert all(entry["source"].startswith("assumed") for entry in below.values())
    assert all(
        entry["source"].startswith(("TerraMind", "Sen1Floods11")) for name, entry in table.items() if name not in below
    )


def test_the_measured_part_of_the_table_is_what_the_data_say() -> None:
    data = Path(os.environ.get("SWATH_DATA", "../shared/data"))
    if not (data / "terramind").is_dir():
        pytest.skip(f"needs the TerraMind examples under SWATH_DATA ({data})")
    from demo.measure_statistics import ASSUMED_MARK, measure

    kept = STATISTICS.read_text(encoding="utf-8").split(ASSUMED_MARK)[0]
    assert tomllib.loads(kept) == tomllib.loads(measure(data))


def test_reflectance_and_backscatter_are_physical() -> None:
    for season in range(3):
        tables = palette(season)
        codes = sorted(Cover)
        assert (tables.mean[codes] > 0).all()
        assert (tables.mean[codes] < 1).all()
        vv, vh = tables.power[codes].T
        assert (vv > vh).all()
        assert (vh > 0).all()


def test_streams_differ_by_name_and_seed_only() -> None:
    first = stream(1, "a", 2).random(4)
    np.testing.assert_array_equal(first, stream(1, "a", 2).random(4))
    assert not np.array_equal(first, stream(1, "a", 3).random(4))
    assert not np.array_equal(first, stream(2, "a", 2).random(4))


def test_fractal_noise_has_unit_variance_and_wraps() -> None:
    field = fractal(np.random.default_rng(0), 128, exponent=2.0)
    assert field.mean() == pytest.approx(0, abs=1e-3)
    assert field.std() == pytest.approx(1, abs=1e-3)
    assert abs(field[0] - field[-1]).mean() < 2 * abs(np.diff(field, axis=0)).mean()


def test_shrink_returns_block_means() -> None:
    image = np.arange(16, dtype=np.float32).reshape(4, 4)
    np.testing.assert_allclose(shrink(image, 2), [[2.5, 4.5], [10.5, 12.5]])


def test_coarse_bands_keep_the_mean_and_lose_detail() -> None:
    image = np.random.default_rng(0).random((120, 120), dtype=np.float32)
    coarse = coarsen(image, 6)
    assert coarse.shape == image.shape
    assert coarse.mean() == pytest.approx(image.mean(), rel=0.01)
    assert coarse.std() < 0.3 * image.std()


def test_fields_cover_the_farmland_without_overlap_and_stay_within() -> None:
    area = shapely.box(0, 0, 4000, 3000)
    sketch = Sketch()
    farm(sketch, np.random.default_rng(3), area, wild=shapely.box(0, 0, 800, 800))
    fields = [paint.geometry for paint in sketch.paints if paint.cover in CROPS]
    union = shapely.union_all(fields)
    assert union.area == pytest.approx(sum(field.area for field in fields), rel=1e-6)
    assert area.covers(union)
    assert 0.75 < union.area / (area.area - 800**2) < 1
    assert not shapely.box(100, 100, 700, 700).intersects(union.buffer(-50))


def test_the_same_seed_draws_the_same_land_and_another_seed_another(stage: Any) -> None:
    again = ground(stage.world, column=1, row=1, seed=7)
    for first, second in zip(stage.ground("coast").covers, again.covers, strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(stage.ground("coast").grains[0], again.grains[0])
    rivers = [design(seed).river for seed in (7, 8)]
    assert not rivers[0].equals(rivers[1])


def test_landmarks_lie_in_the_landscape_and_say_what_they_are(stage: Any) -> None:
    square = shapely.box(0, 0, WORLD_M, WORLD_M)
    kinds = {thing.kind for thing in stage.world.landmarks}
    assert {"airport", "harbour", "river", "solar farm", "stadium", "flood", "burnt area", "bridge"} <= kinds
    assert all(thing.outline.intersects(square) for thing in stage.world.landmarks if thing.kind != "forest")
    assert all(thing.caption.strip() == thing.caption != "" for thing in stage.world.landmarks)


def test_cover_fractions_add_up_and_come_largest_first() -> None:
    codes = np.array([[Cover.SEA, Cover.SEA], [Cover.SAND, Cover.SEA]], dtype=np.uint8)
    assert list(fractions(codes).items()) == [("water", 0.75), ("bare", 0.25)]


def test_a_folder_that_is_no_demo_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="no demo archive"):
        generate(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(InputError, match="no demo archive"):
        generate(path)


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="seed must be 0 or more, got -1"):
        generate(tmp_path / "new", seed=-1)
    assert not (tmp_path / "new").exists()


def test_too_little_space_is_said_before_anything_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo._generate.NEEDED_BYTES", 10**18)
    with pytest.raises(StoreError, match="MB free; the demo archive needs"):
        generate(tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot write scene\.tif"):
        write_cog(
            tmp_path / "missing" / "scene.tif",
            np.ones((1, 64, 64), dtype=np.uint8),
            transform=SCENES[0].grid(),
            instant=OPTICAL_TIMES[0],
            names=("SCL",),
            unit="class",
        )
