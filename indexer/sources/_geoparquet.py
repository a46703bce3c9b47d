"""STAC items in a table: stac-geoparquet (https://github.com/stac-utils/stac-geoparquet)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import requests
from stac_geoparquet.arrow import stac_table_to_items

from core import BadScene, Scene, SceneError, SourceError
from indexer._gdal import check_regular_file
from indexer._hosts import guarded_session, is_url
from indexer._signatures import unsigned
from indexer.sources._lines import one_line
from indexer.sources._names import split_item, unique
from indexer.sources._options import SourceOptions
from indexer.sources._reading import Reading
from indexer.sources._selection import Selection
from indexer.sources._stac_choice import Chooser
from indexer.sources._stac_item import ItemDocument, item_scene

_ROWS = 500
"""Items held in memory at a time."""

_NEEDED = {"id", "geometry", "assets"}


class GeoParquetSource:
    """Scenes of a stac-geoparquet file; items are read a few hundred at a time.

    A local file may be of any size; one on an allowed host is fetched whole, up to ``SWATH_MAX_METADATA_BYTES``.

    Args:
        text: Path or ``https://`` address.
        options: ``pictures`` and ``split`` have no meaning here; ``datetime_pattern`` is searched in item ids.

    Raises:
        SourceError: Not readable, or not stac-geoparquet.
    """

    def __init__(self, text: str, options: SourceOptions) -> None:
        self._reading = Reading.of(options)
        self._chooser = Chooser(self._reading)
        self._selection = Selection(bbox=options.bbox, datetime=options.datetime)
        text, self._wanted = split_item(text)
        self._href = text if is_url(text) else str(Path(text).expanduser().resolve())
        try:
            self._file = pq.ParquetFile(self._fetched() if is_url(text) else self._local())
        except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
            raise SourceError(f"{unsigned(text)} is not a Parquet file that can be read: {one_line(error)}") from None
        if missing := _NEEDED - set(self._file.schema_arrow.names):
            raise SourceError(f"{unsigned(text)} is not stac-geoparquet: it has no column {', '.join(sorted(missing))}")

    def _local(self) -> str:
        try:
            check_regular_file(self._href)
        except SceneError as error:
            raise SourceError(f"{self._href} {error}") from None
        return self._href

    def _fetched(self) -> pa.BufferReader:
        try:
            with guarded_session(self._reading.settings) as session:
                answer = session.get(self._href)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise SourceError(f"{unsigned(self._href)} cannot be read: {one_line(error)}") from None
        return pa.BufferReader(answer.content)

    def scenes(self) -> Iterator[Scene | BadScene]:
        """Yield one scene an item, in the order of the rows."""
        yield from unique(self._scenes())

    def _scenes(self) -> Iterator[Scene | BadScene]:
        number = 0
        try:
            for number, item in enumerate(self._items(), 1):
                if self._wanted not in (None, item.get("id")):
                    continue
                document = ItemDocument.embedded(item, self._href, number)
                if scene := item_scene(document, self._chooser, self._reading, self._selection):
                    yield scene
        except (
            Exception
        ) as error:  # stac-geoparquet trusts its columns: AssertionError, GEOSException, AttributeError...
            yield BadScene(self._href, SceneError(f"the table broke off after {number} items: {one_line(error)}"))

    def _items(self) -> Iterator[dict[str, Any]]:
        metadata = self._file.schema_arrow.metadata
        for batch in self._file.iter_batches(batch_size=_ROWS):
            yield from stac_table_to_items(pa.Table.from_batches([batch]).replace_schema_metadata(metadata))
