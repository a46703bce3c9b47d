"""CQL2: what each condition finds among five tiles, and what is refused."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from shapely.geometry import box

from core import FilterError
from retriever import MemoryRows, SearchRequest, evaluate, parse_filter
from tests.unit.retriever.tables import row, rows_in_memory


@pytest.fixture(scope="module")
def rows() -> MemoryRows:
    when = [datetime(2020, 6, day, 12, tzinfo=UTC) for day in (1, 2, 3)]
    return rows_in_memory(
        [
            row("a", box(0, 0, 1, 1), cloud=0.1, label="Forest", datetime=when[0], sensor="naip"),
            row("b", box(1, 0, 2, 1), cloud=0.5, label="forêt", datetime=when[1], sensor="naip"),
            row("c", box(5, 5, 6, 6), cloud=None, label="100%", datetime=when[2], sensor="rgb"),
            row("d", box(0.2, 0.2, 0.3, 0.3), cloud=1.0, label=None, datetime=None, sensor="rgb"),
            row("e", None, cloud=0.0, label="it's_so", datetime=datetime(1960, 1, 1, tzinfo=UTC), gsd=None),
        ]
    )


def found(rows: MemoryRows, condition: Any) -> str:
    columns = ["tile_id", "sensor", "datetime", "west", "south", "east", "north", "lon", "lat", "footprint", "h3"]
    (batch,) = rows.scan([*columns, "gsd", "label", "cloud", "valid", "col_off", "width"])
    answers = evaluate(parse_filter(condition), batch).to_pylist()
    return "".join(
        name if answer else "?" for name, answer in zip("abcde", answers, strict=True) if answer is not False
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The names of the tiles for which it is true, and a question mark for each of which it is unknown.
        ("cloud < 0.5", "a?e"),
        ("cloud <= 0.5 AND sensor = 'naip'", "ab"),
        ("NOT cloud < 0.5", "b?d"),
        ("0.5 > cloud", "a?e"),
        ("cloud <> 0.5", "a?de"),
        ("cloud BETWEEN 0.1 AND 0.5", "ab?"),
        ("cloud NOT BETWEEN 0.1 AND 0.5", "?de"),
        ("cloud IN (0.1, 1)", "a?d"),
        ("cloud NOT IN (0.1, 1)", "b?e"),
        ("cloud IS NULL", "c"),
        ("cloud IS NOT NULL", "abde"),
        ("cloud < 0.5 OR sensor = 'rgb'", "acde"),
        ("cloud < 0.5 AND sensor = 'naip'", "a"),
        ("cloud < 0.5 AND sensor = 'rgb'", "?e"),
        ("geometry IS NULL", "e"),
        ("gsd IS NULL OR cloud * 2 > 1.5", "?de"),
        ("id IN ('a', 'e')", "ae"),
        ("tile_id >= 'd'", "de"),
        ("label LIKE '%or%'", "ab?"),
        ("label LIKE 'fo%'", "b?"),
        ("label LIKE '_____'", "b?"),
        ("label LIKE '100\\%'", "c?"),
        ("label LIKE 'it''s\\_so'", "?e"),
        ("CASEI(label) = CASEI('FOREST')", "a?"),
        ("CASEI(label) LIKE CASEI('FO%')", "ab?"),
        ("ACCENTI(label) = 'foret'", "b?"),
        ("CASEI(label) IN (CASEI('FOREST'), CASEI('FORÊT'))", "ab?"),
        ("datetime > TIMESTAMP('2020-06-01T12:00:00Z')", "bc?"),
        ("datetime >= TIMESTAMP('2020-06-01T14:00:00+02:00')", "abc?"),
        ("datetime = DATE('2020-06-02')", "b?"),
        ("datetime <> DATE('2020-06-02')", "ac?e"),
        ("datetime > DATE('2020-06-02')", "c?"),
        ("datetime >= DATE('2020-06-02')", "bc?"),
        ("datetime < DATE('2020-06-02')", "a?e"),
        ("datetime <= DATE('2020-06-02')", "ab?e"),
        ("DATE('2020-06-02') < datetime", "c?"),
        ("datetime < '2020-06-02T00:00:00Z'", "a?e"),
        ("datetime IN (DATE('2020-06-01'), DATE('2020-06-03'))", "ac?"),
        ("datetime BETWEEN DATE('2020-06-01') AND DATE('2020-06-02')", "ab?"),
        ("T_AFTER(datetime, DATE('2020-06-01'))", "bc?"),
        ("T_BEFORE(datetime, TIMESTAMP('2020-06-01T12:00:00Z'))", "?e"),
        ("T_DURING(datetime, INTERVAL('2020-06-01T12:00:00Z', '2020-06-03T12:00:00Z'))", "b?"),
        ("T_INTERSECTS(datetime, INTERVAL('2020-06-01T12:00:00Z', '2020-06-02'))", "ab?"),
        ("T_INTERSECTS(datetime, INTERVAL('..', '2020-06-01'))", "a?e"),
        ("T_DISJOINT(datetime, INTERVAL('..', '2020-06-01'))", "bc?"),
        ("T_EQUALS(datetime, TIMESTAMP('2020-06-01T12:00:00Z'))", "a?"),
        ("T_STARTS(datetime, INTERVAL('2020-06-01T12:00:00Z', '..'))", "a?"),
        ("T_FINISHES(datetime, INTERVAL('..', '2020-06-03T12:00:00Z'))", "c?"),
        ("T_CONTAINS(INTERVAL('2020-06-01', '2020-06-02'), datetime)", "ab?"),
        ("S_INTERSECTS(geometry, BBOX(1, 1, 5, 5))", "abc?"),
        ("S_INTERSECTS(footprint, POINT(0.25 0.25))", "ad?"),
        ("S_DISJOINT(geometry, BBOX(0, 0, 1, 1))", "c?"),
        ("S_WITHIN(geometry, BBOX(-1, -1, 1.5, 2))", "ad?"),
        ("S_CONTAINS(geometry, POINT(0.5 0.5))", "a?"),
        ("S_WITHIN(POINT(0.5 0.5), geometry)", "a?"),
        ("S_TOUCHES(geometry, BBOX(1, 0, 2, 1))", "a?"),
        ("S_EQUALS(geometry, POLYGON((5 5, 6 5, 6 6, 5 6, 5 5)))", "c?"),
        ("S_OVERLAPS(geometry, BBOX(0.5, 0.5, 1.5, 1.5))", "ab?"),
        ("S_CROSSES(geometry, LINESTRING(0.5 0.5, 0.5 9))", "a?"),
        ("NOT S_INTERSECTS(geometry, BBOX(0, 0, 1, 1))", "c?"),
        ("lon + lat * 2 > 9", "c?"),
        ("width / 100 = 2.24 AND width % 100 = 24 AND width DIV 100 = 2 AND 2 ^ 3 = 8", "abcde"),
        ("width / col_off > 1", "?????"),
        ("lon > lat", "b?"),
        ("true", "abcde"),
        ("false OR cloud = 1", "?d"),
        ("1 = 1", "abcde"),
    ],
)
def test_conditions_find_the_tiles_they_describe(rows: MemoryRows, text: str, expected: str) -> None:
    assert found(rows, text) == expected


def test_a_cell_is_compared_in_hexadecimal(rows: MemoryRows) -> None:
    (batch,) = rows.scan(["h3"])
    cell = f"{batch['h3'][0].as_py():x}"
    assert found(rows, f"h3 = '{cell}'") == "a?"
    assert found(rows, f"h3 IN ('{cell}', '8c2634bb132d3ff')") == "a?"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"op": "=", "args": [{"property": "sensor"}, "rgb"]}, "cde"),
        ({"op": "isNull", "args": [{"property": "cloud"}]}, "c"),
        ({"op": "t_finishedBy", "args": [{"property": "datetime"}, {"date": "2020-06-01"}]}, "?"),
        ({"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [5, 5, -179, 6]}]}, "c?"),
        ({"op": "s_disjoint", "args": [{"property": "geometry"}, {"bbox": [5, 5, -179, 6]}]}, "abd?"),
    ],
)
def test_json_means_what_it_says(rows: MemoryRows, document: dict[str, Any], expected: str) -> None:
    assert found(rows, document) == expected
    assert found(rows, json.dumps(document)) == expected


def test_numbers_in_json_keep_their_last_bit(rows: MemoryRows) -> None:
    # The cql2 parser reads this one as its neighbour.
    close = 0.22767857142857142
    planted = rows_in_memory([row("a", cloud=close)])
    (batch,) = planted.scan(["cloud"])
    condition = parse_filter({"op": "=", "args": [{"property": "cloud"}, close]})
    assert evaluate(condition, batch).to_pylist() == [True]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("", "is empty"),
        ("cloudy < 1", "unknown column 'cloudy'; known are id, geometry, tile_id"),
        ("cloud < 'x'", "compares cloud (number) with 'x' (text)"),
        ("sensor = 5", "compares sensor (text) with 5.0 (number)"),
        ("sensor = lon", "compares sensor (text) with lon (number)"),
        ("cloud = NULL", "use IS NULL"),
        ("cloud = = 2", "line 1, character 9"),
        ("cloud", "where a condition"),
        ("NOT cloud", "where a condition"),
        ("nearest(cloud) = 1", "'nearest', which is not supported"),
        ("S_NEAR(geometry, POINT(1 1))", "'s_near', which is not supported"),
        ("T_SOON(datetime, DATE('2020-01-01'))", "'t_soon', which is not supported"),
        ("S_INTERSECTS(lon, POINT(1 1))", "needs the column geometry"),
        ("S_INTERSECTS(geometry, lon)", "no geometry where one"),
        ("S_INTERSECTS(geometry, POINT(200 0))", "outside lon -180..180"),
        ("S_INTERSECTS(geometry, BBOX(0, 5, 1, 4))", "south > north"),
        ("S_WITHIN(geometry, BBOX(170, 0, -170, 4))", "across the antimeridian"),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))", "not a valid polygon"),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 1 1)))", "not CQL2"),
        ("geometry = 'x'", "uses geometry as a value"),
        ("T_AFTER(cloud, DATE('2020-01-01'))", "takes the column datetime, got cloud (number)"),
        ("T_AFTER(datetime, 5)", "takes datetime, DATE"),
        ("T_AFTER(datetime, DATE('yesterday'))", "cannot be read"),
        ("T_DURING(datetime, INTERVAL('2021-01-01', '2020-01-01'))", "starts after it ends"),
        ("datetime = 'yesterday'", "cannot be read"),
        ("datetime = '2020-01-01/2021-01-01'", "t_intersects"),
        ("datetime > 5", "compares datetime (instant) with 5.0 (number)"),
        ("cloud LIKE 'x'", "only texts can be LIKE"),
        ("sensor LIKE 5", "LIKE expects a text"),
        ("CASEI(cloud) = 'x'", "uses casei on cloud (number)"),
        ("sensor + 1 = 2", "only numbers can be computed"),
        ("lon + 1 IS NULL", "not a column"),
        ("h3 = 'nonsense'", "is not an H3 cell"),
        ("h3 = '8a390ca36b57fff'", "h3 holds cells of 12"),
        ("h3 < '8c2634bb132d3ff'", "only =, <> and IN"),
        ("((cloud < 1)", "parentheses do not match"),
        (")cloud < 1(", "parentheses do not match"),
        ("vector = 1", "unknown column 'vector'"),
        ({"op": "and", "args": []}, "0 conditions"),
        ({"op": "=", "args": [{"property": "cloud"}]}, "takes 2 arguments, got 1"),
        ({"op": "=", "args": [{"property": "cloud"}, [1]]}, "a column or a plain value"),
        ({"op": "in", "args": [{"property": "cloud"}, []]}, "without a list"),
        ({"args": []}, "CQL2 JSON"),
        ({"op": "=", "args": [{"property": "cloud"}, float("nan")]}, "CQL2 JSON"),
        ('{"op": ', "CQL2 JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_one_line(condition: Any, message: str) -> None:
    with pytest.raises(FilterError) as error:
        parse_filter(condition)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


HOSTILE = {
    "parentheses that never close": "(" * 60,
    "parentheses round nonsense": "(" * 30 + "?" + ")" * 30,
    "deep parentheses": "(" * 50_000 + "cloud = 1" + ")" * 50_000,
    "a chain of NOT": "NOT " * 100_000 + "cloud = 1",
    "a chain of signs": "-" * 50_000 + "cloud = 1",
    "a chain of sums": "+".join(["cloud"] * 50_000) + " = 1",
    "a chain of equals": "=".join(["cloud"] * 50_000),
    "sums dressed as coordinates": "POINT(" + " ".join(["1 -1"] * 50_000) + ") = 1",
    "deep JSON": '{"op":"not","args":[' * 50_000 + "true" + "]}" * 50_000,
    "very long": "sensor = '" + "x" * 2_000_000 + "'",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_filters_are_refused_at_once_and_bring_nothing_down(name: str) -> None:
    # In a process of its own and on a small stack, where the parser alone would crash.
    code = (
        "import sys, threading, time; from core import FilterError; from retriever import parse_filter\n"
        "text = sys.stdin.read(); threading.stack_size(512 * 1024); start = time.monotonic()\n"
        "def go():\n"
        "    try: parse_filter(text)\n"
        "    except FilterError as error: print('refused', time.monotonic() - start, len(str(error)))\n"
        "thread = threading.Thread(target=go); thread.start(); thread.join()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=HOSTILE[name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-300:]
    word, seconds, length = done.stdout.split()
    assert (word, float(seconds) < 5, int(length) < 1000) == ("refused", True, True)


def test_a_large_polygon_in_text_is_accepted() -> None:
    ring = ", ".join(f"{lon / 100} {(lon % 7) / 10}" for lon in range(5000))
    parse_filter(f"S_INTERSECTS(geometry, POLYGON((0 -5, {ring}, 50 -5, 0 -5)))")


def test_hundred_and_more_conditions_in_json_are_accepted() -> None:
    document = {"op": "or", "args": [{"op": "=", "args": [{"property": "id"}, f"t{n}"]} for n in range(2000)]}
    assert SearchRequest.build(text="x", filter=document).where() is not None
