"""What the indexes hold."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api._ask_desk import TheDesk
from api._services import Service, TheService, TheServices
from core import InputError, StoreError, rfc3339
from indexer import IndexInfo, renderings_of

router = APIRouter(prefix="/v1", tags=["index"])


class AnswersView(BaseModel):
    """How questions are answered."""

    model: str | None = Field(description="Name of the answer model; null: from records alone.")
    knowledge: int | None = Field(description="Passages of the knowledge table; null where there is none.")


class IndexView(BaseModel):
    """What an index holds, as of its last commit."""

    name: str = Field(description="What `index` calls it.")
    tiles: int
    scenes: int = Field(description="Scenes with at least one tile.")
    collections: dict[str, int] = Field(description="Tiles of each collection.")
    sensors: dict[str, int] = Field(description="Tiles of each sensor.")
    datetime: list[str | None] = Field(description="First and last instant, RFC 3339; null where nothing is dated.")
    undated: int = Field(description="Tiles without a date.")
    bbox: list[float] | None = Field(description="W, S, E, N of all tiles in degrees; W > E across 180.")
    encoder: str
    revision: str = Field(description="Changes with the weights.")
    dim: int = Field(description="Numbers of a vector.")
    dtype: str = Field(description="How vectors are stored.")
    version: int = Field(description="The snapshot: rises with every change.")
    calibrated: bool = Field(description="Whether searches in words give probabilities.")
    understands: list[str] = Field(description="What can be searched for: text, picture.")
    renderings: dict[str, list[str]] = Field(description="Pictures that can be drawn of each sensor, the usual first.")
    answers: AnswersView


class IndexEntry(BaseModel):
    """One index of the server."""

    name: str
    default: bool = Field(description="Whether it is meant where a request names none.")
    tiles: int
    encoder: str
    version: int


class IndexList(BaseModel):
    """The indexes of the server."""

    indexes: list[IndexEntry]


@router.get("/index", response_model=IndexView)
def index(service: TheService, desk: TheDesk) -> JSONResponse:
    """Describe an index as of its last commit: counts, extent, dates, sensors and what can be drawn, encoder."""
    return JSONResponse(index_view(service) | {"answers": {"model": desk.model, "knowledge": _passages(service)}})


def _passages(service: Service) -> int | None:
    try:
        knowledge = service.knowledge()
    except (InputError, StoreError):
        # Embedded by another encoder, or damaged: questions fail and say so, searches do not need it.
        return None
    return None if knowledge is None else len(knowledge)


@router.get("/indexes", response_model=IndexList)
def indexes(services: TheServices) -> JSONResponse:
    """List the indexes behind this server."""
    first = services.named(None)
    entries = [_entry(service, service.info(), default=service is first) for service in services.values()]
    return JSONResponse({"indexes": entries})


def index_view(service: Service) -> dict[str, Any]:
    """Return what ``IndexView`` describes but for its answers, as JSON values.

    Raises:
        StoreError: The index cannot be read.
    """
    info = service.info()
    return {
        "name": service.name,
        "tiles": info.tiles,
        "scenes": info.scenes,
        "collections": dict(info.collections),
        "sensors": dict(info.sensors),
        "datetime": [None if instant is None else rfc3339(instant) for instant in info.datetime],
        "undated": info.undated,
        "bbox": None if info.bbox is None else list(info.bbox),
        "encoder": info.encoder,
        "revision": info.revision,
        "dim": info.dim,
        "dtype": info.dtype,
        "version": info.version,
        "calibrated": service.calibration_stamp() is not None,
        "understands": [*(["text"] if service.searcher.understands_words() else []), "picture"],
        "renderings": {name: list(renderings_of(name)) for name in info.sensors},
    }


def _entry(service: Service, info: IndexInfo, *, default: bool) -> dict[str, Any]:
    return {
        "name": service.name,
        "default": default,
        "tiles": info.tiles,
        "encoder": f"{info.encoder}@{info.revision}",
        "version": info.version,
    }
