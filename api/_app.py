"""The application: opened indexes, then one router for each part of the service.

Blocking work runs in the server's thread pool, never in the event loop. A new part is one module with a router or a
function that mounts it, and one line in `_add_parts`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from api import (
    _ask_desk,
    _ask_routes,
    _errors,
    _export_routes,
    _facet_routes,
    _health,
    _index_routes,
    _mcp_http,
    _page,
    _search_routes,
    _security,
    _tile_routes,
    _watch_routes,
    stac,
)
from api._config import ServeConfig
from api._services import Service, Services, open_service
from core import AnswerSettings
from indexer import BucketPath, Place
from retriever.rag import AnswerModel, open_answer_model

MIN_ZIPPED = 1400
"""Bytes from which an answer is compressed; below it fits one packet of an Ethernet (1500 bytes) anyway."""

ZIP_LEVEL = 4
"""Of deflate. 500 hits, 845 KB: 75 KB in 3.8 ms; level 6 makes 64 KB in 6.6 ms, 9 makes 62 KB in 10.6 ms."""


def create_app(
    serve: ServeConfig | Place,
    *,
    opened: Callable[[str, Any], Service] = open_service,
    model: Callable[[AnswerSettings], AnswerModel | None] = open_answer_model,
) -> FastAPI:
    """Return the HTTP application.

    Args:
        serve: What to serve; a path stands for the index in it.
        opened: Opens one index.
        model: Opens the model that answers questions.

    Raises:
        IndexNotFoundError: A path is not an index.
        SpaceMismatchError: The installed encoder is not the one that filled an index.
        WeightsNotFoundError: An encoder's weights are missing.
        ConfigError: The file of API keys cannot be read, or the answer model's address is wrong.
    """
    config = ServeConfig(indexes={serve.name: serve}) if isinstance(serve, Path | BucketPath) else serve
    app = FastAPI(
        title="Swath",
        summary="Search a satellite imagery archive in words or with a picture.",
        responses=_errors.RESPONSES,
        # Both pages would fetch their scripts from other people's servers.
        docs_url=None,
        redoc_url=None,
    )
    app.state.config = config
    app.state.services = Services(config.indexes, opened)
    _errors.install(app)
    _ask_desk.mount(app, model)
    _add_parts(app)
    app.add_middleware(GZipMiddleware, minimum_size=MIN_ZIPPED, compresslevel=ZIP_LEVEL)
    _security.secure(app)
    return app


def _add_parts(app: FastAPI) -> None:
    app.include_router(_health.router)
    app.include_router(_index_routes.router)
    app.include_router(_search_routes.router)
    app.include_router(_ask_routes.router)
    app.include_router(_facet_routes.router)
    app.include_router(_export_routes.router)
    app.include_router(_tile_routes.router)
    app.include_router(_watch_routes.router)
    _mcp_http.mount(app)
    stac.mount(app)
    _page.mount(app)
