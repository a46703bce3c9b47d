"""The application: one index, read only. Blocking work runs in the server's thread pool, never in the event loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from fastapi import FastAPI, Response

from api._errors import install
from api._schemas import SearchBody
from embeddings import open_encoder_of
from indexer.store import IndexInfo, Store
from retriever import Searcher, SearchRequest, find_tile, load_calibration


class Service(Protocol):
    """What the routes need of an opened index."""

    store: Store
    searcher: Searcher


class OpenedIndex:
    """An index and its encoder, opened once at start-up so that a broken one is reported before the port opens."""

    def __init__(self, path: Path) -> None:
        self.store = Store.open(path)
        encoder = open_encoder_of(self.store.space)
        self.searcher = Searcher(self.store, encoder, calibration=lambda: load_calibration(path))


def create_app(path: Path, *, opened: Callable[[Path], Service] = OpenedIndex) -> FastAPI:
    """Return the HTTP application for the index at ``path``.

    Raises:
        IndexNotFoundError: ``path`` is not an index.
        SpaceMismatchError: The installed encoder is not the one that filled it.
    """
    service = opened(path)
    app = FastAPI(title="Swath", summary="Search a satellite imagery archive in words or with a picture.")
    install(app)
    _add_routes(app, service)
    return app


def _add_routes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Say that the server runs."""
        return {"status": "ok"}

    @app.get("/v1/index")
    def index() -> IndexInfo:
        """Describe the index as of its last commit."""
        return service.store.snapshot().info()

    @app.post("/v1/search")
    def search(body: SearchBody) -> dict[str, Any]:
        """Return the tiles most like the query among those that pass every filter."""
        return service.searcher.search(SearchRequest.build(**body.model_dump())).to_dict()

    @app.get("/v1/tiles/{tile_id}/preview.webp", responses={200: {"content": {"image/webp": {}}}})
    def preview(tile_id: str) -> Response:
        """Return a tile's stored preview."""
        return Response(find_tile(service.store.snapshot(), tile_id).preview, media_type="image/webp")
