"""What the index holds."""

from __future__ import annotations

from fastapi import APIRouter

from api._services import TheService
from indexer.store import IndexInfo

router = APIRouter(prefix="/v1", tags=["index"])


@router.get("/index")
def index(service: TheService) -> IndexInfo:
    """Describe the index as of its last commit."""
    return service.store.snapshot().info()
