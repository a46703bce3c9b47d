"""Areas measured on original pixels are those that were painted; what cannot be measured is said."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import box

from retriever.rag import EvidenceTile, Fact, PlannedPlace, QueryPlan, measure
from retriever.rag.measuring._measured import is_measured, tells
from retriever.rag.measuring._measured_kinds import SEPARATED, otsu
from tests.unit.retriever.measured_scenes import (
    BARE,
    BURN,
    FOREST,
    NAIP,
    SNOW,
    WATER,
    Measurable,
    Scene,
    evidence_of,
    ground,
    put,
    rows_of,
    write_scene,
)

SIDE = 100
"""Pixels of a scene's side: a square kilometre."""


def measured(scenes: list[Scene], index: str = "ndwi", **plan: Any) -> dict[str, Fact]:
    tiles = plan.pop("tiles", None) or evidence_of(scenes)
    asked = QueryPlan(question="?", renderings=(f"index:{index}",), **plan)
    return {fact.name: fact for fact in measure(asked, tiles, Measurable(rows=rows_of(tiles)))}


def scene(folder: Path, when: str, spectrum: tuple[int, ...], rows: slice, cols: slice, **more: Any) -> Scene:
    return write_scene(folder, put(ground((SIDE, SIDE), FOREST), rows, cols, spectrum), when, **more)


@pytest.fixture
def river(tmp_path: Path) -> list[Scene]:
    """A strip of water, 0.2 km², that has moved 400 m to the east by the third date."""
    strips = (("2019-01-01T10:00:00", 10), ("2019-06-01T10:00:00", 20), ("2019-12-01T10:00:00", 50))
    return [scene(tmp_path, when, WATER, slice(None), slice(col, col + 20)) for when, col in strips]


def dates(fact: Fact) -> list[tuple[str, float]]:
    return [(each["date"], each["km2"]) for each in fact.value["dates"]]


def test_areas_of_every_date_are_those_painted(river: list[Scene]) -> None:
    found = measured(river)["measured_area"]
    assert found.value["of_km2"] == pytest.approx(1.0, rel=0.01)
    assert [when for when, _ in dates(found)] == ["2019-01-01", "2019-06-01", "2019-12-01"]
    assert [km2 for _, km2 in dates(found)] == pytest.approx([0.2] * 3, rel=0.01)
    assert found.cites == (1, 2, 3)


def test_what_moved_is_lost_here_and_gained_there(river: list[Scene]) -> None:
    found = measured(river)
    change = found["measured_change"].value
    assert (change["lost_km2"], change["gained_km2"], change["both_km2"]) == pytest.approx((0.2, 0.2, 0), abs=0.002)
    assert found["measured_change"].cites == (1, 3)
    shift = found["measured_shift"].value
    assert shift["metres"] == pytest.approx(400, rel=0.01)
    assert shift["azimuth"] == pytest.approx(90, abs=2)
    assert "to the east" in found["measured_shift"].text
    # From the last old column, 29, to the columns 50 to 69: 210 to 400 m; half lie beyond 305.
    assert found["measured_reach"].value["half_m"] == pytest.approx(305, abs=10)


def test_the_largest_pieces_lie_where_they_were_painted(river: list[Scene]) -> None:
    found = measured(river)
    west, _, east, _ = river[0].footprint.bounds
    (lost,), (gained,) = (found[f"measured_{name}_at"].value["pieces"] for name in ("lost", "gained"))
    assert (lost["km2"], gained["km2"]) == pytest.approx((0.2, 0.2), rel=0.01)
    assert west + 0.1 * (east - west) < lost["at"][0] < west + 0.3 * (east - west)
    assert west + 0.5 * (east - west) < gained["at"][0] < west + 0.7 * (east - west)


def test_what_the_edges_of_pixels_make_is_no_news(tmp_path: Path) -> None:
    lake = scene(tmp_path, "2019-01-01T10:00:00", WATER, slice(0, 60), slice(0, 60))
    later = scene(tmp_path, "2019-06-01T10:00:00", WATER, slice(0, 60), slice(0, 61))
    found = measured([lake, later])
    assert found["measured_change"].value["gained_km2"] == pytest.approx(0.006, rel=0.01)
    assert {"measured_gained_at", "measured_lost_at", "measured_reach", "measured_shift"}.isdisjoint(found)


def test_least_and_most_are_named_unless_they_are_alike(tmp_path: Path, river: list[Scene]) -> None:
    assert {"measured_least", "measured_most"}.isdisjoint(measured(river))
    assert "hardly changed" in measured(river)["measured_steady"].text
    flooded = scene(tmp_path, "2019-03-01T10:00:00", WATER, slice(None), slice(0, 60))
    dry = scene(tmp_path, "2019-09-01T10:00:00", WATER, slice(0, 10), slice(0, 10))
    found = measured([*river, flooded, dry])
    assert "on 2019-09-01: 0.01 km², 1.0 % of the area" in found["measured_least"].text
    assert found["measured_least"].cites == (5,)
    assert found["measured_most"].cites == (4,)


def test_a_place_bounds_what_is_measured(river: list[Scene]) -> None:
    west, south, east, north = river[0].footprint.bounds
    western = box(west - 1, south - 1, (west + east) / 2, north + 1)
    place = PlannedPlace(name="the west", geometry=western, source="user")
    found = measured(river, place=place)["measured_area"]
    assert found.value["of_km2"] == pytest.approx(0.5, rel=0.02)
    assert [km2 for _, km2 in dates(found)] == pytest.approx([0.2, 0.2, 0.0], abs=0.005)


def test_degrees_are_measured_on_the_ellipsoid(tmp_path: Path) -> None:
    pixels = put(ground((SIDE, SIDE), FOREST), slice(None), slice(0, 50), WATER)
    made = write_scene(tmp_path, pixels, "2019-01-01T10:00:00", origin=(10.0, 60.0), crs="EPSG:4326", step=0.0001)
    found = measured([made])["measured_area"]
    # A hundredth of a degree at 60 N: 1.114 km along the meridian, 0.558 km along the parallel.
    assert found.value["of_km2"] == pytest.approx(1.1141 * 0.5580, rel=0.002)
    assert found.value["dates"][0]["share"] == pytest.approx(0.5)


def test_only_the_ground_that_every_date_shows_counts(tmp_path: Path) -> None:
    first = scene(tmp_path, "2019-01-01T10:00:00", WATER, slice(None), slice(0, 50))
    shifted = scene(
        tmp_path, "2019-02-01T10:00:00", WATER, slice(None), slice(0, 40), origin=(500_100.0, 5_000_000.0)
    )  # ten pixels further east: its water covers the same ground
    found = measured([first, shifted])
    assert found["measured_area"].value["of_km2"] == pytest.approx(0.9, rel=0.01)
    assert [km2 for _, km2 in dates(found["measured_area"])] == pytest.approx([0.4, 0.4], rel=0.01)
    assert found["measured_change"].value["lost_km2"] == pytest.approx(0, abs=0.002)


def test_pixels_without_data_are_not_land(tmp_path: Path) -> None:
    pixels = put(ground((SIDE, SIDE), FOREST), slice(None), slice(0, 25), WATER)
    pixels[:, :, 50:] = 0
    found = measured([write_scene(tmp_path, pixels, "2019-01-01T10:00:00")])["measured_area"]
    assert found.value["dates"][0]["share"] == pytest.approx(0.5)


def test_two_periods_are_set_against_each_other(river: list[Scene]) -> None:
    tiles = tuple(
        EvidenceTile(number=t.number, record=t.record, sought=None, period=p, score=None, probability=None)
        for t, p in zip(evidence_of(river), (0, 1, None), strict=True)
    )
    periods = ((river[0].when, river[0].when), (river[1].when, river[1].when))
    found = measured(river, tiles=tiles, periods=periods)["measured_change"]
    assert (found.value["from"], found.value["to"]) == ("2019-01-01", "2019-06-01")


@pytest.mark.parametrize(
    ("index", "spectrum", "noun"), [("ndsi", SNOW, "snow or ice"), ("ndvi", FOREST, "dense vegetation")]
)
def test_other_indices_measure_their_own(tmp_path: Path, index: str, spectrum: tuple[int, ...], noun: str) -> None:
    pixels = put(ground((SIDE, SIDE), BARE), slice(None), slice(0, 30), spectrum)
    put(pixels, slice(None), slice(90, 100), WATER)  # has the NDSI of snow, but not its near infrared
    found = measured([write_scene(tmp_path, pixels, "2019-01-01T10:00:00")], index)["measured_area"]
    assert found.value["of"] == noun
    assert found.value["dates"][0]["share"] == pytest.approx(0.3)


def test_burnt_ground_is_a_fall_since_the_first_date(tmp_path: Path) -> None:
    before = scene(tmp_path, "2019-06-01T10:00:00", FOREST, slice(0, 1), slice(0, 1))
    after = scene(tmp_path, "2019-09-01T10:00:00", BURN, slice(0, 40), slice(0, 50))
    found = measured([before, after], "nbr")
    assert found["measured_change"].value["burnt_km2"] == pytest.approx(0.2, rel=0.01)
    assert "measured_area" not in found


def naip(folder: Path, when: str, wet: slice, *, gain: float = 1.0) -> Scene:
    """Raw numbers with noise, under an exposure of their own."""
    rng = np.random.default_rng(int(when[:4]))
    water, land = (60, 80, 90, 35), (120, 110, 100, 170)
    pixels = put(ground((SIDE, SIDE), land), slice(None), wet, water)
    noisy = np.clip(pixels * gain + rng.normal(0, 4, pixels.shape), 1, 255).astype(np.uint8)
    return write_scene(folder, noisy, when, sensor=NAIP)


def test_raw_numbers_are_parted_on_each_date_and_called_indicative(tmp_path: Path) -> None:
    found = measured([naip(tmp_path, "2009-08-18", slice(0, 20)), naip(tmp_path, "2010-06-29", slice(0, 30), gain=0.6)])
    assert [km2 for _, km2 in dates(found["measured_area"])] == pytest.approx([0.2, 0.3], rel=0.03)
    how = found["measured_how"]
    assert how.value["raw"] is True
    assert "raw numbers" in how.text
    assert "indicative" in how.text
    assert how.value["limits"]["2010-06-29"] < how.value["limits"]["2009-08-18"]


def test_no_water_is_invented_where_none_separates(tmp_path: Path) -> None:
    found = measured([naip(tmp_path, "2009-08-18", slice(0, 0))])
    assert "measured_area" not in found
    assert "no water separates" in found["measured_missing"].text


def test_dark_ground_is_not_taken_for_water(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pixels = put(ground((SIDE, SIDE), (90, 80, 70, 170)), slice(None), slice(0, 30), (60, 25, 20, 50))  # NDWI falls
    noisy = np.clip(pixels + rng.normal(0, 3, pixels.shape), 1, 255).astype(np.uint8)
    found = measured([write_scene(tmp_path, noisy, "2009-08-18", sensor=NAIP)])
    assert set(found) == {"measured_missing"}


@pytest.mark.parametrize("index", ["ndvi"])
def test_published_thresholds_are_not_applied_to_raw_numbers(tmp_path: Path, index: str) -> None:
    found = measured([naip(tmp_path, "2009-08-18", slice(0, 20))], index)
    assert set(found) == {"measured_missing"}
    assert "raw numbers" in found["measured_missing"].text


def test_clouded_and_lost_dates_are_missed_aloud(tmp_path: Path, river: list[Scene]) -> None:
    clouded = scene(tmp_path, "2019-07-01T10:00:00", WATER, slice(None), slice(0, 20), cloud=0.6)
    gone = scene(tmp_path, "2019-08-01T10:00:00", WATER, slice(None), slice(0, 20))
    gone.path.unlink()
    tiles = evidence_of([*river, clouded, gone])
    facts = measure(QueryPlan(question="?", renderings=("index:ndwi",)), tiles, Measurable(rows=rows_of(tiles)))
    said = [fact for fact in facts if fact.name == "measured_missing"]
    assert [fact.cites for fact in said] == [(4,), (5,)]
    assert "60% cloud" in said[0].text
    assert "cannot be opened" in said[1].text
    assert not any(str(tmp_path) in fact.text for fact in said)


def test_nothing_is_measured_without_an_index(river: list[Scene]) -> None:
    tiles = evidence_of(river)
    plan = QueryPlan(question="?", renderings=("true-color",))
    assert measure(plan, tiles, Measurable(rows=rows_of(tiles))) == ()


def test_a_scene_without_the_bands_is_missed_aloud(tmp_path: Path) -> None:
    pixels = ground((SIDE, SIDE), FOREST)[:3]
    found = measured([write_scene(tmp_path, pixels, "2019-01-01T10:00:00")])
    assert set(found) == {"measured_missing"}
    assert "no bands" in found["measured_missing"].text


def test_radar_does_not_take_the_place_of_what_can_be_measured(tmp_path: Path, river: list[Scene]) -> None:
    radar = ("sentinel-1-rtc", "db", ("VV", "VH"))
    pixels = np.full((2, SIDE, SIDE), 9, np.uint16)
    seen = [write_scene(tmp_path, pixels, f"2019-0{month}-02T10:00:00", sensor=radar) for month in range(1, 6)]
    tiles = evidence_of([*seen, *river])
    facts = measure(QueryPlan(question="?", renderings=("index:ndwi",)), tiles, Measurable(rows=rows_of(tiles)))
    said = [fact for fact in facts if fact.name == "measured_missing"]
    assert [fact.cites for fact in said] == [(1, 2, 3, 4, 5)]
    assert "sentinel-1-rtc" in said[0].text
    assert next(fact for fact in facts if fact.name == "measured_area").cites == (6, 7, 8)


def test_an_area_that_was_set_bounds_what_is_measured(river: list[Scene]) -> None:
    tiles = evidence_of(river)
    west, south, east, north = river[0].footprint.bounds
    half = box(west, south, (west + east) / 2, north)
    everywhere = PlannedPlace(name="here", geometry=river[0].footprint, source="knowledge")
    plan = QueryPlan(question="?", renderings=("index:ndwi",), place=everywhere)
    facts = {fact.name: fact for fact in measure(plan, tiles, Measurable(rows=rows_of(tiles)), area=half)}
    assert facts["measured_area"].value["of_km2"] == pytest.approx(0.5, rel=0.02)
    assert [km2 for _, km2 in dates(facts["measured_area"])] == pytest.approx([0.2, 0.2, 0.0], abs=0.01)


def test_what_is_not_measured_for_want_of_room_or_of_a_place_is_said(tmp_path: Path) -> None:
    apart = [
        scene(
            tmp_path, "2019-01-01T10:00:00", WATER, slice(None), slice(0, 20), origin=(500_000 + 9_000 * n, 5_000_000)
        )
        for n in range(5)
    ]
    tiles = evidence_of(apart)
    undated = replace(tiles[4], record=replace(tiles[4].record, datetime=None))
    plan = QueryPlan(question="?", renderings=("index:ndwi",))
    facts = measure(plan, (*tiles[:4], undated), Measurable(rows=rows_of(tiles)))
    assert len([fact for fact in facts if fact.name == "measured_area"]) == 3
    further, nowhere = (fact for fact in facts if fact.name == "measured_missing")
    assert "was not measured: 3 places at most are." in further.text
    assert further.cites == tuple({1, 2, 3, 4} - {n for f in facts if f.name == "measured_area" for n in f.cites})
    assert "Tiles without a date or a place" in nowhere.text
    assert nowhere.cites == (5,)


def test_a_share_of_less_than_the_whole_says_of_how_much(tmp_path: Path) -> None:
    def without_data(when: str, cols: slice) -> Scene:
        pixels = put(ground((SIDE, SIDE), FOREST), slice(None), slice(0, 20), WATER)
        pixels[:, :, cols] = 0
        return write_scene(tmp_path, pixels, when)

    whole, half = without_data("2019-01-01", slice(0, 0)), without_data("2019-02-01", slice(50, None))
    text = measured([whole, half])["measured_area"].text
    assert "(20.0 %) on 2019-01-01" in text
    assert "(40.0 % of the 0.5 km² with data) on 2019-02-01" in text
    # A date of which nothing is known had no water that could be least.
    west, south, east, north = whole.footprint.bounds
    here = PlannedPlace(name="west", geometry=box(west, south, (west + east) / 2, north), source="user")
    found = measured([whole, without_data("2019-03-01", slice(0, 60))], place=here)
    assert [when for when, _ in dates(found["measured_area"])] == ["2019-01-01"]
    assert "was not measured for 2019-03-01: no pixel there holds data" in found["measured_missing"].text


def test_files_of_other_bands_are_told_by_their_own_rule(tmp_path: Path) -> None:
    pixels = put(ground((SIDE, SIDE), FOREST), slice(None), slice(0, 20), WATER)
    full = write_scene(tmp_path, pixels, "2019-01-01")
    fewer = write_scene(tmp_path, pixels[:4], "2019-02-01")
    how = measured([full, fewer])["measured_how"].text
    assert re.search(r"told on 2019-01-01 where MNDWI .*; on 2019-02-01 where NDWI ", how)
    # Both on one day: told by the bands that both have.
    also = write_scene(tmp_path, pixels[:4], "2019-01-01")
    found = measured([full, also])
    assert [km2 for _, km2 in dates(found["measured_area"])] == pytest.approx([0.2], rel=0.01)
    assert "MNDWI" not in found["measured_how"].text


def test_snow_is_not_taken_for_open_water(tmp_path: Path) -> None:
    pixels = put(ground((SIDE, SIDE), SNOW), slice(None), slice(0, 20), WATER)
    found = measured([write_scene(tmp_path, pixels, "2019-01-01")])
    assert found["measured_area"].value["dates"][0]["share"] == pytest.approx(0.2, abs=0.001)
    assert "snow left out, which is above 0.4 with near infrared above 0.11" in found["measured_how"].text


def test_clouds_that_are_measured_over_are_said(tmp_path: Path) -> None:
    clear, hazy = (
        scene(tmp_path, when, WATER, slice(None), slice(0, 20), cloud=cloud)
        for when, cloud in (("2019-01-01", 0.0), ("2019-02-01", 0.09))
    )
    said = measured([clear, hazy])["measured_cloud"]
    assert said.text.endswith("may hide open water or pass for it: they covered 9.0 % on 2019-02-01.")
    assert said.cites == (2,)
    assert "measured_cloud" not in measured([clear])


def test_of_several_places_every_sentence_says_which(tmp_path: Path) -> None:
    tiles = evidence_of(
        [
            scene(tmp_path, when, WATER, slice(None), slice(0, wide), origin=(500_000 + east, 5_000_000))
            for east in (0, 20_000)
            for when, wide in (("2019-01-01", 20), ("2019-02-01", 30), ("2019-03-01", 40))
        ]
    )
    facts = measure(QueryPlan(question="?", renderings=("index:ndwi",)), tiles, Measurable(rows=rows_of(tiles)))
    for name in ("measured_area", "measured_change", "measured_least", "measured_most"):
        texts = [fact.text for fact in facts if fact.name == name]
        assert [text.count("around 45.15° N, 9.01° E") for text in texts].count(1) == 1, texts
        assert [text.count("around 45.15° N, 9.26° E") for text in texts].count(1) == 1, texts


def test_the_rule_for_snow_reads_as_a_sentence(tmp_path: Path) -> None:
    how = measured([scene(tmp_path, "2019-01-01", SNOW, slice(None), slice(0, 20))], "ndsi")["measured_how"].text
    assert "is above 0.4 (Hall et al. 1995" in how
    assert ") and near infrared above 0.11, which leaves out water. It was measured" in how


def test_otsu_parts_two_groups_and_says_how_well() -> None:
    rng = np.random.default_rng(0)
    two = np.concatenate([rng.normal(0, 1, 3000), rng.normal(10, 1, 1000)])
    limit, apart = otsu(two)
    assert 3 < limit < 7
    assert apart > 0.9
    assert otsu(rng.normal(0, 1, 4000))[1] < SEPARATED
    assert otsu(rng.uniform(0, 1, 4000))[1] == pytest.approx(0.75, abs=0.01)
    assert otsu(np.zeros(10))[1] == 0.0


@pytest.mark.parametrize(
    ("sought", "named", "carried"),
    [
        (("open water",), False, True),
        (("river",), False, False),
        (("river",), True, True),
        (("dry land", "wetlands"), True, True),
        (("harbour",), True, False),
        (("open water", "ship"), True, False),
        ((), True, True),
        ((), False, False),
    ],
)
def test_an_answer_rests_on_pixels_only_where_they_are_what_is_sought(
    sought: tuple[str, ...], named: bool, carried: bool
) -> None:
    place = PlannedPlace(name="here", geometry=box(0, 0, 1, 1), source="user") if named else None
    assert is_measured(QueryPlan(question="?", sought=sought, place=place, renderings=("index:ndwi",))) is carried
    assert not is_measured(QueryPlan(question="?", sought=sought, place=place))


def test_measuring_none_of_it_tells_nothing(tmp_path: Path, river: list[Scene]) -> None:
    dry = [scene(tmp_path, when, BARE, slice(0, 9), slice(0, 9)) for when in ("2019-01-01", "2019-02-01")]
    assert tells(measured(river).values())
    assert not tells(measured(dry).values())
