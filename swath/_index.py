"""An opened index: what ``swath.open`` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from core import EncodesTiles, Record
from embeddings import open_encoder_of
from indexer.store import CompactReport, IndexInfo, Removed, Store
from retriever import Hits, Searcher, SearchRequest, find_tile


def open_index(path: str | PathLike[str]) -> Index:
    """Open an index for searching.

    Args:
        path: The directory that ``swath index --into`` wrote.

    Raises:
        IndexNotFoundError: The directory is missing or is not an index.
    """
    return Index(Path(path))


class Index:
    """A searchable index of one archive. Cheap to open; the encoder is loaded by the first query that needs it.

    Args:
        path: The index directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store.open(path)

    @cached_property
    def encoder(self) -> EncodesTiles:
        """The encoder that filled this index.

        Raises:
            SpaceMismatchError: The installed encoder of that name has another revision.
        """
        return open_encoder_of(self._store.space)

    def search(
        self,
        *,
        text: str | None = None,
        image: Any = None,
        like: str | None = None,
        vector: Sequence[float] | None = None,
        k: int = 10,
        bbox: str | Sequence[float] | None = None,
        within: Any = None,
        near: str | Sequence[float] | None = None,
        radius_km: float | None = None,
        h3: str | Sequence[str] = (),
        datetime: str | None = None,
        sensor: str | Sequence[str] = (),
        collection: str | Sequence[str] = (),
        label: str | Sequence[str] = (),
        max_cloud: float | None = None,
        min_valid: float | None = None,
        filter: str | Mapping[str, Any] | None = None,  # noqa: A002 - the STAC API calls it filter
    ) -> Hits:
        """Return the k tiles most like the query among those that pass every filter.

        Exactly one of text, image, like and vector is the query.

        Args:
            text: A sentence or a few words.
            image: A picture: path, PIL image, or uint8 array (h, w, 3).
            like: A tile id; that tile itself is left out.
            vector: dim numbers in the index's own space; normalised here.
            k: 1 to 10,000.
            bbox: west, south, east, north in degrees; west > east crosses the antimeridian.
            within: GeoJSON path, text or mapping, or a shapely polygon, in lon, lat.
            near: lat, lon of a point; needs radius_km.
            radius_km: Great-circle distance from the point to the footprint.
            h3: Cells in which the tile's centre must lie.
            datetime: ``A/B``, ``../B``, ``A/..``, an instant or a day, RFC 3339.
            sensor: One or more sensor names.
            collection: One or more collections.
            label: One or more picture labels.
            max_cloud: Percent, 0 to 100; tiles of unknown cloud do not match.
            min_valid: Fraction, 0 to 1.
            filter: CQL2 text or JSON on any column.

        Returns:
            Hits, best first: exactly ``min(k, hits.matched)`` of them.

        Raises:
            QueryError: The request cannot be answered; the message says why.
        """
        request = SearchRequest.build(
            text=text,
            image=image,
            like=like,
            vector=vector,
            k=k,
            bbox=bbox,
            within=within,
            near=near,
            radius_km=radius_km,
            h3=h3,
            datetime=datetime,
            sensor=sensor,
            collection=collection,
            label=label,
            max_cloud=max_cloud,
            min_valid=min_valid,
            filter=filter,
        )
        return self.answer(request)

    def answer(self, request: SearchRequest) -> Hits:
        """Answer a request built elsewhere; see ``search``."""
        return Searcher(self._store, lambda: self.encoder).search(request)

    def tile(self, tile_id: str) -> Record:
        """Return one tile's record.

        Raises:
            TileNotFoundError: No such tile in the index.
        """
        return find_tile(self._store.snapshot(), tile_id)

    def info(self) -> IndexInfo:
        """Return counts, extent, sensors and encoder as of the last commit."""
        return self._store.snapshot().info()

    def remove(self, *, scene_id: str | None = None, collection: str | None = None) -> Removed:
        """Remove a scene or a collection, tiles and ledger both.

        Raises:
            InputError: Nothing of that name is in the index.
        """
        return self._store.remove(scene_id=scene_id, collection=collection)

    def compact(self) -> CompactReport:
        """Merge small files and drop old versions; what a search sees does not change."""
        return self._store.compact()
