"""Questions: claims that each cite tiles, as they come or as one document."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from api._ask_answers import AnswerWriter
from api._ask_desk import TheDesk
from api._ask_events import EventStream, OneDocument, Told
from api._ask_schemas import AnswerView, AskBody
from api._search_links import Links
from api._services import TheServices
from api._tile_originals import TheOriginals
from retriever.rag import Event

PATH = "/v1/ask"

router = APIRouter(prefix="/v1", tags=["ask"])

_STREAM = """\
event: step
data: {"name":"plan","text":"Read as where: harbour.","seconds":0.01,"detail":{}}

event: claim
data: {"text":"A harbour is seen.","cites":[1],"confidence":0.93}

event: answer
data: {"question":"Which harbours are there?","claims":[{"text":"A harbour is seen.","cites":[1],"confidence":0.93}]}

event: done
data: {"seconds":0.4}

"""

_EVENT = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string", "description": "JSON."}},
    "required": ["event", "data"],
}
"""Each event of the stream: OpenAPI 3.1 has no words for streams, and its tools read the schema as one event's."""

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": AnswerView,
        "description": "Events `step`, `plan`, `evidence`, `claim`, `answer` and `done`, or one document where only "
        "`application/json` is accepted. What fails after the first event is an event `error` with the usual body.",
        "content": {"text/event-stream": {"schema": _EVENT, "example": _STREAM}},
    }
}


@router.post("/ask", response_class=Response, responses=_ANSWERS)
async def ask(
    *,
    request: Request,
    body: AskBody,
    services: TheServices,
    desk: TheDesk,
    originals: TheOriginals,
    previews: Annotated[Literal["link", "inline"], Query(description="Previews as addresses or data URIs.")] = "link",
    index: Annotated[str | None, Query(max_length=200, description="Which index; the body's comes first.")] = None,
) -> Response:
    """Answer a question with claims that each cite tiles, or say that the archive does not show it.

    The answer is written by the server's answer model and checked, or from records alone where no model is set up.
    An edited `plan` is taken as it is; `turns` makes the question a follow-up of earlier ones.
    """
    service = services.named(body.index or index)
    asked = await run_in_threadpool(body.request)
    other = None if service is services.named(None) else service.name
    links = Links(root=request.scope.get("root_path", ""), index=other)
    writer = AnswerWriter(links=links, explain=body.explain, inline=previews == "inline")
    if not _wants_one_document(request.headers.get("accept", "")):
        return EventStream(_told(desk.events(service, originals, asked), writer))

    async def whole() -> dict[str, Any]:
        return writer.answer(await desk.answer(service, originals, asked))

    return OneDocument(whole)


def _wants_one_document(accept: str) -> bool:
    return "application/json" in accept and "text/event-stream" not in accept


async def _told(events: AsyncGenerator[Event, None], writer: AnswerWriter) -> AsyncGenerator[Told, None]:
    started = time.perf_counter()
    async with aclosing(events) as coming:
        async for event in coming:
            yield event.name, writer.event(event)
    yield "done", {"seconds": round(time.perf_counter() - started, 3)}
