from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pytest
from shapely.geometry import box, mapping

from core import FilterError, QueryError
from retriever import MAX_K, SearchRequest


def build(**given: Any) -> SearchRequest:
    return SearchRequest.build(**{"text": "a river", **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": None}, "give one of text, image, like, vector or query"),
        ({"like": "t1"}, "got text and like"),
        ({"text": "  "}, "not empty"),
        ({"text": 5}, "not empty"),
        ({"text": "x" * 20_000}, "20,000 characters"),
        ({"k": 0}, "k must be between 1 and 10,000, got 0"),
        ({"k": MAX_K + 1}, "got 10001"),
        ({"k": 2.5}, "got 2.5"),
        ({"k": True}, "got True"),
        ({"bbox": "1,2,3"}, "west,south,east,north"),
        ({"bbox": [0, 5, 1, 4]}, "south > north"),
        ({"bbox": [0, 0, float("nan"), 1]}, "finite"),
        ({"within": "nowhere.geojson"}, "nowhere.geojson"),
        ({"within": {"type": "Point", "coordinates": [0, 0]}}, "Polygon"),
        ({"near": (40, -3)}, "near and radius_km go together"),
        ({"radius_km": 4}, "near and radius_km go together"),
        ({"near": (91, 0), "radius_km": 1}, "lat -90..90"),
        ({"near": "here", "radius_km": 1}, "not two numbers"),
        ({"near": 5, "radius_km": 1}, "not two numbers"),
        ({"datetime": 5}, "one instant or two, got 5"),
        ({"text": "caf\udce9"}, "text is not valid Unicode"),
        ({"sensor": "\udcff"}, "sensor is not valid Unicode"),
        ({"near": (0, 0), "radius_km": 0}, "more than 0"),
        ({"near": (0, 0), "radius_km": float("inf")}, "finite"),
        ({"h3": "zz"}, "not an H3 cell"),
        ({"h3": h3.latlng_to_cell(0, 0, 13)}, "has resolution 13; tiles are known to 12"),
        ({"datetime": "last week"}, "cannot be read"),
        ({"datetime": "2021-01-01/2020-01-01"}, "starts after it ends"),
        ({"datetime": datetime(2020, 1, 1)}, "no time zone"),  # the point of the test
        ({"datetime": ("2020-01-01", None, None)}, "one instant or two"),
        ({"sensor": ""}, "sensor must be a text"),
        ({"collection": [1]}, "collection must be a text"),
        ({"max_cloud": 101}, "max_cloud must be between 0 and 100, got 101"),
        ({"max_cloud": "low"}, "max_cloud must be a finite number"),
        ({"min_valid": -0.1}, "min_valid must be between 0 and 1"),
        ({"filter": "cloudy < 1"}, "cloudy"),
    ],
)
def test_a_wrong_request_says_what_it_got(given: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryError) as error:
        build(**given)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([0.0, 0.0], "all zeros"),
        ([1.0, float("nan")], "NaN or infinity"),
        ([[1.0, 2.0]], r"\(1, 2\)"),
        ([], "all zeros"),
        (["a"], "not numbers"),
    ],
)
def test_a_vector_without_direction_is_refused(vector: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        SearchRequest.build(vector=vector)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1.0, 1e200])
def test_vectors_of_any_length_become_unit_vectors(scale: float) -> None:
    request = SearchRequest.build(vector=np.array([3.0, -4.0]) * scale)
    assert request.vector is not None
    np.testing.assert_allclose(request.vector, [0.6, -0.8], rtol=1e-6)


def test_an_error_in_the_filter_is_a_filter_error() -> None:
    with pytest.raises(FilterError):
        build(filter="sensor = ")


def test_no_filter_asks_for_every_tile() -> None:
    assert build().where() is None


def test_dates_are_accepted_as_text_and_as_datetimes() -> None:
    day = datetime(2020, 6, 1, tzinfo=UTC)
    assert build(datetime="2020-06-01T00:00:00Z/..").datetime == (day, None)
    assert build(datetime=(day, None)).datetime == (day, None)
    assert build(datetime=day).datetime == (day, day)
    assert build(datetime=day.date()).datetime == build(datetime="2020-06-01").datetime


def test_the_same_area_in_every_form(tmp_path: Path) -> None:
    area = box(0, 0, 1, 1)
    file = tmp_path / "area.geojson"
    file.write_text('{"type": "Polygon", "coordinates": [[[1, 0], [1, 1], [0, 1], [0, 0], [1, 0]]]}')
    for form in (area, mapping(area), file, str(file), file.read_text()):
        found = build(within=form).within
        assert found is not None
        assert found.equals(area)


def test_the_description_is_json_of_what_was_asked() -> None:
    request = build(
        bbox="170,-20,-170,-10", near=(1.5, 2.5), radius_km=3, datetime="2020-01-01/..", sensor="naip", max_cloud=20,
        h3="8a390ca36b57fff", filter="cloud < 0.5", within=box(0, 0, 1, 1),
    )  # fmt: skip
    shown = request.describe()
    assert shown["bbox"] == [170.0, -20.0, -170.0, -10.0]
    assert shown["near"] == {"lat": 1.5, "lon": 2.5, "radius_km": 3.0}
    assert shown["datetime"] == "2020-01-01T00:00:00Z/.."
    assert shown["h3"] == ["8a390ca36b57fff"]
    assert shown["within"]["type"] == "Polygon"
    assert {"image", "like", "vector", "collection"}.isdisjoint(shown)
    assert SearchRequest.build(image=np.zeros((5, 7, 3), np.uint8)).describe()["image"] == "picture of 7 x 5 pixels"
    assert SearchRequest.build(vector=[1, 0]).describe()["vector"] == [1.0, 0.0]


def test_filters_left_out_and_filters_of_none_are_the_same() -> None:
    nothing = dict.fromkeys(["bbox", "within", "near", "h3", "datetime", "sensor", "collection", "label", "filter"])
    assert build(**nothing).where() is None
    assert build(**nothing).describe() == build().describe()
