"""What the rules make of questions: one table a field, then what is odd or hostile."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import shapely
from shapely.geometry import Point, box

from core import QueryError
from retriever.rag import NO_PLACES, KnowsPlaces, QueryPlan, World, parse_plan, plan_document, plan_question
from tests.unit.retriever.planning_world import WORLD, spans


def plan(question: str) -> QueryPlan:
    return plan_question(question, WORLD)


@pytest.mark.parametrize(
    ("question", "shape", "sought"),
    [
        ("Which harbours on this coast were flooded after the March storm, and how do you know?", "describe",
         ["flooded harbours"]),
        ("How did the river move between 1985 and 2020?", "change", ["river"]),
        ("Which years were the wetlands dry?", "when", ["dry wetlands"]),
        ("How many ships are there in Rotterdam in summer 2018?", "count", ["ships"]),
        ("Is there more water in 2010 than in 2020 at 48.85, 2.35?", "compare", ["water"]),
        ("Show me solar panels next to a road without clouds", "describe", ["solar panels next to a road"]),
        ("When was the dam first seen within 20 km of 45.5, 10.7?", "when", ["dam"]),
        ("Where can I find vineyards with less than 10 % cloud?", "where", ["vineyards"]),
        ("Are there any ships in Atlantis?", "presence", ["ships"]),
        ("Did the city grow from 1990 to 2020?", "change", ["city"]),
        ("Which is larger, the lake or the wetland?", "compare", ["lake", "wetland"]),
        ("more forest or more fields between 10 and 12 E and 45 and 46 N?", "compare", ["forest", "fields"]),
        ("Was the airport flooded in March 2019?", "presence", ["flooded airport"]),
        ("Since when has there been a quarry near Foobar?", "when", ["quarry"]),
        ("Where did the forest burn in 2017?", "where", ["burnt forest"]),
        ("how much of the forest was lost between 2000 and 2010", "change", ["forest"]),
        ("snow and ice versus bare rock in the 1990s", "compare", ["snow and ice", "bare rock"]),
        ("red and white roofs between a road and a river", "describe",
         ["red and white roofs between a road and a river"]),
        ("Identify vineyards, orchards and olive groves in Landsat imagery from the nineties", "describe",
         ["vineyards", "orchards", "olive groves"]),
        ("List harbours with cranes and containers", "describe", ["harbours with cranes and containers"]),
        ("What happened to the reservoir since 2015?", "change", ["reservoir"]),
        ("Is Lake Garda frozen in winter 2012?", "presence", ["frozen lake"]),
        ("What is there at 51.9, 4.5?", "describe", []),
        ("How many tiles do you have from 2019?", "count", []),
        ("What kinds of crops grow near the Ucayali River?", "describe", ["crops"]),
        ("What is the difference between a marina and a harbour?", "compare", ["marina", "harbour"]),
        ("Hello, I am a teacher; could you show my class some glaciers, please?", "describe", ["glaciers"]),
        ("Which is greener, Rotterdam or Uluru?", "compare", ["green vegetation"]),
        ("Quick question: did the reservoir fill up again after 2018?", "change", ["reservoir"]),
        ("Show burned areas larger than a football field", "describe", ["burned areas"]),
        ("Are the storage tanks at 51.95, 4.14 full or empty?", "compare",
         ["full storage tanks", "empty storage tanks"]),
        ("Has the mine expanded, and if so, by how much?", "change", ["mine"]),
        ("Could you please map deforested land from the dry season 2019?", "describe", ["deforested land"]),
        ("Not only ships but also cranes", "describe", ["ships", "cranes"]),
        ("CLC 311 near Rotterdam", "describe", ["clc 311"]),
        ("Which harbours are there?", "describe", ["harbours"]),
        ("What lakes were there near Rotterdam?", "describe", ["lakes"]),
        ("Are there any lakes or rivers?", "presence", ["lakes", "rivers"]),
        ("Can you see any golf courses or stadiums?", "presence", ["golf courses", "stadiums"]),
        ("Is there a lake or a river at 46.1, -20.8?", "compare", ["lake", "river"]),
        ("What changed at the coast since 2020?", "change", ["coast"]),
        ("What happened along the river in 2015?", "change", ["river"]),
        ("Which harbours are there next to a road?", "describe", ["harbours next to a road"]),
        ("What is the Area of the Lake?", "describe", ["lake"]),
        ("Wheres the harbour", "where", ["harbour"]),
        ("Any changes since 2020?", "change", []),
        ("Is it possible to see the airport?", "describe", ["airport"]),
        ("What proportion of the area is forest?", "count", ["forest"]),
        ("tiles similar to a harbour", "describe", ["harbour"]),
        ("Does the archive contain deserts?", "presence", ["deserts"]),
        ("Does your index have any pictures of glaciers?", "presence", ["glaciers"]),
        ("What colour is the lake?", "describe", ["lake"]),
        ("Which bridges exist along the river?", "describe", ["bridges along river"]),
        ("Which fields are dry in July 2021 but green in April 2021?", "describe", ["dry fields", "green fields"]),
        ("What is the newest image of the harbour?", "when", ["harbour"]),
        ("POINT(-20.78 46.08) harbour", "describe", ["harbour"]),
    ],
)  # fmt: skip
def test_shape_and_what_is_sought(question: str, shape: str, sought: list[str]) -> None:
    read = plan(question)
    assert (read.shape, list(read.sought)) == (shape, sought)
    assert read.question == question
    assert read.made_by == "rules"


@pytest.mark.parametrize(
    ("question", "sought", "without"),
    [
        ("Harbours without ships near Rotterdam", ["harbours"], ["ships"]),
        ("Forest but no roads", ["forest"], ["roads"]),
        ("villages not near water", ["villages"], ["water"]),
        ("Fields that are not flooded", ["fields"], ["flooded fields"]),
        ("fields without clouds or ships", ["fields"], ["ships"]),
        ("areas free of clouds and ships", [], ["ships"]),
        ("fields without clouds and with ships", ["fields", "ships"], []),
        ("fields with neither clouds nor ships", ["fields"], ["ships"]),
        ("golf courses except near the coast", ["golf courses"], ["coast"]),
        ("Which harbours have no ships?", ["harbours"], ["ships"]),
        ("Give me a list of quarries, excluding those near a road", ["quarries"], ["road"]),
        ("no clouds, no snow, mountains in winter 2015/16", ["mountains"], ["snow"]),
        ("snow-free mountains", ["mountains"], ["snow"]),
        ("houses close to a river, not flooded", ["houses close to a river"], ["flooded houses"]),
        ("Isn't there a bridge?", ["bridge"], []),
        ("Beaches without people or cars, with less than 20% cloud cover", ["beaches"], ["people", "cars"]),
    ],
)
def test_what_must_not_show(question: str, sought: list[str], without: list[str]) -> None:
    read = plan(question)
    assert (list(read.sought), list(read.without)) == (sought, without)


@pytest.mark.parametrize(
    ("question", "periods"),
    [
        ("ships in 2015", ["2015-01-01/2015-12-31"]),
        ("how did it move between 1985 and 2020", ["1985-01-01/2020-12-31"]),
        ("ships since 2015", ["2015-01-01/.."]),
        ("ships before 2015", ["../2014-12-31"]),
        ("ships until March 2019", ["../2019-03-31"]),
        ("ships after May 2019", ["2019-06-01/.."]),
        ("ships in the 1990s", ["1990-01-01/1999-12-31"]),
        ("ships in the early 90s", ["1990-01-01/1993-12-31"]),
        ("ships last year", ["2023-01-01/2023-12-31"]),
        ("ships in the last five years", ["2019-05-17/2024-05-17"]),
        ("compare 2015 and 2020", ["2015-01-01/2015-12-31", "2020-01-01/2020-12-31"]),
        ("forest in 2015, 2017 and 2019", ["2015-01-01/2015-12-31", "2017-01-01/2017-12-31", "2019-01-01/2019-12-31"]),
        ("from June to August 2019", ["2019-06-01/2019-08-31"]),
        ("between 3 and 10 May 2017", ["2017-05-03/2017-05-10"]),
        ("on May 3rd, 2017", ["2017-05-03/2017-05-03"]),
        ("03.05.2017", ["2017-05-03/2017-05-03"]),
        ("2019-06-01/2019-08-31", ["2019-06-01/2019-08-31"]),
        ("the first half of 2019", ["2019-01-01/2019-06-30"]),
        ("Q3 2020", ["2020-07-01/2020-09-30"]),
        ("winter 2018/19", ["2018-12-01/2019-02-28"]),
        ("summer 2018 near Uluru", ["2018-12-01/2019-02-28"]),
        ("in the summers of 2016 to 2017", ["2016-06-01/2016-08-31", "2017-06-01/2017-08-31"]),
        ("June 2018 and 2019", ["2018-06-01/2018-06-30", "2019-06-01/2019-06-30"]),
        ("before and after 2015", ["../2014-12-31", "2016-01-01/.."]),
        ("after 2010 and before 2015", ["2011-01-01/2014-12-31"]),
        ("2015 to 2020 but not 2017", ["2015-01-01/2016-12-31", "2018-01-01/2020-12-31"]),
        ("fields in 2021 but not in July", ["2021-01-01/2021-06-30", "2021-08-01/2021-12-31"]),
        ("harbours in 2021 except summer", ["2021-01-01/2021-05-31", "2021-09-01/2021-12-31"]),
        ("ships in summer 2019 but not in August", ["2019-06-01/2019-07-31"]),
        ("flooded in July but not in April 2021", ["2021-07-01/2021-07-31"]),
        ("what changed at the coast since October", ["2021-10-01/.."]),
        ("ships before February", ["../2022-01-31"]),
        ("fields in 2021 before July", ["2021-01-01/2021-06-30"]),
        ("ships after November 2020 and before March", ["2020-12-01/2021-02-28"]),
        ("lakes in April and how many in July 2021", ["2021-04-01/2021-04-30", "2021-07-01/2021-07-31"]),
        ("ships in July 2021 on the river", ["2021-07-01/2021-07-31"]),
        ("ships from July 2021 on", ["2021-07-01/.."]),
        ("flooded after the March 2019 storm", ["2019-03-01/.."]),
        ("the difference between 2015 and 2020", ["2015-01-01/2015-12-31", "2020-01-01/2020-12-31"]),
        ("the 90s compared to now", ["1990-01-01/1999-12-31", "2023-05-17/2024-05-17"]),
        ("from 2015 to now", ["2015-01-01/2024-05-17"]),
        ("floods in the rainy season of 2015", ["2015-01-01/2015-12-31"]),
        ("may there be more than 2000 ships in a march", []),
    ],
)
def test_periods(question: str, periods: list[str]) -> None:
    assert plan(question).periods == spans(*periods)


def test_a_season_of_no_year_is_that_of_every_year_of_the_index() -> None:
    found = plan("the glacier in summer")
    assert len(found.periods) == 37
    assert found.periods[-1] == spans("2021-06-01/2021-08-31")[0]
    assert any("No year was named" in note for note in found.notes)
    assert any("northern hemisphere" in note for note in found.notes)


def test_a_period_outside_the_index_is_said() -> None:
    assert any("1985-03-01 to 2022-03-01" in note for note in plan("ships in 2023").notes)


@pytest.mark.parametrize("question", ["ships not in winter", "ships in summer", "ships since March"])
def test_without_known_dates_a_season_is_not_used_and_that_is_said(question: str) -> None:
    read = plan_question(question, replace(WORLD, first=None, last=None))
    assert (read.sought, read.periods) == (("ships",), ())
    assert any("not used: the dates of the index are not known" in note for note in read.notes)


def test_a_month_left_out_of_very_many_years_is_refused_in_a_moment() -> None:
    ages = replace(WORLD, first=datetime(1, 1, 1, tzinfo=UTC))
    started = time.process_time()
    with pytest.raises(QueryError, match="at most 60 are read"):
        plan_question("fields " + "not in July, " * 150, ages)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("question", ["ice near 90, 0", "ice near -90, 0", "ice within 10 km of 89.99, 45"])
def test_the_surroundings_of_a_pole_are_a_cap(question: str) -> None:
    place = plan(question).place
    assert place is not None
    west, south, east, north = place.geometry.bounds
    assert (west, east) == (-180, 180)
    assert max(-south, north) == 90
    assert north - south == pytest.approx(0.09, abs=0.011)


def test_what_was_understood_of_a_date_without_a_year_is_said() -> None:
    assert any('"october" was read as that of 2021' in note for note in plan("ships since October").notes)
    assert any('"january" was read as that of 2022' in note for note in plan("ships before January").notes)
    lost = plan("fields flooded in July 2021 but not in April 2021")
    assert any("2021-04-01 to 2021-04-30 changes nothing" in note for note in lost.notes)


@pytest.mark.parametrize(
    "question",
    [
        "ships at 48.85, 2.35", "48°51'N 2°21'E", "lat 48.85 lon 2.35", "2.35E 48.85N", "N48.85 E2.35",
        "lon/lat 2.35, 48.85", "2.35 48.85 (lon lat)",
        "POINT(2.35 48.85)", "at 48.85 degrees north, 2.35 degrees east", "(48.85,2.35)",
        "48 51 0 N, 2 21 0 E",
    ],
)  # fmt: skip
def test_one_point_in_many_spellings(question: str) -> None:
    place = plan(question).place
    assert place is not None
    assert place.source == "coordinates"
    assert place.geometry.centroid.distance(Point(2.35, 48.85)) < 0.001


@pytest.mark.parametrize(
    ("question", "bounds"),
    [
        ("between 10 and 12 E and 45 and 46 N", (10, 45, 12, 46)),
        ("ships 10-12°E, 45-46°N", (10, 45, 12, 46)),
        ("latitudes -10 to -5 and longitudes 110 to 115", (110, -10, 115, -5)),
        ("in the box 10,45,12,46", (10, 45, 12, 46)),
        ("in the box from 45N 10E to 46N 12E", (10, 45, 12, 46)),
        ("between 75 and 74 W and 9 and 8 S", (-75, -9, -74, -8)),
        ("glaciers north of 60 N", (-180, 60, 180, 90)),
        ("forest south of the equator", (-180, -90, 180, 0)),
    ],
)
def test_boxes_and_bands(question: str, bounds: tuple[float, float, float, float]) -> None:
    place = plan(question).place
    assert place is not None
    assert place.geometry.equals(box(*bounds))


def test_a_box_across_the_antimeridian_is_cut_there() -> None:
    place = plan("islands between 170 E and 170 W and 10 and 20 S").place
    assert place is not None
    parts = shapely.get_parts(place.geometry)
    assert sorted(part.bounds for part in parts) == [(-180, -20, -170, -10), (170, -20, 180, -10)]


@pytest.mark.parametrize(
    ("question", "km"),
    [
        ("ships within 20 km of 45.5, 10.7", 20),
        ("ships at 45.5, 10.7 within a radius of 5 miles", 8.05),
        ("ships in a 500 m radius around 45.5, 10.7", 0.5),
        ("ships near 45.5, 10.7", 10),
        ("ships at 45.5, 10.7", 1),
    ],
)
def test_how_far_from_a_point(question: str, km: float) -> None:
    place = plan(question).place
    assert place is not None
    assert (place.geometry.bounds[3] - 45.5) * 111.195 == pytest.approx(km, rel=0.01)


def test_places_of_the_knowledge_table() -> None:
    lake, near = plan("ice on Lake Garda").place, plan("ice within 20 km of Lake Garda").place
    assert lake is not None
    assert near is not None
    assert (lake.name, lake.source, lake.passage_id) == ("Lake Garda", "knowledge", "p:Lake Garda")
    assert lake.geometry.equals(box(10.5, 45.4, 10.9, 45.9))
    assert near.geometry.bounds[3] == pytest.approx(45.9 + 20 / 111.195, abs=0.001)


def test_a_place_can_be_what_is_left_out() -> None:
    place = plan("Find me harbours that are not in Rotterdam").place
    assert place is not None
    assert place.name == "outside Rotterdam"
    assert not place.geometry.intersects(Point(4.48, 51.92))
    assert place.geometry.intersects(Point(5.5, 51.92))
    assert plan("harbours not in Rotterdam").sought == ("harbours",)


def test_what_is_not_measured_about_a_place_is_said() -> None:
    assert any("upstream of" in note for note in plan("Is there a dam upstream of Rotterdam?").notes)
    assert any("was read as longitude" in note for note in plan("ships at 151.2, -33.9").notes)


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("Are there any ships in Atlantis?", "Atlantis"),
        ("a quarry near Foobar", "Foobar"),
        ("Show me Berlin in 2020", "Berlin"),
        ("floods around the city of zubrowka", "zubrowka"),
        ("ships in summer 2018", None),
        ("fields in false colour", None),
        ("forest in the images", None),
        ("houses near Water", None),
        ("Ships in Atlantis at 45.5, 10.7", None),
    ],
)
def test_names_that_nothing_knows(question: str, unknown: str | None) -> None:
    assert plan(question).unknown_place == unknown


@pytest.mark.parametrize(
    ("question", "sensors"),
    [
        ("Sentinel-2 images of ships", ["sentinel-2-l2a"]),
        ("ships in S1 data", ["sentinel-1-rtc"]),
        ("flooded roads, radar only", ["sentinel-1-rtc"]),
        ("Landsat 8 scenes of lakes", ["landsat-c2-l2"]),
        ("lakes in Landsat", ["landsat-c2-l2", "landsat-c2-l2-tm"]),
        ("aerial photos of pools", ["naip"]),
        ("optical images of pools", ["landsat-c2-l2", "landsat-c2-l2-tm", "naip", "sentinel-2-l2a"]),
        ("airports but not in naip", ["landsat-c2-l2", "landsat-c2-l2-tm", "sentinel-1-rtc", "sentinel-2-l2a"]),
        ("a radar station near a road", []),
        ("MODIS images of snow", []),
    ],
)
def test_sensors(question: str, sensors: list[str]) -> None:
    assert list(plan(question).sensors) == sensors


def test_a_sensor_the_index_lacks_is_said() -> None:
    assert plan("MODIS images of snow").missing_sensors == ("MODIS",)
    assert plan("MODIS or Landsat images of snow").missing_sensors == ()


def test_collections_count_where_they_are_called_so() -> None:
    assert plan("ships in the storm-2019 collection").collections == ("storm-2019",)
    assert plan("naip images of pools").collections == ()


@pytest.mark.parametrize(
    ("question", "cloud"),
    [
        ("cloud-free ships", 5), ("ships with less than 10 % cloud", 10), ("ships, cloud cover below 15 percent", 15),
        ("clear skies over the lake", 5), ("ships with few clouds", 20), ("fields that have never been cloudy", 5),
        ("clouds over the sea", None),
        ("more than 50 % cloud", None),
    ],
)  # fmt: skip
def test_clouds(question: str, cloud: float | None) -> None:
    assert plan(question).max_cloud == cloud


@pytest.mark.parametrize(
    ("question", "renderings"),
    [
        ("flooded harbours", ["index:ndwi"]),
        ("burnt forest", ["index:nbr", "index:ndvi"]),
        ("snow", ["index:ndsi"]),
        ("ships in false colour", ["false-color"]),
        ("flooded fields in radar images", ["sar"]),
        ("burnt forest in naip", ["index:ndvi"]),
        ("open water without ice", ["index:ndwi", "index:ndsi"]),
        ("solar farms", []),
        ("ships", []),
    ],
)
def test_renderings_are_ones_that_the_sensors_have(question: str, renderings: list[str]) -> None:
    assert list(plan(question).renderings) == renderings


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ("", "empty|no words"),
        ("?!", "no words"),
        ("x" * 2001, "2,001 characters; at most 2,000"),
        ("ships on 31 February 2019", "February 2019 has 28 days"),
        ("ships at 95.2, 200.1", "latitude is -90 to 90"),
        ("ships after 2020 and before 2010", "nothing is both after 2020-12-31 and before 2010-01-01"),
        ("ships within 90000 km of 48.85, 2.35", "at most 5,000 km"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_work(question: str, hint: str) -> None:
    with pytest.raises(QueryError, match=hint):
        plan(question)


@pytest.mark.parametrize(
    "unit",
    ["1", "a ", "1.1 ", "1.1 1( ", "not ", "without ", "between 1 and ", "2015-", "cloud ", "less than ", "Aa de la ",
     "1°1'", "within 1 km of ", "before and after ", ", ", "which is more ", "areas where ", "\x00", "\u202e", "İ"],
)  # fmt: skip
def test_hostile_text_is_read_in_a_moment_and_makes_a_plan_or_a_clear_refusal(unit: str) -> None:
    started = time.process_time()
    try:
        made = plan((unit * 2000)[:2000])
    except QueryError as error:
        assert len(str(error)) < 400  # noqa: PT017  # either outcome is right
    else:
        assert parse_plan(json.loads(json.dumps(plan_document(made)))).sought == made.sought
    assert time.process_time() - started < 2  # 0.25 s was the longest on one core


def test_an_empty_world_still_plans() -> None:
    nowhere = World(sensors=(), collections=(), first=None, last=None, today=WORLD.today, places=NO_PLACES)
    made = plan_question("flooded fields in radar images in summer", nowhere)
    assert (made.sought, made.sensors, made.periods) == (("flooded fields",), (), ())
    assert made.notes
    assert isinstance(NO_PLACES, KnowsPlaces)
