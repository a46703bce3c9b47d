"""The JSON a search answers with, and how records and hits become it.

The models describe; answers are built as plain values, which a test holds against the models. Ten thousand hits would
spend more time in validation than in the search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, Field

from api._search_links import Links
from core import Hit, QueryError, Record, public_href, rfc3339
from retriever import geojson_geometry, preview_uri


class PixelWindowView(BaseModel):
    """Window in pixels of the original file."""

    col_off: int
    row_off: int
    width: int
    height: int


class TileLinks(BaseModel):
    """Addresses of what belongs to the tile."""

    self: str
    preview: str
    image: str
    pixels: str
    series: str
    item: str


class TileView(BaseModel):
    """One tile. Fields that were not asked for are absent."""

    tile_id: str
    scene_id: str | None = None
    collection: str | None = None
    sensor: str | None = None
    datetime: str | None = Field(default=None, description="RFC 3339, UTC.")
    bbox: list[float] | None = Field(default=None, description="W, S, E, N in degrees; W > E across 180.")
    centroid: list[float] | None = Field(default=None, description="lon, lat.")
    footprint: dict[str, Any] | None = Field(default=None, description="GeoJSON geometry, lon, lat.")
    h3: str | None = Field(default=None, description="Cell of the centre, resolution 12.")
    gsd: float | None = Field(default=None, description="Metres a pixel.")
    cloud: float | None = Field(default=None, description="Fraction; null where unknown.")
    valid: float | None = Field(default=None, description="Fraction.")
    label: str | None = None
    captions: list[str] | None = None
    href: str | None = Field(default=None, description="Where it was read from: an address, or the name of a file.")
    window: PixelWindowView | None = None
    preview: str | None = Field(default=None, description="Address, or data URI with `previews=inline`.")
    links: TileLinks | None = None


class HitView(TileView):
    """One hit."""

    rank: int = Field(description="1 is best, counted through all pages.")
    score: float | None = Field(default=None, description="Cosine, -1 to 1.")
    probability: float | None = Field(default=None, description="Calibrated; null where nothing is calibrated.")


class SearchAnswer(BaseModel):
    """What a search brings back."""

    query: dict[str, Any] = Field(description="What was asked; sent again it gives the same. Pictures are tokens.")
    hits: list[HitView]
    matched: int = Field(description="Exact number of tiles that pass the filters.")
    took_ms: float
    why: dict[str, Any] = Field(description="How it was searched.")
    remarks: list[str] = Field(description="What the user should know.")
    encoder: str = Field(description="Whose vectors were compared, the query's and the tiles', with their revision.")
    next: str | None = Field(description="`cursor` of the next page; null on the last.")


@dataclass(frozen=True, kw_only=True)
class TileWriter:
    """Writes records and hits as JSON values.

    Raises:
        QueryError: ``fields`` names a field that there is not.
    """

    links: Links
    """Makes addresses."""
    inline: bool = False
    """Whether previews are data URIs."""
    fields: Sequence[str] = ()
    """Fields wanted, or unwanted with a minus; empty for all."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.fields if name.removeprefix("-") not in HitView.model_fields]
        if unknown:
            raise QueryError(f"fields names {unknown[0]!r}; known are {', '.join(HitView.model_fields)}")

    def hit(self, hit: Hit) -> dict[str, Any]:
        """Return a hit as ``HitView`` describes it."""
        judged = {"rank": hit.rank, "score": hit.score, "probability": hit.probability}
        return self._kept(judged | self._tile(hit))

    def record(self, record: Record) -> dict[str, Any]:
        """Return a tile as ``TileView`` describes it."""
        return self._kept(self._tile(record))

    def _tile(self, record: Record) -> dict[str, Any]:
        links = self.links.of(record)
        preview = preview_uri(record.preview) if self.inline else links["preview"]
        return tile_values(record) | {"preview": preview, "links": links}

    def _kept(self, values: dict[str, Any]) -> dict[str, Any]:
        """What tells tiles apart is always there."""
        left_out = {name.removeprefix("-") for name in self.fields if name.startswith("-")}
        wanted = {name for name in self.fields if not name.startswith("-")} or set(values)
        kept = (wanted - left_out) | {"tile_id", "rank"}
        return {name: value for name, value in values.items() if name in kept}


def tile_values(record: Record) -> dict[str, Any]:
    """Return what is known of a tile as JSON values, without preview and links."""
    return {
        "tile_id": record.tile_id,
        "scene_id": record.scene_id,
        "collection": record.collection,
        "sensor": record.sensor,
        "datetime": None if record.datetime is None else rfc3339(record.datetime),
        "bbox": None if record.bbox is None else list(record.bbox),
        "centroid": None if record.centroid is None else list(record.centroid),
        "footprint": geojson_geometry(record.footprint),
        "h3": record.h3,
        "gsd": record.gsd,
        "cloud": record.cloud,
        "valid": record.valid,
        "label": record.label,
        "captions": list(record.captions),
        "href": public_href(record.href),
        "window": asdict(record.window),
    }
