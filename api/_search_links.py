"""Addresses of what belongs to a tile."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from core import Record


@dataclass(frozen=True, kw_only=True)
class Links:
    """Makes the links of tiles, relative to the server's root."""

    root: str = ""
    """Path the service is mounted at, without a slash at its end."""
    index: str | None = None
    """Name of the index where it is not the server's first."""

    def of(self, record: Record) -> dict[str, str]:
        """Return ``self``, ``preview``, ``image``, ``pixels``, ``series`` and ``item`` of a tile."""
        tile, after = quote(record.tile_id, safe=""), self._after()
        own = f"{self.root}/v1/tiles/{tile}"
        catalogue = "" if self.index is None else f"/i/{quote(self.index, safe='')}"
        item = f"{self.root}/stac{catalogue}/collections/{quote(record.collection, safe='')}/items/{tile}"
        return {
            "self": own + after,
            "preview": f"{own}/preview.webp{after}",
            "image": f"{own}/image.png{after}",
            "pixels": f"{own}/pixels.tif{after}",
            "series": f"{own}/series{after}",
            "item": item,
        }

    def _after(self) -> str:
        return "" if self.index is None else f"?index={quote(self.index, safe='')}"
