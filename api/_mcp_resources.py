"""Tiles by address, for clients that attach resources: the record as JSON, and the stored preview."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcp.server.mcpserver.exceptions import ResourceError
from mcp.server.mcpserver.resources import ResourceSecurity

from api._mcp_facts import FENCE, TileFacts, tile_facts
from core import Record, SwathError
from retriever import find_tile

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

    from api._services import Services

_LOOKED_UP = ResourceSecurity(exempt_params={"tile_id"})
"""A tile id is compared with a column and never becomes a path."""


def add_resources(server: MCPServer, services: Services) -> None:
    """Offer ``swath://INDEX/tiles/TILE_ID`` and ``swath://INDEX/previews/TILE_ID``.

    Args:
        server: Where to offer them.
        services: The indexes.
    """

    @server.resource(
        "swath://{index}/tiles/{+tile_id}",
        name="tile",
        title="A tile's record",
        description="Date, place, sensor, cloud, label and captions of one tile, as JSON.",
        mime_type="application/json",
        security=_LOOKED_UP,
    )
    def tile(index: str, tile_id: str) -> str:
        facts = TileFacts(**tile_facts(_found(services, index, tile_id)))
        return json.dumps({"note": FENCE} | facts.model_dump(mode="json", exclude_none=True), ensure_ascii=False)

    @server.resource(
        "swath://{index}/previews/{+tile_id}",
        name="preview",
        title="A tile's stored preview",
        description="A small picture of one tile in the fixed stretch of its sensor.",
        mime_type="image/webp",
        security=_LOOKED_UP,
    )
    def preview(index: str, tile_id: str) -> bytes:
        return _found(services, index, tile_id).preview


def _found(services: Services, index: str, tile_id: str) -> Record:
    try:
        return find_tile(services.named(index).searcher.snapshot(), tile_id)
    except SwathError as error:
        raise ResourceError(str(error)) from None
