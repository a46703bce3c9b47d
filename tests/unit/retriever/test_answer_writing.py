"""From evidence to a checked reply: one request, one repair, and claims that stand whatever happens afterwards."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio
import pytest

from core import AnswerSettings
from retriever.rag import Claim, EvidenceSet, Message, ModelError, Reply, Step, TextPart, write_with_model
from retriever.rag.testing import BlindModel, RepeatingModel, ScriptedModel
from retriever.rag.writing._reply import MAX_CLAIMS
from tests.unit.retriever.answer_evidence import (
    QUESTION,
    a_claim,
    a_passage,
    a_plan,
    a_reply,
    an_evidence,
    settings,
)

GOOD = a_reply(a_claim("The quay stands in water.", 2), a_claim("The dike is dry.", 1, 3))
OUTSIDE = a_reply(a_claim("The quay stands in water.", 9))


def written(model: Any, evidence: EvidenceSet | None = None, given: AnswerSettings | None = None) -> list[Any]:
    """Return everything that is yielded; a ModelError that ends it is the last item."""

    async def collect() -> list[Any]:
        found: list[Any] = []
        try:
            asked = (QUESTION, a_plan(), evidence or an_evidence(), ())
            async for item in write_with_model(*asked, model, given or settings()):
                found.append(item)  # noqa: PERF401  # a comprehension would lose what came before an error
        except ModelError as error:
            found.append(error)
        return found

    return anyio.run(collect)


def claims(found: list[Any]) -> list[str]:
    return [item.text for item in found if isinstance(item, Claim)]


def reply(found: list[Any]) -> Reply:
    assert isinstance(found[-1], Reply), found[-1]
    return found[-1]


def steps(found: list[Any]) -> list[str]:
    return [item.name for item in found if isinstance(item, Step)]


def last_words(model: ScriptedModel, request: int) -> str:
    part = model.requests[request][-1].parts[-1]
    assert isinstance(part, TextPart)
    return part.text


def test_claims_come_before_the_reply_and_are_those_of_the_reply() -> None:
    found = written(ScriptedModel([GOOD]))
    assert claims(found) == ["The quay stands in water.", "The dike is dry."]
    assert reply(found).claims == tuple(item for item in found if isinstance(item, Claim))
    assert steps(found) == ["model", "validate"]
    assert reply(found).usage["requests"] == 1
    assert reply(found).usage["pictures"] == 3


def test_claims_stream_while_the_model_still_writes() -> None:
    seen: list[str] = []

    class Slow(ScriptedModel):
        async def stream(
            self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
        ) -> AsyncIterator[str]:
            for piece in (GOOD[:120], GOOD[120:]):
                seen.append("piece")
                yield piece

    async def first() -> None:
        stream = write_with_model(QUESTION, a_plan(), an_evidence(), (), Slow([""]), settings())
        async for item in stream:
            assert isinstance(item, Claim)
            break
        await stream.aclose()

    anyio.run(first)
    assert seen == ["piece"]


def test_an_unanswerable_question_ends_without_claims_and_without_repair() -> None:
    found = written(ScriptedModel([a_reply(answerable=False, caveats=("Cloud hides it.",))]))
    assert (reply(found).answerable, reply(found).claims, reply(found).caveats) == (False, (), ("Cloud hides it.",))
    assert steps(found) == ["model", "validate"]


def test_invalid_json_is_repaired_once_with_one_line_of_ours() -> None:
    model = ScriptedModel(["The harbour was FLOODED, trust me.", GOOD])
    found = written(model)
    assert len(claims(found)) == 2
    assert steps(found) == ["model", "repair", "validate"]
    assert last_words(model, 1) == (
        "Your last reply was not used: the reply holds no JSON object. "
        "Reply again, with the JSON object and valid citations alone."
    )
    assert all("trust me" not in part.text for part in model.requests[1][-1].parts if isinstance(part, TextPart))


def test_wrong_citations_are_repaired_and_reported() -> None:
    model = ScriptedModel([OUTSIDE, GOOD])
    found = written(model)
    assert len(claims(found)) == 2
    assert [each.reason for each in reply(found).dropped] == ["cites [9], which is not in the evidence"]
    assert "a claim cites [9], which is not in the evidence" in last_words(model, 1)


def test_a_valid_reply_without_a_claim_that_passes_ends_empty_and_honest() -> None:
    found = written(ScriptedModel([OUTSIDE]))
    assert claims(found) == []
    assert reply(found).claims == ()
    assert len(reply(found).dropped) == 1, "said twice, reported once"
    assert reply(found).usage["requests"] == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I cannot see pictures.", "holds no JSON object"),
        ('{"answerable": true, "claims": [{"text": "The qu', "holds no JSON object"),
        ('{"answerable": true, "claims": [{"text": "Cut", "cites": [1]', "ends before its first claim"),
        ('{"answerable": "perhaps", "claims": []}', "must be true or false"),
        ("", "holds no JSON object"),
    ],
)
def test_invalid_twice_is_an_error_for_the_caller(text: str, why: str) -> None:
    model = ScriptedModel([text])
    found = written(model)
    assert isinstance(found[-1], ModelError)
    assert why in str(found[-1])
    assert len(model.requests) == 2
    assert steps(found) == ["model", "repair"]


def test_good_claims_outlive_a_reply_that_breaks_off() -> None:
    found = written(ScriptedModel([GOOD[: GOOD.index("The dike") + 12]]))
    assert claims(found) == ["The quay stands in water."]
    assert reply(found).caveats == (
        "The reply of the model ends early; what had come until then was checked and kept.",
    )
    assert steps(found) == ["model", "validate"]


def test_good_claims_outlive_bad_ones_without_repair() -> None:
    found = written(ScriptedModel([a_reply(a_claim("Made up.", 9), a_claim("The dike is dry.", 3))]))
    assert claims(found) == ["The dike is dry."]
    assert [each.text for each in reply(found).dropped] == ["Made up."]
    assert reply(found).usage["requests"] == 1


def test_an_error_before_the_first_word_is_not_repaired() -> None:
    model = ScriptedModel([ModelError("the model server answers 500: it failed")])
    found = written(model)
    assert str(found[-1]) == "the model server answers 500: it failed"
    assert len(model.requests) == 1


class Breaking(ScriptedModel):
    """Raises after its reply."""

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        async for piece in super().stream(messages, schema=schema):
            yield piece
        raise ModelError("the connection was lost")


def test_a_lost_connection_keeps_what_was_checked() -> None:
    found = written(Breaking([GOOD[: GOOD.index("The dike")]]))
    assert claims(found) == ["The quay stands in water."]
    assert "the connection was lost" in reply(found).caveats[0]


def test_a_lost_connection_without_a_claim_is_tried_once_more() -> None:
    model = Breaking(['{"answerable": true'])
    found = written(model)
    assert str(found[-1]) == "the connection was lost"
    assert len(model.requests) == 2
    assert model.requests[0] == model.requests[1]


class Dripping(ScriptedModel):
    """Says one character every hundredth of a second, and never ends."""

    closed = False

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        try:
            async for piece in super().stream(messages, schema=schema):
                yield piece
            while True:
                await anyio.sleep(0.01)
                yield " "
        finally:
            type(self).closed = True


@pytest.mark.parametrize(("said", "kept"), [(GOOD[: GOOD.index("The dike")], 1), ("{", 0)])
def test_a_slow_model_ends_at_the_deadline(said: str, kept: int) -> None:
    import time

    Dripping.closed = False
    start = time.monotonic()
    found = written(Dripping([said]), given=settings(timeout_s=0.4))
    assert time.monotonic() - start < 2
    assert Dripping.closed
    assert len(claims(found)) == kept
    said_why = reply(found).caveats[0] if kept else str(found[-1])
    assert "no complete reply came within 0.4 s (SWATH_ANSWER_TIMEOUT_S)" in said_why


def test_a_reply_of_endless_claims_is_cut_aloud() -> None:
    endless = a_reply(*(a_claim(f"Quay {chr(65 + n % 26)}{n} is dry.", 1) for n in range(200)))
    found = written(ScriptedModel([endless]))
    assert len(reply(found).claims) == MAX_CLAIMS
    assert reply(found).caveats == (f"The reply of the model was cut after {MAX_CLAIMS} claims.",)


def test_what_the_model_was_not_shown_is_said() -> None:
    found = written(ScriptedModel([GOOD]), given=settings(images=1))
    assert reply(found).caveats == ("The model was not shown 2 pictures [2], [3]: SWATH_ANSWER_IMAGES=1.",)


def test_no_evidence_is_no_request() -> None:
    model = ScriptedModel([GOOD])
    found = written(model, EvidenceSet())
    assert isinstance(found[-1], ModelError)
    assert model.requests == []


def test_the_repeating_model_claims_every_fact_and_item_and_cites_it() -> None:
    found = written(RepeatingModel(), an_evidence(tiles=12, passages=2))
    said = reply(found)
    assert said.dropped == ()
    assert {number for claim in said.claims for number in claim.cites} == set(range(1, 15))
    assert [claim.text for claim in said.claims][:3] == [
        "12 tiles match, on 5 dates.",
        "They cover 84.5 km2.",
        "sentinel-2-l2a saw this place on 2019-08-02.",
    ]


def test_the_repeating_model_survives_long_and_strange_passages() -> None:
    odd = tuple(a_passage(n, text=text) for n, text in ((4, "word " * 900), (5, "In 1997 90 % of 400 tiles.")))
    said = reply(written(RepeatingModel(), replace(an_evidence(), passages=odd)))
    assert {number for claim in said.claims for number in claim.cites} == {1, 2, 3, 4, 5}


def test_the_blind_model_says_the_same_of_any_evidence() -> None:
    assert claims(written(BlindModel())) == claims(written(BlindModel(), an_evidence(tiles=1))) != []


def test_the_key_is_in_nothing_that_is_said() -> None:
    key = "sk-test-0123456789abcdef"
    leaking = a_reply(a_claim(f"The key is {key}.", 1), caveats=(f"Use {key}.",))
    found = written(ScriptedModel([leaking]), given=settings(key=key))
    assert key not in repr(found)
    assert key not in repr(settings(key=key))
