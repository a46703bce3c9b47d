"""The straight line of an answer: which steps are taken, who writes, and what becomes of a model that fails."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import anyio
import pytest
from anyio import to_thread

from core import AnswerSettings, QueryError
from retriever import filters_only
from retriever.rag import (
    Answer,
    AnswerModel,
    Archive,
    Asker,
    AskRequest,
    Event,
    EvidenceSet,
    ModelError,
    QueryPlan,
    Step,
    turn_of,
    world_of,
)
from retriever.rag.testing import RepeatingModel, ScriptedModel
from tests.unit.retriever.evidence_tables import RED, archive_of, day, square
from tests.unit.retriever.tables import row

PLAN = QueryPlan(question="Where is something red?", shape="where", sought=("red",))
CLAIM = {"text": "Something red is there.", "cites": [1], "confidence": 0.9}


def reds(**changes: Any) -> Archive:
    rows = [row(f"r{n}", square(5 + n, 50), datetime=day("2010-05-01"), sensor="naip", vector=RED) for n in range(4)]
    return replace(archive_of(rows), **changes)


def reply(**fields: Any) -> str:
    return json.dumps({"answerable": True, "claims": [CLAIM], "caveats": []} | fields)


def events(archive: Archive, model: AnswerModel | None = None, **request: Any) -> list[Event]:
    fields: dict[str, Any] = {"question": PLAN.question, "plan": PLAN} | request
    asked = AskRequest(**fields)

    async def every() -> list[Event]:
        return [event async for event in Asker(archive, model, AnswerSettings(images=0)).events(asked)]

    return anyio.run(every)


def answered(archive: Archive, model: AnswerModel | None = None, **request: Any) -> Answer:
    last = events(archive, model, **request)[-1].value
    assert isinstance(last, Answer)
    return last


def steps(answer: Answer) -> list[str]:
    return [step.name for step in answer.trace]


def test_plan_evidence_claims_and_answer_come_in_this_order() -> None:
    told = events(reds(), RepeatingModel())
    names = [event.name for event in told if event.name != "step"]
    assert names[:2] == ["plan", "evidence"]
    assert names[-1] == "answer"
    assert set(names[2:-1]) == {"claim"}
    answer = told[-1].value
    assert isinstance(answer, Answer)
    assert answer.claims == tuple(event.value for event in told if event.name == "claim")
    assert answer.trace == tuple(event.value for event in told if event.name == "step")


def test_without_a_model_the_records_answer() -> None:
    answer = answered(reds())
    assert (answer.written_by, answer.model) == ("records", None)
    assert answer.claims
    assert steps(answer)[-1] == "write"


def test_a_model_that_is_not_wanted_is_not_asked() -> None:
    model = ScriptedModel([reply()])
    assert answered(reds(), model, use_model=False).written_by == "records"
    assert model.requests == []


def test_what_the_model_says_is_labelled_with_its_name() -> None:
    answer = answered(reds(), ScriptedModel([reply(caveats=["It is hazy."])], name="eye"))
    assert (answer.written_by, answer.model) == ("model", "eye")
    assert [claim.text for claim in answer.claims] == [CLAIM["text"]]
    assert "It is hazy." in answer.caveats


def test_a_model_that_fails_is_replaced_by_the_records_and_that_is_said() -> None:
    answer = answered(reds(), ScriptedModel([ModelError("the server is down")], name="eye"))
    assert answer.written_by == "records"
    assert answer.claims
    assert any("eye gave no usable answer" in caveat and "the server is down" in caveat for caveat in answer.caveats)


@pytest.mark.parametrize("said", [reply(), reply(answerable=False), None])
def test_what_the_evidence_left_out_is_a_caveat_once_whoever_writes(said: str | None) -> None:
    lost = replace(PLAN, unknown_place="Atlantis")
    model = None if said is None else ScriptedModel([said])
    answer = answered(reds(), model, plan=lost, filters=filters_only(bbox=(0, 45, 20, 55)))
    assert sum("the tiles were looked for without it" in caveat for caveat in answer.caveats) == 1


def test_what_an_archive_holds_is_read_once_a_version() -> None:
    archive = reds()
    scans: list[int] = []

    class Versioned:
        def __init__(self, version: int) -> None:
            self.version, self.space = version, archive.rows.space

        def scan(self, columns: Sequence[str], where: object = None) -> Any:
            scans.append(self.version)
            return archive.rows.scan(columns)

        def take(self, row_ids: Any, columns: Sequence[str]) -> Any:
            return archive.rows.take(row_ids, columns)

    today = date(2024, 1, 1)
    worlds = [world_of(replace(archive, rows=Versioned(version)), today) for version in (1, 1, 2)]
    assert scans == [1, 2]
    assert {world.sensors for world in worlds} == {("naip",)}


def test_a_model_that_finds_no_answer_is_believed() -> None:
    answer = answered(reds(), ScriptedModel([reply(answerable=False)], name="eye"))
    assert answer.claims == ()
    assert answer.abstained == "eye finds no answer in the evidence."


def test_a_model_none_of_whose_claims_hold_gives_no_answer() -> None:
    answer = answered(reds(), ScriptedModel([reply(claims=[CLAIM | {"cites": [99]}])]))
    assert answer.claims == ()
    assert answer.abstained is not None
    assert answer.dropped


def test_a_model_is_not_asked_where_the_evidence_cannot_carry_an_answer() -> None:
    model = ScriptedModel([reply()])
    answer = answered(reds(), model, filters=filters_only(bbox=(100, 0, 101, 1)))
    assert model.requests == []
    assert answer.claims == ()
    assert answer.abstained is not None
    assert "No tile passes the filters" in answer.abstained


@pytest.fixture
def doubt(monkeypatch: pytest.MonkeyPatch) -> Callable[[Archive], None]:
    """Make every archive but one insufficient."""

    def trust(only: Archive) -> None:
        def judge(_: object, archive: Archive) -> str | None:
            return None if archive is only else "The scores are too low."

        monkeypatch.setattr("retriever.rag.evidence._gather.judge", judge)

    return trust


def test_a_wider_search_is_made_where_the_scores_carry_no_answer(doubt: Callable[[Archive], None]) -> None:
    wide = reds()
    doubt(wide)
    answer = answered(reds(wider=lambda plan: wide))
    assert answer.abstained is None
    once = ["retrieve", "diversify"]
    assert steps(answer) == ["plan", *once, "widen", *once, "write"]


def test_evidence_is_told_once_though_it_was_searched_twice(doubt: Callable[[Archive], None]) -> None:
    wide = reds()
    doubt(wide)
    told = [event.value for event in events(reds(wider=lambda plan: wide)) if event.name == "evidence"]
    assert len(told) == 1
    assert isinstance(told[0], EvidenceSet)
    assert told[0].insufficient is None


def test_nothing_is_widened_where_no_tile_passes() -> None:
    def never(_: QueryPlan) -> Archive:
        raise AssertionError("there is nothing to widen")

    assert answered(reds(wider=never), filters=filters_only(bbox=(100, 0, 101, 1))).abstained


def test_a_wider_search_that_knows_no_more_leaves_the_reason(doubt: Callable[[Archive], None]) -> None:
    doubt(reds())
    assert answered(reds(wider=lambda plan: None)).abstained == "The scores are too low."


def test_a_turn_holds_what_a_follow_up_needs() -> None:
    answer = answered(reds())
    turn = turn_of(answer)
    assert turn.tile_ids == tuple(tile.record.tile_id for tile in answer.evidence.tiles)
    assert (turn.plan, turn.claims) == (answer.plan, answer.claims)


@pytest.mark.parametrize(("field", "value"), [("tiles", 0), ("tiles", 51), ("pictures", -1), ("pictures", 51)])
def test_numbers_out_of_range_are_refused(field: str, value: int) -> None:
    with pytest.raises(QueryError, match=f"{field} must be between .* got {value}"):
        AskRequest(question="?", **{field: value})  # type: ignore[arg-type]  # one name of several


def test_closing_the_events_stops_the_work() -> None:
    async def first_only() -> str:
        told = Asker(reds()).events(AskRequest(question=PLAN.question, plan=PLAN))
        try:
            return (await anext(told)).name
        finally:
            await told.aclose()

    assert anyio.run(first_only) == "step"


def test_threads_of_those_who_left_end_at_their_next_step_and_are_never_more_than_there_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from retriever.rag import _walk

    told: list[str] = []
    go_on = threading.Event()

    def slow(*_: Any, note: Callable[[Step], None], **__: Any) -> EvidenceSet:
        told.append("begun")
        try:
            go_on.wait(10)
            note(Step(name="retrieve", text="Searched.", seconds=0))
            told.append("went on")
            return EvidenceSet()
        finally:
            told.append("ended")

    async def ask_and_leave() -> None:
        with anyio.move_on_after(0.05):
            await Asker(reds()).answer(AskRequest(question=PLAN.question, plan=PLAN))

    async def many() -> None:
        to_thread.current_default_thread_limiter().total_tokens = 3
        for _ in range(6):
            await ask_and_leave()
        go_on.set()
        with anyio.fail_after(10):
            while told.count("ended") < told.count("begun"):
                await anyio.sleep(0.01)
            assert await to_thread.run_sync(lambda: "a thread is free") == "a thread is free"

    monkeypatch.setattr(_walk, "gather", slow)
    anyio.run(many)
    assert sorted(told) == ["begun"] * 3 + ["ended"] * 3


def test_each_step_has_a_sentence_and_a_time() -> None:
    told = [event.value for event in events(reds()) if isinstance(event.value, Step)]
    assert all(step.text.endswith(".") and step.seconds >= 0 for step in told)
