"""One tile: what is known of it, its pictures, its pixels, its place at other dates."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api import _tile_legends, _tile_pictures, _tile_series
from api._errors import RESPONSES, error_response
from api._search_answers import TileView, TileWriter
from api._search_links import Links
from api._services import TheService, TheServices
from api._tile_caching import Shown, answer
from api._tile_originals import Originals, TheOriginals, pixel_key
from core import Record, StoreError, SwathError
from indexer import RenderingError, check_rendering
from retriever import SearchRequest, find_tile

router = APIRouter()
tiles = APIRouter(prefix="/v1/tiles", tags=["tiles"])

MAX_SIZE = 2048
"""Longest side of a picture, in pixels."""

TileId = Annotated[
    str, Path(max_length=1000, description="As hits name it; percent-encoded.", examples=["naip~scene-1~r0000c0003"])
]
"""Ids may hold slashes, so every path takes the longest one."""

_UNREADABLE: dict[int | str, dict[str, Any]] = {
    404: RESPONSES[404] | {"description": "There is no such tile, or its pixels are out of reach."}
}
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it; see If-None-Match."}}
_PART: dict[int | str, dict[str, Any]] = {
    206: {"description": "The part that Range names.", "content": {_tile_pictures.GEOTIFF: {}}},
    416: RESPONSES[404] | {"description": "Range lies outside the file."},
}


def record_of(tile_id: TileId, service: TheService) -> Record:
    """Return the tile that the path names.

    Raises:
        TileNotFoundError: The index has no such tile.
    """
    return find_tile(service.searcher.snapshot(), tile_id)


def writer_of(request: Request, service: TheService, services: TheServices) -> TileWriter:
    """Return what writes records for the index of the request."""
    name = None if service is services.named(None) else service.name
    return TileWriter(links=Links(root=request.scope.get("root_path", ""), index=name))


TheRecord = Annotated[Record, Depends(record_of)]
TheWriter = Annotated[TileWriter, Depends(writer_of)]
Rendering = Annotated[
    str | None,
    Query(max_length=100, description="See /v1/renderings; the sensor's first by default.", examples=["true-color"]),
]
Size = Annotated[
    int, Query(ge=16, le=MAX_SIZE, description="Longest side in pixels, at most; originals are not enlarged.")
]
Bands = Annotated[
    list[Annotated[str, Query(max_length=100)]],
    Query(max_length=500, description="Bands wanted, repeated; all by default.", examples=[["B04", "B08"]]),
]


@tiles.head("/{tile_id:path}/preview.webp", include_in_schema=False)
@tiles.get(
    "/{tile_id:path}/preview.webp",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}}, **_UNREADABLE, **_UNCHANGED},
)
def preview(request: Request, record: TheRecord) -> Response:
    """Return a tile's stored preview: 128 pixels in the sensor's first rendering."""
    try:
        return answer(request, _tile_pictures.stored_preview(record))
    except SwathError as error:
        return _unreadable(error)


@tiles.head("/{tile_id:path}/image.png", include_in_schema=False)
@tiles.get(
    "/{tile_id:path}/image.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **_UNREADABLE, **_UNCHANGED},
)
async def image(
    *,
    request: Request,
    record: TheRecord,
    service: TheService,
    originals: TheOriginals,
    rendering: Rendering = None,
    size: Size = 512,
) -> Response:
    """Return a tile drawn from its original pixels; invalid ones are transparent.

    ``X-Swath-Pixels`` says ``original``, or ``stored-preview`` where the original cannot be read; then
    ``X-Swath-Reason`` says why, and the picture is the sensor's first rendering whatever was asked for.
    """

    def make() -> Shown:
        check_rendering(record, rendering)
        return _tile_pictures.picture(record, rendering, size, originals.reach(service))

    key = pixel_key(service, record, "image", rendering, size)
    return await _shown(request, originals, key, make)


@tiles.head("/{tile_id:path}/pixels.tif", include_in_schema=False)
@tiles.get(
    "/{tile_id:path}/pixels.tif",
    response_class=Response,
    responses={200: {"content": {_tile_pictures.GEOTIFF: {}}}, **_UNREADABLE, **_UNCHANGED, **_PART},
)
async def pixels(
    request: Request,
    record: TheRecord,
    service: TheService,
    originals: TheOriginals,
    bands: Bands = [],  # noqa: B006
) -> Response:
    """Return a tile's window as a Cloud Optimized GeoTIFF of float32 numbers in physical units.

    Reflectance, dB or digital numbers, as each band's unit says; NaN where there is no data. Parts can be asked for.
    """

    def make() -> Shown:
        return _tile_pictures.pixels(record, bands, originals.reach(service))

    return await _shown(request, originals, pixel_key(service, record, "pixels", *bands), make, ranges=True)


@tiles.get("/{tile_id:path}/series", response_model=_tile_series.Series)
def series(
    *,
    record: TheRecord,
    service: TheService,
    writer: TheWriter,
    min_overlap: Annotated[float, Query(ge=0.1, le=1, description="Least share of the tile to be covered.")] = 0.25,
    sensor: Annotated[list[str] | None, Query(max_length=100, description="Only these sensors.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Most tiles.")] = 100,
) -> JSONResponse:
    """Return the same place at other dates: of each scene the tile that covers most of it, oldest first."""
    # A filter belongs to a question; this one is not asked, so any direction will do.
    filters = SearchRequest.build(vector=[1.0], sensor=sensor)
    rows = service.store.snapshot()
    found = _tile_series.series(rows, record, writer, filters, share=min_overlap, limit=limit)
    return JSONResponse(found)


@tiles.get("/{tile_id:path}", response_model=TileView)
def tile(record: TheRecord, writer: TheWriter) -> JSONResponse:
    """Return what is known of a tile."""
    return JSONResponse(writer.record(record))


async def _shown(request: Request, originals: Originals, key: Any, make: Any, *, ranges: bool = False) -> Response:
    try:
        shown = await originals.shown(key, make)
    except (RenderingError, StoreError):
        raise
    except SwathError as error:
        return _unreadable(error)
    return await run_in_threadpool(answer, request, shown, ranges=ranges)


def _unreadable(error: SwathError) -> Response:
    return error_response(
        404, "pixels_unavailable", f"the original pixels are out of reach: {_tile_pictures.told(error)}"
    )


router.include_router(_tile_legends.router)
router.include_router(tiles)
