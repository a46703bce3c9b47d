"""A real model behind a real server: pictures and words arrive, the reply streams, nonsense ends in an honest error."""

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from core import AnswerSettings
from retriever.rag import ImagePart, Message, ModelError, Step, TextPart, open_answer_model, write_with_model
from tests.integration.tiny_vlm import TinyVlm, served_vlm
from tests.unit.retriever.answer_evidence import QUESTION, a_plan, an_evidence, picture_bytes

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(scope="session")
def vlm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyVlm]:
    pytest.importorskip("transformers", reason="the real server needs pip install 'transformers[serving]'")
    pytest.importorskip("torch", reason="the real server needs torch")
    with served_vlm(tmp_path_factory.mktemp("vlm")) as running:
        yield running


def settings(vlm: TinyVlm, **changed: Any) -> AnswerSettings:
    given: dict[str, Any] = {"url": vlm.url, "model": vlm.model, "max_tokens": 64, "timeout_s": 60, "retries": 0}
    return AnswerSettings(**(given | changed))


def pieces(vlm: TinyVlm, *colours: tuple[int, int, int], text: str = "What is it?", **changed: Any) -> list[str]:
    """Return the reply to a question about pictures of one colour each, as it streamed in."""
    model = open_answer_model(settings(vlm, **changed))
    assert model is not None
    pictures = [ImagePart(media_type="image/png", data=picture_bytes(colour)) for colour in colours]
    message = Message(role="user", parts=(TextPart(text=text), *pictures))

    async def collect() -> list[str]:
        return [piece async for piece in model.stream([message], schema={"type": "object"})]

    return anyio.run(collect)


def test_pictures_arrive_and_change_a_reply_that_streams(vlm: TinyVlm) -> None:
    red, blue = pieces(vlm, RED), pieces(vlm, BLUE)
    assert len(red) > 5
    assert "".join(red) != "".join(blue)
    assert pieces(vlm, RED) == red
    # In another order they are another question.
    assert "".join(pieces(vlm, RED, BLUE)) != "".join(pieces(vlm, BLUE, RED))


def test_a_server_that_ignores_the_form_of_the_reply_is_survived(vlm: TinyVlm) -> None:
    given = settings(vlm, images=2)
    model = open_answer_model(given)
    assert model is not None

    async def collect() -> list[Any]:
        found: list[Any] = []
        try:
            async for item in write_with_model(QUESTION, a_plan(), an_evidence(), (), model, given):
                found.append(item)  # noqa: PERF401  # a comprehension would lose what came before the error
        except ModelError as error:
            found.append(error)
        return found

    found = anyio.run(collect)
    assert [type(item) for item in found] == [Step, Step, ModelError]  # not one claim
    assert [step.name for step in found[:2]] == ["model", "repair"]
    assert str(found[2]) == "the reply holds no JSON object"
    assert model.name == "tiny-vlm"  # without the folder it lies in
