"""Plans as documents, by a model, and in a dialogue."""

import json
from dataclasses import fields, replace

import pytest

from core import QueryError
from retriever.rag import (
    ModelError,
    QueryPlan,
    Turn,
    parse_plan,
    plan_document,
    plan_follow_up,
    plan_question,
    plan_with_model,
)
from retriever.rag.testing import ScriptedModel
from tests.unit.retriever.planning_world import WORLD, spans

ASKED = "Harbours without ships near Rotterdam in 2019 or since 2021, cloud-free, Sentinel-2"


def test_a_plan_comes_back_from_its_document() -> None:
    made = plan_question(ASKED, WORLD)
    back = parse_plan(json.loads(json.dumps(plan_document(made))))
    assert made.place is not None
    assert back.place is not None
    assert back.place.geometry.equals_exact(made.place.geometry, 1e-9)
    assert replace(back, place=made.place) == made
    assert set(plan_document(made)) == {field.name for field in fields(QueryPlan)}


def test_fields_that_are_seldom_set_come_back_as_well() -> None:
    made = QueryPlan(question="q", missing_sensors=("MODIS",), among_earlier=True, knowledge=False, unknown_place="X")
    assert parse_plan(plan_document(made)) == made


def test_a_person_needs_to_write_only_what_matters() -> None:
    plan = parse_plan({"question": "ships", "sought": ["ships"], "periods": ["2019-01-01/.."], "max_cloud": 10})
    assert (plan.made_by, plan.sought, plan.periods, plan.max_cloud) == ("user", ("ships",), spans("2019-01-01/.."), 10)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ([], "a plan is a JSON object"),
        ({}, "question of a plan is text"),
        ({"question": "q", "colour": 1}, "no field 'colour'; it has question, shape"),
        ({"question": "q", "shape": "dance"}, "shape of a plan is one of describe"),
        ({"question": "q", "sought": "ships"}, "sought of a plan is a list of texts"),
        ({"question": "q", "sought": ["x"] * 25}, "at most 24 texts"),
        ({"question": "q", "max_cloud": 101}, "percentage 0 to 100"),
        ({"question": "q", "max_cloud": True}, "percentage 0 to 100"),
        ({"question": "q", "periods": ["soon"]}, "'soon' cannot be read"),
        ({"question": "q", "place": {"name": "x"}}, "GeoJSON Polygon"),
        ({"question": "q", "place": {"name": "x", "geometry": {"type": "Point", "coordinates": [1, 2]}}}, "a Point"),
        ({"question": "q", "knowledge": "yes"}, "true or false"),
        ({"question": "q" * 2001}, "2,001 characters"),
        ({"question": "a \ud800"}, r"question of a plan is not valid Unicode text, got 'a \\ud800'"),
        ({"question": "q", "notes": ["\udfff"]}, "notes of a plan is not valid Unicode"),
    ],
)
def test_a_wrong_document_is_refused_with_what_would_work(wrong: dict[str, object], hint: str) -> None:
    with pytest.raises(QueryError, match=hint):
        parse_plan(wrong)


REPLY = {
    "shape": "count", "sought": ["cargo ships"], "without": [], "place": None, "periods": ["2019-01-01/2019-12-31"],
    "sensors": ["sentinel-2-l2a"], "max_cloud": None, "renderings": ["true-color"],
}  # fmt: skip


async def _planned(question: str, *replies: str | Exception) -> tuple[QueryPlan, ScriptedModel]:
    model = ScriptedModel(replies)
    return await plan_with_model(question, WORLD, model), model


@pytest.mark.anyio
async def test_a_model_plans() -> None:
    plan, model = await _planned("count cargo ships, 2019", json.dumps(REPLY))
    assert (plan.made_by, plan.shape, plan.sought) == ("model", "count", ("cargo ships",))
    assert plan.periods == spans("2019-01-01/2019-12-31")
    assert plan.sensors == ("sentinel-2-l2a",)
    assert len(model.requests) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("wrapped", ["<think>hm {</think>{}", "```json\n{}\n```", "Sure: {} Anything else?"])
async def test_talk_around_the_plan_is_survived(wrapped: str) -> None:
    plan, _ = await _planned("cargo ships", wrapped.replace("{}", json.dumps(REPLY)))
    assert plan.made_by == "model"


@pytest.mark.anyio
async def test_places_are_looked_up_here_and_never_invented() -> None:
    known, _ = await _planned("ships in Rotterdam", json.dumps(REPLY | {"place": "48.85, 2.35"}))
    assert known.place is not None
    assert known.place.name == "Rotterdam"
    invented, _ = await _planned("cargo ships", json.dumps(REPLY | {"place": "48.85, 2.35"}))
    assert (invented.place, invented.unknown_place) == (None, None)
    assert any("that the question does not" in note for note in invented.notes)
    unknown, _ = await _planned("ships by old zubrowka", json.dumps(REPLY | {"place": "old zubrowka"}))
    assert (unknown.place, unknown.unknown_place) == (None, "old zubrowka")


@pytest.mark.anyio
async def test_names_that_are_not_there_are_left_out() -> None:
    plan, _ = await _planned("cargo ships", json.dumps(REPLY | {"sensors": ["hubble"], "renderings": ["x-ray"]}))
    assert (plan.sensors, plan.renderings) == ((), ())
    assert any("hubble" in note for note in plan.notes)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "reply",
    [
        ModelError("model server is down"), "no JSON", "[1]", "{}", json.dumps(REPLY | {"shape": "dance"}),
        json.dumps(REPLY | {"periods": ["soon"]}), json.dumps(REPLY | {"sought": [1]}), "x" * 20_000, "{" * 5_000,
    ],
)  # fmt: skip
async def test_rules_plan_where_a_model_fails_and_say_so(reply: str | Exception) -> None:
    plan, _ = await _planned(ASKED, reply)
    ruled = plan_question(ASKED, WORLD)
    assert replace(plan, notes=()) == replace(ruled, notes=())
    assert "it was made by rules" in plan.notes[-1]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _dialogue(first: str, *questions: str) -> QueryPlan:
    turns = [Turn(question=first, plan=plan_question(first, WORLD), tile_ids=())]
    for question in questions:
        turns.append(Turn(question=question, plan=plan_follow_up(question, turns, WORLD), tile_ids=()))
    return turns[-1].plan


FIRST = "Which harbours were flooded in March 2019 in Rotterdam?"


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("only the ones near the river", {"sought": ("flooded harbours near river",)}),
        ("and before 2015?", {"periods": spans("../2014-12-31")}),
        ("what about 2010?", {"periods": spans("2010-01-01/2010-12-31")}),
        ("also 2010", {"periods": spans("2019-03-01/2019-03-31", "2010-01-01/2010-12-31")}),
        ("at any date", {"periods": ()}),
        ("only Sentinel-1", {"sensors": ("sentinel-1-rtc",)}),
        ("and without clouds?", {"max_cloud": 5.0}),
        ("but not near roads", {"without": ("roads",)}),
        ("How many are there?", {"shape": "count"}),
        ("where are they?", {"shape": "where"}),
        ("and airports?", {"sought": ("airports",)}),
        ("also airports", {"sought": ("flooded harbours", "airports")}),
        ("everywhere", {"place": None}),
        ("2010-05-01", {"periods": spans("2010-05-01/2010-05-01")}),
        ("compare with April 2019", {
            "shape": "compare", "periods": spans("2019-03-01/2019-03-31", "2019-04-01/2019-04-30")
        }),
        ("compare with airports", {"shape": "compare", "sought": ("flooded harbours", "airports")}),
        ("instead of those show airports", {"sought": ("airports",)}),
        ("no, airports", {"sought": ("airports",)}),
        ("ok now airports", {"sought": ("airports",)}),
        ("not those", {}),
        ("and Sentinel-2 too", {}),
        ("and in Atlantis?", {"place": None, "unknown_place": "Atlantis"}),
    ],
)  # fmt: skip
def test_a_follow_up_changes_one_thing_and_keeps_the_rest(said: str, changed: dict[str, object]) -> None:
    before, after = plan_question(FIRST, WORLD), _dialogue(FIRST, said)
    fields = ("shape", "sought", "without", "place", "unknown_place", "periods", "sensors", "max_cloud")
    expected = {field: getattr(before, field) for field in fields} | changed
    assert {field: getattr(after, field) for field in fields} == expected
    assert any("Kept from the question before" in note for note in after.notes)
    assert after.question == said


@pytest.mark.parametrize("said", ["more", "why?", "before that", "within 5 km of that", "and Sentinel-2 too"])
def test_a_follow_up_of_which_nothing_is_read_says_so(said: str) -> None:
    assert any(note.startswith("Nothing new was read") for note in _dialogue(FIRST, said).notes)


def test_that_only_earlier_tiles_count_is_said() -> None:
    assert "Only the tiles of the answer before count." in _dialogue(FIRST, "which of those have cranes?").notes


def test_what_points_back_asks_among_the_tiles_of_the_answer_before() -> None:
    assert _dialogue(FIRST, "only the ones near the river").among_earlier
    assert _dialogue(FIRST, "which of those have cranes?").among_earlier
    assert not _dialogue(FIRST, "only the ones from 2010").among_earlier
    assert not _dialogue(FIRST, "which of those have cranes?", "and in 2010?").among_earlier


def test_a_follow_up_of_a_follow_up_carries_everything_on() -> None:
    plan = _dialogue(FIRST, "only Sentinel-1", "and before 2015?", "What about Uluru?")
    assert (plan.sought, plan.sensors, plan.periods) == (
        ("flooded harbours",), ("sentinel-1-rtc",), spans("../2014-12-31"),
    )  # fmt: skip
    assert plan.place is not None
    assert plan.place.name == "Uluru"


def test_a_question_that_stands_alone_starts_anew() -> None:
    plan = _dialogue(FIRST, "Are there any airports at 48.85, 2.35?")
    assert (plan.sought, plan.periods) == (("airports",), ())
    assert "nothing was kept" in plan.notes[-1]


def test_the_first_question_of_a_dialogue_is_planned_alone() -> None:
    assert plan_follow_up(FIRST, (), WORLD) == plan_question(FIRST, WORLD)
