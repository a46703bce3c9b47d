"""What an index holds, as STAC collections: one for each ingest collection."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from api._services import Service
from api.stac._items import ITEM_ASSETS, STAC_VERSION
from api.stac._roots import Root
from core import Band, BBox, SwathError, VectorSpace, load_sensor, rfc3339
from indexer import Snapshot, enclosing_bbox

_COLUMNS = ("collection", "sensor", "label", "datetime", "gsd", "west", "south", "east", "north")
QUERYABLES_REL = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
_SIDES = ("west", "south", "east", "north")

MOST_LABELS = 1000
"""Labels listed of a collection; beyond them it is free text, not classes."""

_COMMON_NAMES = frozenset(
    (
        "coastal", "blue", "green", "red", "rededge", "yellow", "pan", "nir", "nir08", "nir09", "cirrus", "swir16",
        "swir22", "lwir", "lwir11", "lwir12",
    )
)  # fmt: skip
"""https://github.com/stac-extensions/eo/tree/v1.1.0#common-band-names"""


@dataclass(kw_only=True)
class Holding:
    """What an index holds of one collection."""

    tiles: int = 0
    """Number of tiles."""
    sensors: Counter[str] = field(default_factory=Counter)
    """Sensor to number of tiles."""
    labels: set[str] = field(default_factory=set)
    """Labels of its tiles."""
    gsds: set[float] = field(default_factory=set)
    """Metres per pixel, rounded to 10 cm."""
    first: datetime | None = None
    """First instant, UTC."""
    last: datetime | None = None
    """Last instant, UTC."""
    boxes: list[NDArray[np.float64]] = field(default_factory=list)
    """(n, 4) bounds of footprints."""

    def add(self, rows: pa.RecordBatch) -> None:
        """Count rows of this collection."""
        self.tiles += rows.num_rows
        for entry in rows["sensor"].value_counts().to_pylist():
            self.sensors[entry["values"]] += entry["counts"]
        self.labels.update(pc.unique(rows["label"].drop_null()).to_pylist())
        self.gsds.update(round(value, 1) for value in pc.unique(rows["gsd"].drop_null()).to_pylist())
        bounds = pc.min_max(rows["datetime"]).as_py()
        if bounds["min"] is not None:
            first, last = bounds["min"].astimezone(UTC), bounds["max"].astimezone(UTC)
            self.first, self.last = min(first, self.first or first), max(last, self.last or last)
        sides = np.stack([rows[side].to_numpy(zero_copy_only=False) for side in _SIDES], axis=1)
        self.boxes.append(sides[~np.isnan(sides[:, 0])])

    def bbox(self) -> BBox | None:
        """Return the bounds of all footprints; None where there are none."""
        boxes = np.concatenate(self.boxes) if self.boxes else np.empty((0, 4))
        return enclosing_bbox(boxes) if len(boxes) else None


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """What one version of an index holds."""

    version: int
    """Of the index."""
    space: VectorSpace
    """What its vectors are."""
    dtype: str
    """How its vectors are stored."""
    indexed: datetime
    """When tiles were last taken in, UTC."""
    holdings: Mapping[str, Holding]
    """By collection, sorted by name."""


class Catalogues:
    """Reads what each index holds once for every version of it. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[str, Catalogue] = {}
        self._lock = threading.Lock()

    def of(self, service: Service) -> Catalogue:
        """Return the catalogue of the newest version of an index.

        Raises:
            StoreError: The index cannot be read.
        """
        snapshot = service.store.snapshot()
        with self._lock:
            # Another generation of an index counts its versions anew.
            home = str(snapshot.path)
            known = self._known.get(home)
            if known is None or known.version != snapshot.version:
                known = self._known[home] = _read(snapshot, last_commit(service))
            return known


def last_commit(service: Service) -> datetime:
    """Return when an index last took tiles in, UTC."""
    return max((row.committed for row in service.store.ledger().values()), default=datetime.now(UTC))


def _read(snapshot: Snapshot, indexed: datetime) -> Catalogue:
    holdings: dict[str, Holding] = {}
    for batch in snapshot.scan(_COLUMNS):
        for name in pc.unique(batch["collection"]).to_pylist():
            holdings.setdefault(name, Holding()).add(batch.filter(pc.equal(batch["collection"], name)))
    return Catalogue(
        version=snapshot.version,
        space=snapshot.space,
        dtype=snapshot.dtype,
        indexed=indexed,
        holdings=dict(sorted(holdings.items())),
    )


def collection(name: str, catalogue: Catalogue, root: Root) -> dict[str, Any]:
    """Return one collection as a STAC document, with the fields of the embeddings extension (emb: v0.0.1).

    That extension's schema admits only documents of STAC 1.0.0, so it is not named in ``stac_extensions``.
    """
    holding = catalogue.holdings[name]
    sensors = ", ".join(sorted(holding.sensors))
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [],
        "id": name,
        "title": name,
        "description": f"{holding.tiles:,} tiles of {sensors}, searchable in words, by picture and by likeness.",
        "license": "other",
        "keywords": sorted(holding.sensors),
        "extent": _extent(holding),
        "summaries": _summaries(holding),
        "item_assets": ITEM_ASSETS if holding.bbox() else {key: ITEM_ASSETS[key] for key in ("preview", "thumbnail")},
        "emb:type": "chip",
        "emb:dimensions": catalogue.space.dim,
        "data_type": catalogue.dtype,
        "emb:temporal_resolution": "single_acquisition",
        "emb:fit_for_use": ["retrieval"],
        "links": _collection_links(name, catalogue, root),
    }


def _extent(holding: Holding) -> dict[str, Any]:
    """STAC wants a place and a time; the whole earth and an open interval stand for what is not known."""
    bbox = holding.bbox() or (-180.0, -90.0, 180.0, 90.0)
    interval = [None if end is None else rfc3339(end) for end in (holding.first, holding.last)]
    return {"spatial": {"bbox": [list(bbox)]}, "temporal": {"interval": [interval]}}


def _summaries(holding: Holding) -> dict[str, Any]:
    names = sorted(holding.sensors)
    bands = [band for name in names for band in _bands(name)]
    found = {
        "swath:sensor": names,
        "gsd": sorted(holding.gsds) if len(holding.gsds) <= 20 else _range(holding.gsds),
        "bands": bands,
        "swath:label": sorted(holding.labels) if len(holding.labels) <= MOST_LABELS else [],
    }
    return {name: value for name, value in found.items() if value}


def _range(values: set[float]) -> dict[str, float]:
    return {"minimum": min(values), "maximum": max(values)}


def _bands(sensor: str) -> list[dict[str, Any]]:
    """The sensor's bands; none where this server does not know the sensor by that name (a file of the user's own)."""
    try:
        found, _ = load_sensor(sensor)
    except SwathError:
        return []
    return [_band(band, sensor) for band in found.bands]


def _band(band: Band, sensor: str) -> dict[str, Any]:
    given = {
        "name": band.name,
        "description": f"{band.common_name} of {sensor}",
        "eo:common_name": band.common_name if band.common_name in _COMMON_NAMES else None,
        "eo:center_wavelength": band.center_wavelength_um,
        "unit": band.unit,
        "nodata": band.nodata,
    }
    return {name: value for name, value in given.items() if value is not None}


def _collection_links(name: str, catalogue: Catalogue, root: Root) -> list[dict[str, str]]:
    own, model = root.to("collections", name), catalogue.space.encoder
    items = f"{own}/items"
    links = [
        ("self", own, "application/json", name),
        ("parent", root.url, "application/json", "Catalog"),
        ("root", root.url, "application/json", "Catalog"),
        ("items", items, "application/geo+json", "Tiles"),
        (QUERYABLES_REL, f"{own}/queryables", "application/schema+json", "Names for filters"),
        ("emb:model", root.to("encoder"), "application/geo+json", model),
        ("emb:source-data", items, "application/geo+json", "Tiles with their pixels"),
    ]
    return [{"rel": rel, "href": href, "type": media, "title": title} for rel, href, media, title in links]
