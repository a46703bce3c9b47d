"""More of a real model behind a real server: many pictures, many askers, and askers who leave."""

from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from core import AnswerSettings
from retriever.rag import (
    AnswerModel,
    ImagePart,
    Message,
    ModelError,
    TextPart,
    brief,
    open_answer_model,
)
from tests.integration.tiny_vlm import TinyVlm, served_vlm
from tests.unit.retriever.answer_evidence import QUESTION, a_plan, an_evidence, picture_bytes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def vlm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyVlm]:
    pytest.importorskip("transformers", reason="the real server needs pip install 'transformers[serving]'")
    with served_vlm(tmp_path_factory.mktemp("vlm")) as running:
        yield running


def opened(vlm: TinyVlm, **changed: Any) -> AnswerModel:
    given: dict[str, Any] = {"url": vlm.url, "model": vlm.model, "max_tokens": 64, "timeout_s": 120, "retries": 0}
    model = open_answer_model(AnswerSettings(**(given | changed)))
    assert model is not None
    return model


def asked(*colours: tuple[int, int, int]) -> list[Message]:
    parts = [
        part
        for number, colour in enumerate(colours, start=1)
        for part in (TextPart(text=f"[{number}]"), ImagePart(media_type="image/png", data=picture_bytes(colour)))
    ]
    return [Message(role="user", parts=tuple(parts))]


async def whole(model: AnswerModel, messages: list[Message]) -> str:
    return "".join([piece async for piece in model.stream(messages)])


COLOURS = [(60 * n % 256, 40 * n % 256, 255 - 30 * n) for n in range(8)]


def test_every_one_of_eight_pictures_counts(vlm: TinyVlm) -> None:
    model = opened(vlm)

    async def replies() -> list[str]:
        changed = [[*COLOURS[:n], (255, 255, 255), *COLOURS[n + 1 :]] for n in range(8)]
        return [await whole(model, asked(*each)) for each in (COLOURS, *changed)]

    first, *others = anyio.run(replies)
    assert all(other != first for other in others)


def test_pictures_count_inside_a_whole_brief(vlm: TinyVlm) -> None:
    model = opened(vlm)
    given = AnswerSettings(images=6)

    def request(colours: list[tuple[int, int, int]]) -> list[Message]:
        system, user = brief(QUESTION, a_plan(), an_evidence(tiles=6, passages=0), (), given).messages
        pictures = [ImagePart(media_type="image/png", data=picture_bytes(colour)) for colour in colours]
        parts = [pictures.pop(0) if isinstance(part, ImagePart) else part for part in user.parts]
        return [system, Message(role="user", parts=tuple(parts))]

    async def replies() -> list[str]:
        return [await whole(model, request(colours)) for colours in (COLOURS[:6], [(255, 255, 255)] * 6, COLOURS[:6])]

    # The order of pictures tells in the short requests of the other tests; in a long one it does not always.
    shown, blank, again = anyio.run(replies)
    assert shown == again != blank


def test_askers_at_once_get_their_own_answers(vlm: TinyVlm) -> None:
    model = opened(vlm, concurrent=4)
    alone = [anyio.run(whole, model, asked(colour)) for colour in COLOURS[:4]]
    together: dict[int, str] = {}

    async def one(place: int) -> None:
        together[place] = await whole(model, asked(COLOURS[place]))

    async def all_four() -> None:
        async with anyio.create_task_group() as group:
            for place in range(4):
                group.start_soon(one, place)

    anyio.run(all_four)
    assert [together[place] for place in range(4)] == alone


def test_a_server_that_was_left_serves_the_next_one(vlm: TinyVlm) -> None:
    model = opened(vlm, max_tokens=2_000)

    async def leave() -> None:
        async with aclosing(model.stream(asked(COLOURS[0]))) as pieces:  # type: ignore[type-var]  # the port says iterator
            async for _ in pieces:
                break

    for _ in range(5):
        anyio.run(leave)
    assert anyio.run(whole, opened(vlm), asked(COLOURS[1]))


def test_a_deadline_holds_against_a_real_server(vlm: TinyVlm) -> None:
    import time

    model, start = opened(vlm, max_tokens=20_000, timeout_s=1.5), time.monotonic()
    with pytest.raises(ModelError, match=r"within 1\.5 s"):
        anyio.run(whole, model, asked(COLOURS[0]))
    assert time.monotonic() - start < 5
