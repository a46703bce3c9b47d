"""What a search brings back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import pyarrow as pa

from core import Hit
from retriever import _export
from retriever._contact_sheet import contact_sheet
from retriever._notebook import html_grid

if TYPE_CHECKING:
    import geopandas
    from PIL import Image

Format = Literal["json", "geojson", "csv", "parquet"]
"""What hits can be written as."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Hits(Sequence[Hit]):
    """Hits, best first; a sequence."""

    hits: tuple[Hit, ...]
    """At most k; equal scores by rising tile id."""
    matched: int
    """Exact number of tiles that pass the filter."""
    took_ms: float
    """Milliseconds from request to hits."""
    query: Mapping[str, Any]
    """What was asked, as JSON values."""
    why: Mapping[str, Any] = field(default_factory=dict)
    """How it was searched, as JSON values: terms and prompts encoded, classes recognised, calibration used."""
    remarks: tuple[str, ...] = ()
    """What the user should know: nothing here matches, a calibration that does not fit, a word without synonyms."""

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...
    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[index]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __repr__(self) -> str:
        return f"<{len(self)} hits of {self.matched} matching tiles for {_shortened(self.query)}>"

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each hit as JSON values; ``preview`` is a data URI."""
        return [_export.hit_dict(hit) for hit in self]

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"query", "hits", "matched", "took_ms", "why", "remarks"}`` as JSON values."""
        return {
            "query": dict(self.query),
            "hits": self.to_dicts(),
            "matched": self.matched,
            "took_ms": self.took_ms,
            "why": dict(self.why),
            "remarks": list(self.remarks),
        }

    def to_geojson(self) -> dict[str, Any]:
        """Return a GeoJSON FeatureCollection (RFC 7946), one feature a hit."""
        extra = {"query": dict(self.query), "matched": self.matched, "took_ms": self.took_ms}
        extra |= {"why": dict(self.why), "remarks": list(self.remarks)}
        return {"type": "FeatureCollection", "features": [_export.feature(hit) for hit in self], **extra}

    def to_csv(self) -> str:
        """Return one line a hit under a header, without preview, footprint and captions."""
        return _export.csv_text(self)

    def to_arrow(self) -> pa.Table:
        """Return one row a hit: the columns of the index with rank and score, ``footprint`` as WKB."""
        return _export.arrow_table(self)

    def to_geopandas(self) -> geopandas.GeoDataFrame:
        """Return one row a hit with its footprint as geometry, in EPSG:4326 (lon, lat)."""
        return _export.geo_frame(self)

    def contact_sheet(self) -> Image.Image:
        """Return the previews side by side with rank, score, date and place."""
        return contact_sheet(self)

    def write(self, path: str | Path, format: Format | None = None) -> Path:  # noqa: A002  # the name of the option
        """Write the hits to a file.

        Args:
            path: The file; its folder must exist.
            format: One of json, geojson, csv and parquet; None goes by the file's suffix.

        Returns:
            The path.

        Raises:
            InputError: An unknown format.
            StoreError: The file cannot be written.
        """
        return _export.write(self, Path(path), format)

    def _repr_html_(self) -> str:
        return html_grid(self)


def _shortened(query: Mapping[str, Any], limit: int = 100) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in query.items())
    return text if len(text) <= limit else text[:limit] + "..."
