"""One tile: what is known of it, its preview, its pixels."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api._services import TheService
from retriever import find_tile

router = APIRouter(prefix="/v1/tiles", tags=["tiles"])


@router.get("/{tile_id}/preview.webp", responses={200: {"content": {"image/webp": {}}}})
def preview(tile_id: str, service: TheService) -> Response:
    """Return a tile's stored preview."""
    return Response(find_tile(service.store.snapshot(), tile_id).preview, media_type="image/webp")
