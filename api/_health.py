"""Whether the server runs, and whether it can answer."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api._services import TheServices

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The server runs."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """The server can answer."""

    status: Literal["ready"] = "ready"
    indexes: dict[str, int] = Field(description="Version of each index that searches are answered from.")


@router.get("/healthz")
def healthz() -> Health:
    """Say that the server runs."""
    return Health()


@router.get("/readyz")
def readyz(services: TheServices) -> Readiness:
    """Say that every index can be read now; 503 where one cannot. Encoders are loaded before the server listens."""
    return Readiness(indexes={name: service.store.version for name, service in services.items()})
