"""How many of 120 questions, written by hand before the rules were seen, are planned as a reader would plan them."""

import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from shapely.geometry import Point, box

from core import parse_interval
from retriever.rag import PlannedPlace, QueryPlan, plan_question
from tests.unit.retriever.plan_scoring import SHEET, problems, same_periods, same_place, same_thing, sheet_world


def test_most_questions_are_planned_as_a_reader_would_plan_them(record_property: Callable[[str, object], None]) -> None:
    wrong, kinds, right = [], Counter[str](), Counter[str]()
    for expected in SHEET["question"]:
        kinds[expected["kind"]] += 1
        found = problems(expected, plan_question(expected["text"], sheet_world()))
        right[expected["kind"]] += not found
        if found:
            wrong.append(f"[{expected['kind']}] {expected['text']}\n    " + "\n    ".join(found))
    table = "\n".join(f"{kind:12} {right[kind]:3} of {total}" for kind, total in kinds.items())
    sys.stdout.write("\n".join([*wrong, table, f"{right.total()} of {kinds.total()} right", ""]))
    record_property("planned_right", right.total())
    assert kinds.total() == 120
    assert right.total() / kinds.total() >= SHEET["floor"], "\n".join(wrong)


def test_each_question_of_the_sheet_is_there_once() -> None:
    assert len({expected["text"].lower() for expected in SHEET["question"]}) == len(SHEET["question"])


# --- the yardstick itself


SHIPS = {"text": "?", "shape": ["count"], "sought": ["ship | vessel"], "periods": ["2021-01-01/2021-12-31"]}
RIGHT = QueryPlan(
    question="?", shape="count", sought=("the Ships",), periods=(parse_interval("2021-01-01/2021-12-31"),)
)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"shape": "where"}, "shape"),
        ({"sought": ("ships", "harbours")}, "sought"),
        ({"sought": ("big ships",)}, "sought"),
        ({"sought": ()}, "sought"),
        ({"without": ("clouds",)}, "without"),
        ({"place": PlannedPlace(name="here", geometry=box(0, 0, 1, 1), source="coordinates")}, "place"),
        ({"unknown_place": "Atlantis"}, "unknown_place"),
        ({"periods": ()}, "periods"),
        ({"periods": (parse_interval("2021-01-01/2021-11-30"),)}, "periods"),
        ({"sensors": ("naip",)}, "sensors"),
        ({"collections": ("demo-2021",)}, "collections"),
        ({"max_cloud": 10.0}, "max_cloud"),
    ],
)
def test_one_wrong_field_is_enough(changed: dict[str, object], named: str) -> None:
    assert problems(SHIPS, RIGHT) == []
    assert [line.split(":")[0] for line in problems(SHIPS, QueryPlan(**{**vars(RIGHT), **changed}))] == [named]


def test_wordings_count_whatever_the_case_article_and_plural() -> None:
    assert same_thing("burnt/burned (area/land) | burn scar", "the burned areas")
    assert same_thing("burnt/burned (area/land) | burn scar", "Burnt")
    assert same_thing("harbor", "harbours")
    assert not same_thing("burnt/burned (area/land) | burn scar", "burnt houses")


@pytest.mark.parametrize(
    ("wanted", "area", "right"),
    [
        ({"lat": 40, "lon": 2}, Point(2, 40).buffer(0.1), True),
        ({"lat": 40, "lon": 2}, Point(40, 2).buffer(0.1), False),
        ({"lat": 40, "lon": 2}, Point(2, 40).buffer(20), False),
        ({"lat": 40, "lon": 2, "radius_km": 50}, Point(2, 40).buffer(0.45), True),
        ({"lat": 40, "lon": 2, "radius_km": 50}, Point(2, 40).buffer(0.1), False),
        ({"bbox": [1, 2, 3, 4]}, box(1, 2, 3, 4), True),
        ({"bbox": [1, 2, 3, 4]}, box(2, 1, 4, 3), False),
    ],
)
def test_a_place_is_right_by_where_and_how_large_it_is(wanted: dict[str, object], area: object, right: bool) -> None:
    place = PlannedPlace(name="40, 2", geometry=area, source="coordinates")  # type: ignore[arg-type]  # any geometry
    assert same_place(wanted, place) is right
    assert not same_place(wanted, None)


def test_an_open_end_is_today_or_none() -> None:
    since = datetime(2019, 1, 1, tzinfo=UTC)
    exact = timedelta()
    assert same_periods(["2019-01-01/.."], [(since, None)], exact)
    assert same_periods(["2019-01-01/.."], [(since, datetime(2024, 11, 15, 23, tzinfo=UTC))], exact)
    assert not same_periods(["2019-01-01/.."], [(since, datetime(2020, 1, 1, tzinfo=UTC))], exact)
    assert not same_periods(["2019-01-01/.."], [(None, None)], exact)
