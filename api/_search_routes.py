"""Search."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api._schemas import SearchBody
from api._search_answers import SearchAnswer, TileWriter
from api._search_links import Links
from api._search_params import SearchParams
from api._services import Service, TheServices
from retriever import SearchRequest

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/search", response_model=SearchAnswer)
def search(
    request: Request,
    body: SearchBody,
    services: TheServices,
    previews: Annotated[Literal["link", "inline"], Query(description="Previews as addresses or data URIs.")] = "link",
    index: Annotated[str | None, Query(max_length=200, description="Which index.")] = None,
) -> JSONResponse:
    """Return the tiles most like the query among those that pass every filter."""
    return _answer(request, services.named(body.index or index), services, body, inline=previews == "inline")


@router.get("/search", response_model=SearchAnswer)
def search_by_link(request: Request, params: Annotated[SearchParams, Query()], services: TheServices) -> JSONResponse:
    """Return what ``POST /v1/search`` returns, by an address that can be shared."""
    body = params.body()
    return _answer(request, services.named(body.index), services, body, inline=params.previews == "inline")


def _answer(
    request: Request, service: Service, services: TheServices, body: SearchBody, *, inline: bool
) -> JSONResponse:
    links = Links(
        root=request.scope.get("root_path", ""), index=None if service is services.named(None) else service.name
    )
    writer = TileWriter(links=links, inline=inline, fields=body.fields or ())
    given = body.model_dump(
        exclude={"index", "cursor", "fields", "query", "plus", "minus", "image_sensor", "min_score"}
    )
    hits = service.searcher.search(SearchRequest.build(**given))
    answer: dict[str, Any] = hits.to_dict() | {"hits": [writer.hit(hit) for hit in hits], "next": None}
    return JSONResponse(answer)
