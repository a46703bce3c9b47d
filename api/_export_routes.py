"""Hits as a file, sent while it is written: a few hundred hits are in memory at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from api._export_writers import Export, csv_file, geojson_file, geoparquet_file, stac_file
from api._schemas import SearchBody
from api._search_answers import TileWriter
from api._search_asking import asking_of
from api._search_links import Links
from api._search_params import SearchParams
from api._services import TheServices
from core import QueryError

router = APIRouter(prefix="/v1", tags=["search"])

FileFormat = Literal["geojson", "csv", "geoparquet", "stac"]
"""What hits can be sent as."""


@dataclass(frozen=True, kw_only=True)
class _Kind:
    media: str
    ending: str
    write: Callable[[Export], Iterator[bytes]]


_KINDS: dict[str, _Kind] = {
    # RFC 7946, 12; RFC 4180, 3.
    "geojson": _Kind(media="application/geo+json", ending="geojson", write=geojson_file),
    "csv": _Kind(media="text/csv; charset=utf-8; header=present", ending="csv", write=csv_file),
    # The specification asks for this media type and this ending.
    "geoparquet": _Kind(media="application/vnd.apache.parquet", ending="parquet", write=geoparquet_file),
    "stac": _Kind(media="application/geo+json", ending="stac.json", write=stac_file),
}

_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {kind.media.partition(";")[0]: {} for kind in _KINDS.values()},
    }
}


class ExportOptions(BaseModel):
    """Query parameters of a file whose search is in the body."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[FileFormat, Field(description="Of the file.")]
    previews: Annotated[Literal["link", "inline"], Field(description="Previews as addresses, or in the file.")] = "link"
    index: Annotated[str | None, Field(max_length=200, description="Which index; the body's comes first.")] = None


class ExportParams(SearchParams):
    """Query parameters of a search, and of the file."""

    format: Annotated[FileFormat, Field(description="Of the file.")]


@router.post("/export", response_class=StreamingResponse, responses=_FILES)
def export(
    request: Request,
    body: SearchBody,
    options: Annotated[ExportOptions, Query()],
    services: TheServices,
) -> StreamingResponse:
    """Send the hits of a search as a file.

    ``geojson`` and ``stac`` are GeoJSON FeatureCollections, ``csv`` has no footprints, ``geoparquet`` is version 1.1
    with a bbox covering. ``k`` is up to 10,000. Errors are told before the file begins.
    """
    asked = body if body.index else body.model_copy(update={"index": options.index})
    return _answer(request, services, asked, _KINDS[options.format], inline=options.previews == "inline")


@router.get("/export", response_class=StreamingResponse, responses=_FILES)
def export_by_link(
    request: Request, params: Annotated[ExportParams, Query()], services: TheServices
) -> StreamingResponse:
    """Send what ``POST /v1/export`` sends, by an address that can be shared."""
    return _answer(request, services, params.body(), _KINDS[params.format], inline=params.previews == "inline")


def _answer(
    request: Request, services: TheServices, body: SearchBody, kind: _Kind, *, inline: bool
) -> StreamingResponse:
    _check(body, kind)
    service = services.named(body.index)
    asking = asking_of(service, body)
    # A file leaves the server behind, so its addresses say where they lead.
    links = Links(
        root=str(request.base_url).rstrip("/"), index=None if service is services.named(None) else service.name
    )
    wanted = Export(
        service=service,
        found=service.searcher.find(asking.request(body.k)),
        query=asking.echo(),
        writer=TileWriter(links=links, inline=inline, fields=body.fields or ()),
    )
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(body)}.{kind.ending}"'}
    return StreamingResponse(_begun(kind.write(wanted)), media_type=kind.media, headers=headers)


def _check(body: SearchBody, kind: _Kind) -> None:
    if body.cursor is not None:
        raise QueryError("an export has no pages: leave out cursor and say with k how many hits it holds")
    if body.fields and kind is not _KINDS["geojson"]:
        raise QueryError("fields can be chosen in geojson only; the other formats always have all their columns")


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, the first of them made: what fails on the way there is still an error, not half a file."""
    return chain((next(chunks, b""),), chunks)


def _file_name(body: SearchBody) -> str:
    """``swath-`` and the words that were searched for, as far as every file system takes them."""
    words = body.text or " ".join(term.text for term in body.query or () if term.text) or "tiles"
    plain = re.sub(r"[^a-z0-9]+", "-", words.lower())[:60].strip("-")
    return f"swath-{plain or 'tiles'}"
