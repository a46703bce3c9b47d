"""Answers and events as the JSON that clients get, with addresses of what each tile shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from api._search_answers import TileWriter
from api._search_links import Links
from indexer import renderings_of
from retriever.rag import Answer, Event, EvidenceTile, answer_document, event_document

_TOLD = (
    "tile_id", "scene_id", "collection", "sensor", "datetime", "bbox", "centroid", "footprint", "gsd", "cloud", "valid",
    "label", "href", "preview", "links",
)  # fmt: skip
"""Fields of a tile; captions are left to its own page."""


@dataclass(frozen=True, kw_only=True)
class AnswerWriter:
    """Writes what happens while a question is answered."""

    links: Links
    """Makes addresses."""
    explain: bool = False
    """Whether answers hold their trace."""
    inline: bool = False
    """Whether previews are data URIs."""

    def event(self, event: Event) -> dict[str, Any]:
        """Return what an event tells."""
        return _addressed(event_document(event, tile=self._tile, explain=self.explain))

    def answer(self, answer: Answer) -> dict[str, Any]:
        """Return an answer as ``AnswerView`` describes it."""
        return _addressed(answer_document(answer, tile=self._tile, explain=self.explain))

    def _tile(self, tile: EvidenceTile) -> dict[str, Any]:
        return TileWriter(links=self.links, inline=self.inline, fields=_TOLD).record(tile.record)


def _addressed(document: dict[str, Any]) -> dict[str, Any]:
    """Add the address of every picture that was drawn; the tile's own image is then the first of them."""
    for tile in document.get("evidence", document).get("tiles", ()):
        links, known = tile["links"], renderings_of(tile["sensor"])
        for picture in tile["pictures"]:
            name = picture["rendering"]
            picture["href"] = _drawn(links["image"], name) if name in known else links["preview"]
        if tile["pictures"]:
            tile["links"] = links | {"image": tile["pictures"][0]["href"]}
    return document


def _drawn(image: str, rendering: str) -> str:
    return f"{image}{'&' if '?' in image else '?'}rendering={quote(rendering, safe='')}"
