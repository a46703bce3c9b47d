"""The STAC application, put beside the other parts of the service."""

from __future__ import annotations

import logging
from html import escape
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.requests import Request
from starlette.routing import Mount, Route

from api import _errors
from api.stac._roots import MOUNT, Roots

if TYPE_CHECKING:
    from stac_fastapi.types.extension import ApiExtension

    from api.stac._client import Reader


TITLE = "Swath STAC API"
DESCRIPTION = "Satellite imagery, searched by meaning."
VERSION = "1.0.0"
"""Of the STAC API specification that is served."""


def mount(app: FastAPI) -> None:
    """Serve STAC under ``/stac``.

    Args:
        app: The application; its state holds the opened indexes and the configuration.
    """
    # stac-fastapi warns of its default titles when it is imported; ours are given below.
    logging.getLogger("stac_fastapi.types.config").setLevel(logging.ERROR)
    from api.stac._client import Reader

    roots = Roots(_application(Reader(services=app.state.services, limits=app.state.config.limits)))
    # Without the first, the bare root would be answered with a redirect, which not every client follows by POST.
    app.router.routes += [Route(MOUNT, endpoint=roots), Mount(MOUNT, app=roots)]


def _application(reader: Reader) -> FastAPI:
    from stac_fastapi.api.app import StacApi
    from stac_fastapi.api.models import GeoJSONResponse
    from stac_fastapi.types.config import ApiSettings

    from api.stac._client import CatalogueClient, encoder_of
    from api.stac._items import STAC_VERSION
    from api.stac._requests import ItemsRequest, SearchGet, SearchPost

    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version=VERSION,
        openapi_url="/api",
        # Its page would fetch scripts from other people's servers.
        docs_url=None,
        redoc_url=None,
        servers=[{"url": MOUNT}],
        responses=_errors.RESPONSES,
    )
    settings = ApiSettings(
        stac_fastapi_title=TITLE,
        stac_fastapi_description=DESCRIPTION,
        stac_fastapi_landing_id="swath",
        stac_fastapi_version=VERSION,
    )
    StacApi(
        app=app,
        settings=settings,
        title=TITLE,
        description=DESCRIPTION,
        stac_version=STAC_VERSION,
        client=CatalogueClient(reader=reader),
        extensions=_extensions(reader),
        search_get_request_model=SearchGet,
        search_post_request_model=SearchPost,
        items_get_request_model=ItemsRequest,
        middlewares=[],
        exceptions={},
    )

    @app.get("/encoder", response_class=GeoJSONResponse)
    def encoder(request: Request) -> Any:
        """Return the model behind the vectors as an item of the MLM extension."""
        return encoder_of(reader, request)

    @app.get("/api.html", response_class=HTMLResponse)
    def description() -> str:
        """Return the routes as a page for people."""
        return _page(app)

    _errors.install(app)
    _answer_invalid_requests(app)
    _describe_pruned_items(app)
    return app


def _describe_pruned_items(app: FastAPI) -> None:
    """Say in the description that `fields` takes away whatever an item has beside its type and id."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        found = plain()
        for name in ("Item", "ItemProperties"):
            schema = found["components"]["schemas"].get(name, {})
            schema["required"] = sorted({"id", "type"} & set(schema.get("required", ())))
        return found

    app.openapi = described  # type: ignore[method-assign]  # FastAPI documents this way of extending it


def _page(app: FastAPI) -> str:
    rows = [
        f"<tr><td>{method.upper()}</td><td>{escape(MOUNT + path)}</td><td>{escape(route.get('description', ''))}</td>"
        for path, methods in app.openapi()["paths"].items()
        for method, route in methods.items()
    ]
    head = f"<title>{TITLE}</title><h1>{TITLE}</h1><p>{DESCRIPTION}</p>"
    return f'<!doctype html><html lang="en"><meta charset="utf-8">{head}<table>{"".join(rows)}</table></html>'


def _answer_invalid_requests(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def validation(_: Request, error: RequestValidationError) -> JSONResponse:
        """Return 400, which the STAC API specification asks for where FastAPI would say 422."""
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return _errors.error_response(400, "invalid_request", str(first["msg"]), field)


def _extensions(reader: Reader) -> list[ApiExtension]:
    from stac_fastapi.extensions.fields import FieldsConformanceClasses, FieldsExtension
    from stac_fastapi.extensions.filter import FilterConformanceClasses, FilterExtension
    from stac_fastapi.extensions.free_text import FreeTextConformanceClasses, FreeTextExtension
    from stac_fastapi.extensions.pagination import TokenPaginationExtension
    from stac_fastapi.extensions.sort import SortExtension
    from stac_fastapi.extensions.sort.sort import SortConformanceClasses

    from api.stac._client import QueryablesClient

    own = FilterConformanceClasses
    free = FreeTextConformanceClasses
    return [
        FilterExtension(
            client=QueryablesClient(reader=reader),
            # Not advanced-comparison-operators, though BETWEEN, LIKE and IN work: stac-api-validator 0.6.8 would then
            # send filters on properties that tiles do not have.
            conformance_classes=[
                own.FILTER,
                own.SEARCH,
                own.ITEMS,
                own.BASIC_CQL2,
                own.CQL2_JSON,
                own.CQL2_TEXT,
                own.BASIC_SPATIAL_FUNCTIONS,
                own.BASIC_SPATIAL_FUNCTIONS_PLUS,
                own.SPATIAL_FUNCTIONS,
                own.TEMPORAL_FUNCTIONS,
                own.ARITHMETIC,
                own.PROPERTY_PROPERTY,
                own.CASE_INSENSITIVE_COMPARISON,
                own.ACCENT_INSENSITIVE_COMPARISON,
            ],
        ),
        FreeTextExtension(conformance_classes=[free.SEARCH, free.ITEMS, free.SEARCH_ADVANCED, free.ITEMS_ADVANCED]),
        SortExtension(
            conformance_classes=[
                SortConformanceClasses.ITEM_SEARCH_SORT,
                SortConformanceClasses.FEATURES_SORT,
                # The name that pystac-client 0.9 looks for.
                "https://api.stacspec.org/v1.0.0/item-search#sort",
            ]
        ),
        FieldsExtension(conformance_classes=[FieldsConformanceClasses.SEARCH, FieldsConformanceClasses.ITEMS]),
        TokenPaginationExtension(),
    ]
