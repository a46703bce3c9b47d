"""Whatever an archive holds, a request stays data inside its fence, and whatever a model then says, a reply stays ours.

The bytes are those of the request as it goes out. Words that people would read as a lie of the evidence ("the port is
closed") cannot be told from its truth, and come out as what they are: a sentence that cites the passage that says so.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import anyio
import pytest

from retriever.rag import Brief, Claim, ImagePart, Message, ModelError, Reply, TextPart, brief, write_with_model
from retriever.rag.testing import RepeatingModel, ScriptedModel
from retriever.rag.writing._instructions import CLOSING, INSTRUCTIONS
from retriever.rag.writing._openai_messages import said
from retriever.rag.writing._reply import MAX_CLAIMS
from retriever.rag.writing._shown import LONGEST_CLAIM, LONGEST_PASSAGE
from tests.unit.retriever.answer_evidence import QUESTION, settings
from tests.unit.retriever.poisoned import KEY, MARK, SAYS, SITE, Poisoned, poisoned

CASES = poisoned()
GIVEN = settings(key=KEY)
ALLOWED = {
    *("number", "date", "sensor", "collection", "bbox_lon_lat", "metres_per_pixel", "cloud_percent", "looked_for"),
    *("fits", "title", "text", "source", "lon_lat", "distance_km", "fact", "cites", "question", "place", "periods"),
    *("unknown_place", "answered", "legend"),
}
HEADINGS = (
    *("Question and how it was read:", "Earlier in this dialogue:", "Facts, computed from all matching records:"),
    *("Tiles:", "Passages:", CLOSING),
)

case = pytest.mark.parametrize("case", CASES, ids=lambda each: each.name)


def made(case: Poisoned) -> Brief:
    return brief(QUESTION, case.plan, case.evidence, case.turns, GIVEN)


def written(case: Poisoned, model: Any) -> list[Any]:
    async def collect() -> list[Any]:
        found: list[Any] = []
        try:
            async for item in write_with_model(QUESTION, case.plan, case.evidence, case.turns, model, GIVEN):
                found.append(item)  # noqa: PERF401  # a comprehension would lose what came before an error
        except ModelError as error:
            found.append(error)
        return found

    return anyio.run(collect)


def texts(found: Brief) -> list[str]:
    return [part.text for part in found.messages[1].parts if isinstance(part, TextPart)]


def outside(text: str) -> list[str]:
    """Return the lines that stand outside every fence; a fence opens and closes on lines of its own."""
    lines, inside = [], False
    for line in text.split("\n"):
        if line in ("<data>", "</data>"):
            assert (line == "<data>") is not inside
            inside = not inside
        elif not inside:
            lines.append(line)
    assert not inside
    return lines


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 25
    assert len({each.name for each in CASES}) == len(CASES)


@case
def test_instructions_are_the_same_whatever_the_archive_holds(case: Poisoned) -> None:
    system, user = made(case).messages
    assert (system.role, user.role) == ("system", "user")
    assert [part.text for part in system.parts if isinstance(part, TextPart)] == [INSTRUCTIONS]


@case
def test_outside_the_fence_stand_only_our_own_words(case: Poisoned) -> None:
    label = re.compile(r"\[\d+\] (\d{4}-\d\d-\d\d|no date), [A-Za-z0-9._:/ -]{1,80}, [A-Za-z0-9._:/ -]{1,80}")
    for text in texts(made(case)):
        assert all(line in HEADINGS or label.fullmatch(line) for line in outside(text)), outside(text)


@case
def test_inside_the_fence_stand_only_known_fields(case: Poisoned) -> None:
    for text in texts(made(case)):
        for fence in re.findall(r"^<data>\n(.*?)^</data>$", text, flags=re.MULTILINE | re.DOTALL):
            for line in fence.splitlines():
                row = json.loads(line)
                assert set(row) <= ALLOWED
                assert all(
                    len(value) <= max(2_000, LONGEST_PASSAGE) for value in row.values() if isinstance(value, str)
                )


@case
def test_the_bytes_sent_hold_no_control_and_no_way_out(case: Poisoned) -> None:
    sent = json.dumps(said(made(case).messages), ensure_ascii=False)
    words = re.sub(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=]+", "", sent)
    assert len(words) < 20_000
    assert not re.search(
        "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]", words
    )
    assert not {"<|", "|>", "[INST]", "</s>", "<image>", "<tool_call>", "<start_of_turn>", "```"} & {
        mark
        for mark in ("<|", "|>", "[INST]", "</s>", "<image>", "<tool_call>", "<start_of_turn>", "```")
        if mark in words
    }
    assert KEY not in sent
    assert sent.count("<data>") == sent.count("</data>") + 1  # once it is named in the instructions


@case
def test_what_is_not_allowed_is_not_sent(case: Poisoned) -> None:
    assert case.hidden == all(MARK not in text for text in texts(made(case)))


@case
def test_no_tools_and_no_links_are_sent(case: Poisoned) -> None:
    parts = [part for message in said(made(case).messages) for part in message["content"] if isinstance(part, dict)]
    assert {part["type"] for part in parts} == {"text", "image_url"}
    addresses = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert all(address.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")) for address in addresses)


@pytest.mark.parametrize("obeyed", SAYS)
def test_a_model_that_obeys_gets_nothing_through(obeyed: str) -> None:
    for case in CASES:
        model = ScriptedModel([SAYS[obeyed]], piece=4096)
        check(case, written(case, model))
        # What is asked again is asked in our own words.
        for request in model.requests[1:]:
            last = request[-1].parts[-1]
            assert isinstance(last, TextPart)
            assert MARK not in last.text
            assert SITE not in last.text


@case
def test_a_model_that_repeats_its_evidence_is_cleaned(case: Poisoned) -> None:
    found = written(case, RepeatingModel())
    check(case, found)
    assert isinstance(found[-1], Reply)


class Parrot(ScriptedModel):
    """Makes every text it was shown a claim about the first tile, fences, instructions and all."""

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        shown = [part.text for message in messages for part in message.parts if isinstance(part, TextPart)]
        lines = [line for text in shown for line in text.splitlines()]
        said_again = [{"text": line, "cites": [1], "confidence": 1.0} for line in lines]
        yield json.dumps({"answerable": True, "claims": said_again, "caveats": lines[:6]})


@case
def test_a_model_that_parrots_its_request_does_not_leak_it(case: Poisoned) -> None:
    check(case, written(case, Parrot([""])))


def check(case: Poisoned, found: list[Any]) -> None:
    """Assert what holds of every outcome."""
    allowed = made(case).numbers
    end = found[-1]
    assert isinstance(end, Reply | ModelError)
    claims = [item for item in found if isinstance(item, Claim)]
    if isinstance(end, ModelError):
        assert claims == []
    else:
        assert tuple(claims) == end.claims
    assert len(claims) <= MAX_CLAIMS
    for claim in claims:
        assert set(claim.cites) <= allowed
        assert claim.cites
        assert len(claim.text) <= LONGEST_CLAIM
    everything = [*(claim.text for claim in claims), str(end) if isinstance(end, ModelError) else ""]
    if isinstance(end, Reply):
        everything += [*end.caveats, *(part for each in end.dropped for part in (each.text, each.reason))]
    for text in everything:
        check_text(text)


def check_text(text: str) -> None:
    """Assert that a text holds no link, no markup, no control character, no key and no instruction."""
    assert text.isprintable()
    assert KEY not in text
    assert KEY not in re.sub(r"[^A-Za-z0-9-]", "", text)
    assert "".join(KEY.split("-")) not in re.sub(r"[^A-Za-z0-9]", "", text)
    assert not re.search(r"://|www\.|javascript:|<[a-z/!]|\]\(|```", text, flags=re.IGNORECASE)
    words = re.findall(r"[a-z0-9]+", text.lower())
    own = " ".join(re.findall(r"[a-z0-9]+", f"{INSTRUCTIONS} {CLOSING}".lower()))
    assert not [start for start in range(len(words) - 7) if f" {' '.join(words[start : start + 8])} " in f" {own} "]


def test_words_in_a_picture_go_as_a_picture_and_nothing_else() -> None:
    found = made(next(each for each in CASES if each.name == "words in a picture"))
    assert any(isinstance(part, ImagePart) for part in found.messages[1].parts)
    assert all(MARK not in text for text in texts(found))
