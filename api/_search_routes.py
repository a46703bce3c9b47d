"""Search."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from api._errors import RESPONSES
from api._schemas import SearchBody
from api._search_answers import SearchAnswer, TileWriter
from api._search_asking import asking_of
from api._search_links import Links
from api._search_pages import find_page
from api._search_params import SearchParams
from api._search_upload import Posted, described, posted
from api._services import Services, TheServices

router = APIRouter(prefix="/v1", tags=["search"])

_GONE: dict[int | str, dict[str, Any]] = {
    410: RESPONSES[400] | {"description": "The version of the index that the cursor pages through is gone."}
}


@router.post("/search", response_model=SearchAnswer, responses=_GONE, openapi_extra=described())
def search(
    request: Request,
    sent: Annotated[Posted, Depends(posted)],
    services: TheServices,
    previews: Annotated[Literal["link", "inline"], Query(description="Previews as addresses or data URIs.")] = "link",
    index: Annotated[str | None, Query(max_length=200, description="Which index; the body's comes first.")] = None,
) -> JSONResponse:
    """Return the tiles most like the query among those that pass every filter.

    The body is JSON, or ``multipart/form-data`` with a part ``request`` (the same JSON) and parts ``picture``. A
    picture alone is the query; beside words, a term ``{"picture": 0}`` of ``query`` says how much it counts.
    """
    body = sent.body if sent.body.index else sent.body.model_copy(update={"index": index})
    return _answer(request, services, body, sent.pictures, inline=previews == "inline")


@router.get("/search", response_model=SearchAnswer, responses=_GONE)
def search_by_link(request: Request, params: Annotated[SearchParams, Query()], services: TheServices) -> JSONResponse:
    """Return what ``POST /v1/search`` returns, by an address that can be shared."""
    return _answer(request, services, params.body(), (), inline=params.previews == "inline")


def _answer(
    request: Request, services: Services, body: SearchBody, pictures: tuple[bytes, ...], *, inline: bool
) -> JSONResponse:
    started = time.perf_counter()
    service = services.named(body.index)
    other = None if service is services.named(None) else service.name
    links = Links(root=request.scope.get("root_path", ""), index=other)
    writer = TileWriter(links=links, inline=inline, fields=body.fields or ())
    asking = asking_of(service, body, pictures)
    page = find_page(service, asking, previews=inline)
    answer = {
        "query": asking.echo(),
        "hits": [writer.hit(hit) for hit in page.hits],
        "matched": page.matched,
        "why": dict(page.why),
        "remarks": list(page.remarks),
        "encoder": f"{page.space.encoder}@{page.space.revision}",
        "next": page.next,
    }
    return JSONResponse(answer | {"took_ms": (time.perf_counter() - started) * 1000})
