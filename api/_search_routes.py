"""Search."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api._schemas import SearchBody
from api._services import TheService
from retriever import SearchRequest

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/search")
def search(body: SearchBody, service: TheService) -> dict[str, Any]:
    """Return the tiles most like the query among those that pass every filter."""
    return service.searcher.search(SearchRequest.build(**body.model_dump())).to_dict()
