"""Every way a model server behaves, well or badly, ends in a right or an honest answer, in time."""

import gzip
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from core import AnswerSettings, ConfigError
from retriever.rag import Claim, Message, ModelError, Reply, TextPart, open_answer_model, write_with_model
from tests.integration.scripted_model import (
    ScriptedServer,
    Talk,
    answers,
    drops,
    never_ends,
    says,
    scripted_server,
    streams,
    without,
)
from tests.unit.retriever.answer_evidence import QUESTION, a_claim, a_plan, a_reply, an_evidence

KEY = "sk-test-0123456789abcdef"
GOOD = a_reply(a_claim("The quay stands in water.", 2), a_claim("The dike is dry.", 1, 3))
FIRST = GOOD[: GOOD.index("The dike")]


def settings(server: ScriptedServer, **changed: Any) -> AnswerSettings:
    given: dict[str, Any] = {"url": server.url, "model": "tiny", "key": KEY, "timeout_s": 5, "retries": 1}
    return AnswerSettings(**(given | changed))


def asked(server: ScriptedServer, **changed: Any) -> list[Any]:
    """Return all that comes of a question; the ModelError that ends it is the last item."""
    given = settings(server, **changed)

    async def collect() -> list[Any]:
        model = open_answer_model(given)
        assert model is not None
        found: list[Any] = []
        try:
            async for item in write_with_model(QUESTION, a_plan(), an_evidence(), (), model, given):
                found.append(item)  # noqa: PERF401  # a comprehension would lose what came before an error
        except ModelError as error:
            found.append(error)
        return found

    start = time.monotonic()
    found = anyio.run(collect)
    assert time.monotonic() - start < given.timeout_s + 1
    return found


def claims(found: list[Any]) -> list[str]:
    return [item.text for item in found if isinstance(item, Claim)]


def error(found: list[Any]) -> str:
    assert isinstance(found[-1], ModelError), found[-1]
    return str(found[-1])


def test_a_valid_answer_arrives_with_what_was_sent() -> None:
    with scripted_server(says(GOOD)) as server:
        found = asked(server)
    assert claims(found) == ["The quay stands in water.", "The dike is dry."]
    (seen,) = server.chats
    sent = seen.document
    assert sent["model"] == "tiny"
    assert sent["stream"] is True
    assert (sent["temperature"], sent["max_tokens"]) == (0.0, 1_500)
    assert sent["response_format"]["json_schema"]["schema"]["required"] == ["answerable", "claims", "caveats"]
    assert not {"tools", "tool_choice", "functions", "web_search_options"} & set(sent)
    kinds = [part["type"] for part in sent["messages"][1]["content"]]
    assert kinds == ["text", *["text", "image_url"] * 3, "text"]
    assert sent["messages"][1]["content"][2]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("The harbour was flooded.", GOOD, 2),
        (f"```json\n{GOOD}\n```", GOOD, 2),
        (a_reply(a_claim("Made up.", 99)), GOOD, 2),
        (a_reply({"text": "Uncited.", "cites": []}), GOOD, 2),
        (a_reply(a_claim("Made up.", 99), a_claim("The dike is dry.", 3)), GOOD, 1),
        (a_reply(answerable=False), GOOD, 0),
    ],
    ids=["prose", "fence", "outside", "uncited", "mixed", "unanswerable"],
)
def test_replies_are_checked_and_repaired_once(first: str, second: str, kept: int) -> None:
    with scripted_server(says(first), says(second)) as server:
        found = asked(server)
    assert len(claims(found)) == kept
    assert isinstance(found[-1], Reply)
    assert len(server.chats) <= 2


def test_prose_twice_falls_back() -> None:
    with scripted_server(says("The harbour was flooded.")) as server:
        assert error(asked(server)) == "the reply holds no JSON object"
    assert len(server.chats) == 2


@pytest.mark.parametrize("filler", ["a", " \n", '{"a": '])
def test_endless_output_is_cut_and_the_server_told_to_stop(filler: str) -> None:
    with scripted_server(never_ends(filler * 500, before=FIRST)) as server:
        found = asked(server)
        assert server.hung_up.wait(5)
    assert claims(found) == ["The quay stands in water."]
    assert "cut" in found[-1].caveats[0]


def test_a_line_without_end_is_cut() -> None:
    with scripted_server(streams(b"data: ", *[b"a" * 2**20] * 6)) as server:
        assert "more than 4,194,304 bytes" in error(asked(server))


def test_slow_tokens_end_at_the_deadline_with_what_was_checked() -> None:
    with scripted_server(never_ends(" ", before=FIRST, pause=0.05)) as server:
        found = asked(server, timeout_s=0.8)
        assert server.hung_up.wait(5)
    assert claims(found) == ["The quay stands in water."]
    assert "within 0.8 s" in found[-1].caveats[0]


def test_a_server_that_says_nothing_ends_at_the_deadline() -> None:
    with scripted_server(lambda _: time.sleep(1.5)) as server:
        assert "within 0.5 s" in error(asked(server, timeout_s=0.5))


@pytest.mark.parametrize("wait", ["0", "0.2", "date"])
def test_busy_servers_are_asked_again_after_the_time_they_say(wait: str) -> None:
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True) if wait == "date" else wait
    with scripted_server(answers(429, headers={"retry-after": header}), says(GOOD)) as server:
        start = time.monotonic()
        assert len(claims(asked(server))) == 2
        assert time.monotonic() - start >= (float(wait) if wait != "date" else 0)
    assert len(server.chats) == 2


def test_a_wait_beyond_the_deadline_is_not_waited() -> None:
    with scripted_server(answers(429, "later", {"retry-after": "60"})) as server:
        start = time.monotonic()
        assert error(asked(server)) == "the model server answers 429: it is busy and asks to wait 60 s (later)"
        assert time.monotonic() - start < 2
    assert len(server.chats) == 1


@pytest.mark.parametrize("header", ["soon", "-5", "nan", "inf", "Wed, 99 Foo"])
def test_senseless_waits_are_our_own(header: str) -> None:
    with scripted_server(answers(429, headers={"retry-after": header}), says(GOOD)) as server:
        assert len(claims(asked(server))) == 2


def test_a_failing_server_is_asked_again_and_then_named(caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(answers(500, "out of memory"), says(GOOD)) as server:
        assert len(claims(asked(server))) == 2
    with scripted_server(answers(500, "out of memory")) as server:
        assert error(asked(server)) == "the model server answers 500: it failed (out of memory)"
    assert len(server.chats) == 2
    assert caplog.records == [], "the answer says it; a line for each wait would stand before it"


def test_a_lost_connection_is_made_again() -> None:
    with scripted_server(drops(), says(GOOD)) as server:
        assert len(claims(asked(server))) == 2


def test_a_connection_lost_on_the_way_keeps_what_was_checked() -> None:
    with scripted_server(drops(FIRST + "The d")) as server:
        found = asked(server)
    assert claims(found) == ["The quay stands in water."]
    assert "broke off" in found[-1].caveats[0]
    assert len(server.chats) == 1


def test_a_connection_lost_before_a_claim_is_made_again_and_then_named() -> None:
    with scripted_server(drops('{"answ'), says(GOOD)) as server:
        assert len(claims(asked(server))) == 2
    with scripted_server(drops('{"answ')) as server:
        assert "closed the connection" in error(asked(server))


def test_no_server_is_named() -> None:
    with scripted_server(says(GOOD)) as server:
        pass
    found = asked(server, retries=0)
    assert error(found) == "the model server cannot be reached, or closed the connection; see SWATH_ANSWER_URL"


def test_a_wrong_model_name_lists_the_right_ones() -> None:
    with scripted_server(answers(404, "not found"), models=("tiny", "large")) as server:
        said = error(asked(server, model="huge"))
    assert said == "the model server knows no model 'huge' (404); set SWATH_ANSWER_MODEL to one of: tiny, large"
    assert len(server.chats) == 1


def test_without_a_name_the_only_model_is_asked_once_it_is_known() -> None:
    with scripted_server(says(GOOD), models=("only-one",)) as server:
        assert len(claims(asked(server, model=""))) == 2
    assert server.chats[0].document["model"] == "only-one"
    with scripted_server(says(GOOD), models=("one", "two")) as server:
        assert error(asked(server, model="")) == "SWATH_ANSWER_MODEL is not set; the model server lists one, two"
    assert server.chats == []


def test_a_server_that_comes_up_with_another_model_is_asked_for_that() -> None:
    with scripted_server(says(GOOD), answers(404, "no such model"), says(GOOD), models=("before",)) as server:
        model = open_answer_model(settings(server, model=""))
        assert model is not None

        async def replies() -> list[str]:
            before = await spoken(model.stream(hello()))
            server.models = ("after",)
            return [before, await spoken(model.stream(hello()))]

        assert anyio.run(replies) == [GOOD, GOOD]
    assert [chat.document["model"] for chat in server.chats] == ["before", "before", "after"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with scripted_server(says(GOOD)) as thief:
        location = {"location": f"{thief.url.replace('127.0.0.1', 'localhost')}/chat/completions"}
        with scripted_server(answers(status, headers=location)) as server:
            said = error(asked(server))
    assert "redirects" in said
    assert thief.seen == []
    assert str(thief.port) not in said


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_and_not_shown(status: int) -> None:
    with scripted_server(answers(status, f"wrong key {KEY}")) as server:
        said = error(asked(server))
    assert said == f"the model server answers {status}: it refuses the key; set SWATH_ANSWER_KEY (wrong key (key))"
    assert len(server.chats) == 1


def test_the_line_end_of_a_file_is_no_part_of_a_key() -> None:
    with scripted_server(says(GOOD)) as server:
        assert len(claims(asked(server, key=f"{KEY}\r\n"))) == 2
    assert server.chats[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", ["sk-test\n0123456789abcdef", "sk-t\u0435st-0123456789abcdef"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigError, match="SWATH_ANSWER_KEY holds") as refused:
        open_answer_model(AnswerSettings(url="http://localhost/v1", key=SecretStr(key)))
    assert "0123456789" not in str(refused.value)


def test_a_packed_reply_is_refused_before_it_is_unpacked() -> None:
    def packed(talk: Talk) -> None:
        body = gzip.compress(b"data: " + b"x" * 2**20)
        talk.whole(200, body, {"content-type": "text/event-stream", "content-encoding": "gzip"})

    with scripted_server(packed) as server:
        assert error(asked(server)) == "the model server packs its replies (gzip), though asked not to"
    assert len(server.chats) == 1


def test_the_key_is_in_no_log_no_error_and_no_repr(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    with (
        caplog.at_level(logging.DEBUG),
        scripted_server(answers(500, f"{KEY} leaked"), says(f"{KEY} {GOOD}")) as server,
    ):
        found = asked(server)
        model = open_answer_model(settings(server))
    assert server.chats[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in caplog.text + repr(found) + repr(model) + repr(settings(server)) + str(vars(model))


def test_only_what_is_meant_goes_to_the_server_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET"):
        monkeypatch.setenv(f"OPENAI_{name}", "SECRET-OF-ANOTHER-SERVER")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: SECRET-OF-ANOTHER-SERVER\nX-Mine: SECRET-OF-ANOTHER")
    with scripted_server(says(GOOD)) as other, scripted_server(says(GOOD)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, other.url.removesuffix("/v1"))
        monkeypatch.setenv("OPENAI_BASE_URL", other.url)
        assert len(claims(asked(server, key=""))) == 2
    assert other.seen == []
    headers = server.chats[0].headers
    assert "authorization" not in headers
    assert set(headers) <= {
        *("host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"),
    }


@pytest.mark.parametrize(
    ("parameter", "message", "kept"),
    [
        ("response_format", "response_format is not supported", {"temperature", "max_tokens"}),
        ("response_format", "grammar cannot be compiled", {"temperature", "max_tokens"}),
        ("temperature", "temperature has only its default", {"response_format", "max_tokens"}),
        ("max_tokens", "use max_completion_tokens, not max_tokens", {"max_completion_tokens", "temperature"}),
    ],
)
def test_a_parameter_that_is_declined_is_left_out_from_then_on(parameter: str, message: str, kept: set[str]) -> None:
    with scripted_server(without(parameter, says(GOOD), message)) as server:
        given = settings(server)
        model = open_answer_model(given)
        assert model is not None

        async def twice() -> None:
            for _ in range(2):
                found = [item async for item in write_with_model(QUESTION, a_plan(), an_evidence(), (), model, given)]
                assert len(claims(found)) == 2

        anyio.run(twice)
    assert [parameter in seen.document for seen in server.chats] == [True, False, False]
    assert kept <= set(server.chats[-1].document)


def test_a_request_that_is_refused_whatever_it_holds_is_named() -> None:
    with scripted_server(answers(400, "maximum context length is 4096 tokens")) as server:
        said = error(asked(server))
    assert said == "the model server answers 400: it refuses the request (maximum context length is 4096 tokens)"
    assert len(server.chats) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"data: not json\n\n",
        b'data: {"choices": null}\n\n',
        b"data: []\n\n",
        b"data: \xff\xfe\n\n",
        b'data: {"choices": [{"index": 0, "delta": {"content": 7}}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": null}]}\n\n',
        b'data: {"error": {"message": "CUDA out of memory"}}\n\n',
        b"<html>",
        b"",
        b'data: {"choices": [{"index": 0, "delta": {"refusal": "I cannot."}}]}\n\n',
    ],
)
def test_what_is_not_the_protocol_is_an_honest_error(data: bytes) -> None:
    with scripted_server(streams(data)) as server:
        said = error(asked(server))
    assert "\n" not in said
    assert "Traceback" not in said


def test_an_answer_that_is_no_stream_is_an_honest_error() -> None:
    with scripted_server(lambda talk: talk.whole(200, b"<html>a login page</html>")) as server:
        assert error(asked(server))


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_the_server_sees_when_the_client_leaves(how: str) -> None:
    with scripted_server(never_ends(" ", before=FIRST, pause=0.01)) as server:
        given = settings(server, timeout_s=30)

        async def leave() -> None:
            model = open_answer_model(given)
            assert model is not None
            with anyio.move_on_after(0.7 if how == "cancelled" else 20):
                async with aclosing(write_with_model(QUESTION, a_plan(), an_evidence(), (), model, given)) as items:
                    async for item in items:
                        if how == "closed" and isinstance(item, Claim):
                            break
            # In the same loop: what was held must be free again.
            assert await anyio.to_thread.run_sync(server.hung_up.wait, 5)

        anyio.run(leave)
        assert server.hung_up.is_set()


def hello() -> list[Message]:
    return [Message(role="user", parts=(TextPart(text="Hello"),))]


async def spoken(stream: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in stream])


@pytest.mark.parametrize(("concurrent", "most"), [(1, 1), (2, 2)])
def test_only_so_many_requests_go_at_once(concurrent: int, most: int) -> None:
    with scripted_server(says("abcdef", piece=1, pause=0.02)) as server:
        given = settings(server, concurrent=concurrent)

        async def four() -> None:
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    model = open_answer_model(given)
                    assert model is not None
                    group.start_soon(spoken, model.stream(hello()))

        anyio.run(four)
    assert len(server.chats) == 4
    assert server.most_open == most


def test_waiting_for_a_turn_ends_at_the_deadline() -> None:
    with scripted_server(says("a" * 40, piece=1, pause=0.05)) as server:
        patient, hasty = settings(server, concurrent=1), settings(server, concurrent=1, timeout_s=0.3)

        async def both() -> None:
            one, other = open_answer_model(patient), open_answer_model(hasty)
            assert one is not None
            assert other is not None
            async with anyio.create_task_group() as group:
                group.start_soon(spoken, one.stream(hello()))
                await anyio.sleep(0.2)
                with pytest.raises(ModelError, match="SWATH_ANSWER_CONCURRENT"):
                    await spoken(other.stream(hello()))
                group.cancel_scope.cancel()

        anyio.run(both)


def test_a_text_goes_as_plain_text_and_a_model_serves_several_loops() -> None:
    with scripted_server(says("Hi.")) as server:
        model = open_answer_model(settings(server))
        assert model is not None
        assert [anyio.run(spoken, model.stream(hello())) for _ in range(2)] == ["Hi.", "Hi."]
        assert model.name == "tiny"
    assert server.chats[0].document["messages"] == [{"role": "user", "content": "Hello"}]
    assert "response_format" not in server.chats[0].document


@pytest.mark.parametrize(
    "url",
    ["ftp://host/v1", "localhost:8000", "http://user:pw@host/v1", "http://host/v1?key=1", "http://", "http://[::1"],
)
def test_an_address_that_cannot_be_asked_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError, match="SWATH_ANSWER_URL") as caught:
        open_answer_model(AnswerSettings(url=url))
    assert "pw" not in str(caught.value)


def test_no_address_is_no_model() -> None:
    assert open_answer_model(AnswerSettings(url="")) is None


def test_pictures_and_words_go_out_as_they_were_made() -> None:
    with scripted_server(says(GOOD)) as server:
        asked(server)
    text = server.chats[0].document["messages"][1]["content"][0]["text"]
    rows = [json.loads(line) for line in re.findall(r"^\{.*\}$", text, flags=re.MULTILINE)]
    assert {row["number"] for row in rows if "number" in row} == {1, 2, 3, 4}
