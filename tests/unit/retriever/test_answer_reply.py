"""A reply is read while it is written: claims come out once complete, and only where the model says it can answer."""

import json
import time
from typing import Any

import pytest

from retriever.rag import Claim, DroppedClaim
from retriever.rag.writing._reply import LONGEST_REPLY, MAX_CLAIMS, ReplyReader, reply_schema
from tests.unit.retriever.answer_evidence import a_claim, a_reply


def checked(item: Any) -> Claim | DroppedClaim:
    if not isinstance(item, dict) or "text" not in item or not item.get("cites"):
        return DroppedClaim(text="", reason="cites nothing")
    return Claim(text=item["text"], cites=tuple(item["cites"]), confidence=item.get("confidence"))


def read(text: str, piece: int = 1) -> tuple[ReplyReader, list[tuple[int, str]]]:
    """Return a reader that has read a text, and what came out after how many characters."""
    reader, out = ReplyReader(checked), []
    for start in range(0, len(text), piece):
        out += [(start + piece, claim.text) for claim in reader.feed(text[start : start + piece])]
        if reader.full:
            break
    return reader, out


TWO = a_reply(a_claim("First.", 1), a_claim("Second.", 2), caveats=("Cloudy.",))


@pytest.mark.parametrize("piece", [1, 3, 17, 10_000])
def test_claims_come_in_order_however_the_text_is_cut(piece: int) -> None:
    reader, out = read(TWO, piece)
    assert [text for _, text in out] == ["First.", "Second."]
    assert (reader.complete, reader.problem, reader.answerable, reader.caveats) == (True, None, True, ["Cloudy."])


def test_a_claim_comes_before_the_reply_ends() -> None:
    _, out = read(TWO)
    assert out[0][0] < TWO.index("Second.") + len("Second.") + 40
    assert out[1][0] < len(TWO)


def test_an_incomplete_claim_does_not_come() -> None:
    text = '{"answerable": true, "claims": [{"text": "First.", "cites": [1, 2'
    assert read(text)[1] == []
    assert read(text + '0], "confidence": 0.9')[1] == []


def test_claims_wait_until_it_is_known_whether_there_is_an_answer() -> None:
    late = json.dumps({"claims": [a_claim("First.", 1)], "caveats": [], "answerable": True})
    _, out = read(late)
    assert out == [(len(late), "First.")]
    denied = json.dumps({"claims": [a_claim("First.", 1)], "caveats": [], "answerable": False})
    reader, out = read(denied)
    assert out == []
    assert reader.dropped == [DroppedClaim(text="First.", reason='stands beside "answerable": false')]


@pytest.mark.parametrize(
    "around",
    [
        "```json\n{}\n```",
        "Here is the answer:\n{}\nI hope this helps! {{}}",
        '<think>Perhaps {{"answerable": false, "claims": []}} or so.</think>\n{}',
        "\ufeff  {}",
    ],
)
def test_what_stands_around_the_object_is_not_read(around: str) -> None:
    reader, out = read(around.format(TWO))
    assert [text for _, text in out] == ["First.", "Second."]
    assert reader.complete


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no JSON object"),
        ("The harbour was flooded [1].", "holds no JSON object"),
        ("[1, 2, 3]", "holds no JSON object"),
        ('<think>I wonder {"answerable": true}', "holds no JSON object"),
        ('{"answerable": "yes", "claims": []}', '"answerable" must be true or false'),
        ('{"answerable": 1, "claims": []}', '"answerable" must be true or false'),
        ('{"answerable": true, "claims": {}}', '"claims" must be a list'),
        ('{"answerable": true}', 'lacks "claims"'),
        ('{"claims": []}', 'lacks "answerable"'),
        ("{}", 'lacks "answerable" and "claims"'),
        ('{"answer": "it was flooded"}', 'lacks "answerable" and "claims"'),
    ],
)
def test_what_is_no_reply_says_why(text: str, problem: str) -> None:
    reader, out = read(text)
    assert out == []
    assert reader.problem == problem


@pytest.mark.parametrize(
    "text",
    [
        "{'answerable': true, 'claims': []}",
        '{"answerable": true, "answerable": false, "claims": []}',
        '{"answerable": true, "claims": [{"text": "a", "cites": [1], "confidence": NaN}]}',
        '{"answerable": true, "claims": [}',
        '{"a":' * 5_000 + "}",
    ],
)
def test_broken_json_lets_nothing_through(text: str) -> None:
    reader, out = read(text, 64)
    assert out == []
    assert reader.problem
    assert "\n" not in reader.problem


def test_a_claim_said_twice_is_dropped() -> None:
    reader, out = read(a_reply(a_claim("Same.", 1), a_claim("Same.", 2), a_claim("Same.", 1)))
    assert len(out) == 2
    assert reader.dropped == [DroppedClaim(text="Same.", reason="was said before")]


def test_reading_ends_with_the_object() -> None:
    reader, _ = read(TWO + "x" * 1_000)
    assert reader.characters == len(TWO)


def test_endless_claims_are_cut() -> None:
    endless = '{"answerable": true, "claims": [' + ", ".join(json.dumps(a_claim(f"No. {n}.", 1)) for n in range(500))
    reader, out = read(endless, 16)
    assert len(out) == MAX_CLAIMS
    assert reader.full
    assert reader.characters < len(endless) / 2


@pytest.mark.parametrize("filler", [" ", "\n", "a", '"', "{", "[", "]", "}"])
def test_endless_text_is_cut_and_costs_little(filler: str) -> None:
    reader, start = ReplyReader(checked), time.process_time()
    reader.feed('{"answerable": true, "claims": [')
    fed = 0
    while not reader.full and fed < 10 * LONGEST_REPLY:
        reader.feed(filler * 64)
        fed += 64
    assert fed <= LONGEST_REPLY + 64
    assert reader.claims == []
    assert time.process_time() - start < 3


@pytest.mark.parametrize("filler", ["[],", "{},", '"}",'])
def test_brackets_that_come_one_by_one_cost_little(filler: str) -> None:
    reader, start = ReplyReader(checked), time.process_time()
    for char in '{"x":[' + filler * 4_000:
        reader.feed(char)
    # 9 s and more when every bracket had the whole read anew.
    assert time.process_time() - start < 5


@pytest.mark.parametrize("piece", [1, 3, 64])
def test_every_claim_of_a_long_reply_comes_out_at_its_end(piece: int) -> None:
    texts = [f"Lake {number} {'shrinks slowly ' * 10}." for number in range(60)]
    reader, out = read(a_reply(*(a_claim(text, 1) for text in texts)), piece)
    rest = reader.end()
    assert [*(text for _, text in out), *(claim.text for claim in rest)] == texts
    assert reader.complete
    assert out[20][0] < 21 * 260 + 500, "claims come while the reply is being written"
    assert reader.end() == []


def test_the_schema_names_the_evidence() -> None:
    schema = reply_schema({2, 1, 14})
    assert schema["properties"]["claims"]["items"]["properties"]["cites"]["items"]["enum"] == [1, 2, 14]
    assert list(schema["properties"]) == ["answerable", "claims", "caveats"]  # claims stream only after answerable
    assert schema["additionalProperties"] is False
