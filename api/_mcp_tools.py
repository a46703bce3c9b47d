"""What an agent may do with the archive: search it, look at tiles, list those of a place, ask what it holds.

Tools are plain methods. The SDK runs them in worker threads (those that read originals have a few of their own), checks
arguments against their annotations and answers against the models they name. Answers go out twice, as structured
content and as the same JSON in a fenced text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from mcp.types import CallToolResult
from pydantic import Field
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from api._ask_desk import Desk
from api._mcp_arguments import (
    MAX_K,
    MAX_RADIUS_KM,
    MAX_SIDE,
    BBox,
    Cloud,
    Collections,
    Filter,
    Index,
    Lat,
    Lon,
    Previews,
    Sensors,
    TileId,
    When,
)
from api._mcp_ask import AskAnswer, ask
from api._mcp_describe import describe
from api._mcp_facts import (
    DatedFacts,
    IndexAnswer,
    LookAnswer,
    NearAnswer,
    NearFacts,
    SearchAnswer,
    SeriesAnswer,
    TileFacts,
    hit_facts,
    plain,
    tile_facts,
)
from api._mcp_pictures import image_content, look
from api._mcp_results import MAX_REMARK, previewed, result
from api._services import Services
from api._tile_originals import AT_ONCE, MAX_WAITING, Originals
from core import QueryError, SceneError
from indexer import Snapshot
from retriever import SearchRequest, filters_given, filters_only, find_tile, tiles_near, tiles_over
from retriever.rag import MAX_QUESTION


class Tools:
    """What an agent may do with the indexes of a server. Nothing here writes.

    Args:
        services: The opened indexes.
        desk: Where questions are taken.
    """

    def __init__(self, services: Services, desk: Desk) -> None:
        self._services = services
        self._desk = desk
        self._originals = Originals()
        self._reading = CapacityLimiter(AT_ONCE)

    def offered(self) -> tuple[tuple[str, Callable[..., Any]], ...]:
        """Return title and method of every tool, in the order a newcomer needs them."""
        return (
            ("Describe the index", self.describe_index),
            ("Search the archive", self.search),
            ("Ask the archive", self.ask_archive),
            ("Look at a tile", self.look_at_tile),
            ("Tiles near a place", self.tiles_near),
            ("One place through time", self.series_of_place),
        )

    def search(
        self,
        *,
        text: Annotated[str | None, Field(max_length=2000, description="What to look for, in words.")] = None,
        like: Annotated[str | None, Field(max_length=1000, description="Or a tile id: find tiles like it.")] = None,
        k: Annotated[int, Field(ge=1, le=MAX_K, description="Tiles wanted.")] = 8,
        bbox: BBox = None,
        datetime: When = None,
        sensor: Sensors = None,
        collection: Collections = None,
        max_cloud: Cloud = None,
        filter: Filter = None,  # noqa: A002 - the name of the option everywhere
        min_probability: Annotated[
            float | None, Field(ge=0, le=1, description="Least calibrated probability; calibrated indexes only.")
        ] = None,
        previews: Previews = 4,
        index: Index = None,
    ) -> Annotated[CallToolResult, SearchAnswer]:
        """Find the tiles of the archive that fit a description, or look like a given tile.

        Give exactly one of text and like. Filters come before ranking, so k tiles come back whenever k match. The best
        tiles are not always right ones: look at them before you rely on them, and mind the scores.
        """
        if (text is None) == (like is None):
            given = "neither" if text is None else "both"
            raise QueryError(f"give exactly one of text (words) and like (a tile id), got {given}")
        service = self._services.named(index)
        hits = service.searcher.search(
            SearchRequest.build(
                text=text,
                like=like,
                k=k,
                bbox=bbox,
                datetime=datetime,
                sensor=sensor,
                collection=collection,
                max_cloud=max_cloud,
                filter=filter,
                min_probability=min_probability,
            )
        )
        answer = SearchAnswer(
            index=service.name,
            matched=hits.matched,
            hits=[hit_facts(hit) for hit in hits],
            remarks=[plain(remark, MAX_REMARK) for remark in hits.remarks] or None,
        )
        return result(answer, previewed(hits[:previews]))

    async def ask_archive(
        self,
        *,
        question: Annotated[
            str, Field(min_length=1, max_length=MAX_QUESTION, description="In words, as a whole sentence.")
        ],
        tiles: Annotated[int, Field(ge=1, le=MAX_K, description="Most tiles of evidence.")] = 8,
        bbox: BBox = None,
        datetime: When = None,
        sensor: Sensors = None,
        collection: Collections = None,
        max_cloud: Cloud = None,
        filter: Filter = None,  # noqa: A002 - the name of the option everywhere
        previews: Previews = 4,
        index: Index = None,
    ) -> Annotated[CallToolResult, AskAnswer]:
        """Ask a question and get statements that each cite tiles, or why the archive does not show an answer.

        Places, dates and sensors are read from its words; filters hold besides. Repeat statements with their tile ids,
        and pass caveats on.
        """
        return await ask(
            self._desk,
            self._services.named(index),
            self._originals,
            question=question,
            filters=filters_given(
                bbox=bbox, datetime=datetime, sensor=sensor, collection=collection, max_cloud=max_cloud, filter=filter
            ),
            tiles=tiles,
            previews=previews,
        )

    async def look_at_tile(
        self,
        *,
        tile_id: TileId,
        rendering: Annotated[
            str | None,
            Field(max_length=100, description="How to colour it, as describe_index lists; leave out for the usual."),
        ] = None,
        size: Annotated[int, Field(ge=64, le=MAX_SIDE, description="Longest side of the picture in pixels.")] = 512,
        index: Index = None,
    ) -> Annotated[CallToolResult, LookAnswer]:
        """Look at one tile: a picture, and a legend that says what its colours mean.

        Drawn from the original pixels where they can be read. Where they cannot, the small stored preview comes
        instead; source and reason say so.
        """
        if self._reading.statistics().tasks_waiting >= MAX_WAITING:
            raise SceneError("as many originals are being read as this server can; try again in a few seconds")
        return await run_sync(self._look, tile_id, rendering, size, index, limiter=self._reading)

    def _look(self, tile_id: str, rendering: str | None, size: int, index: str | None) -> CallToolResult:
        service = self._services.named(index)
        record = find_tile(service.searcher.snapshot(), tile_id)
        seen = look(record, rendering, size, self._originals.reach(service))
        answer = LookAnswer(
            tile=TileFacts(**tile_facts(record)),
            rendering=seen.rendering,
            legend=seen.legend,
            source=seen.source,
            reason=None if seen.reason is None else plain(seen.reason, MAX_REMARK),
            width=seen.picture.width,
            height=seen.picture.height,
        )
        return result(answer, [image_content(seen.picture)])

    def tiles_near(
        self,
        *,
        lat: Lat,
        lon: Lon,
        radius_km: Annotated[float, Field(gt=0, le=MAX_RADIUS_KM, description="How far a tile may be.")] = 10,
        k: Annotated[int, Field(ge=1, le=MAX_K, description="Tiles wanted.")] = 8,
        datetime: When = None,
        sensor: Sensors = None,
        collection: Collections = None,
        max_cloud: Cloud = None,
        filter: Filter = None,  # noqa: A002 - the name of the option everywhere
        previews: Previews = 0,
        index: Index = None,
    ) -> Annotated[CallToolResult, NearAnswer]:
        """List the tiles nearest to a place, whatever they show. To look for something there, use search with bbox."""
        service = self._services.named(index)
        filters = filters_only(
            near=(lat, lon),
            radius_km=radius_km,
            datetime=datetime,
            sensor=sensor,
            collection=collection,
            max_cloud=max_cloud,
            filter=filter,
        )
        found = tiles_near(service.store.snapshot(), filters, limit=k)
        tiles = [
            NearFacts(**tile_facts(record), distance_km=round(distance, 3))
            for record, distance in zip(found.records, found.measures, strict=True)
        ]
        answer = NearAnswer(index=service.name, matched=found.matched, tiles=tiles)
        return result(answer, previewed(found.records[:previews]))

    def series_of_place(
        self,
        *,
        tile_id: Annotated[str | None, Field(max_length=1000, description="The place of this tile.")] = None,
        lat: Annotated[float | None, Field(ge=-90, le=90, description="Or a latitude in degrees, with lon.")] = None,
        lon: Annotated[float | None, Field(ge=-180, le=180, description="Longitude in degrees.")] = None,
        k: Annotated[int, Field(ge=1, le=MAX_K, description="Dates wanted.")] = 12,
        datetime: When = None,
        sensor: Sensors = None,
        collection: Collections = None,
        max_cloud: Cloud = None,
        filter: Filter = None,  # noqa: A002 - the name of the option everywhere
        previews: Previews = 0,
        index: Index = None,
    ) -> Annotated[CallToolResult, SeriesAnswer]:
        """List one place through time, oldest first: the place of a tile, or a point. For before and after.

        Where there are more dates than asked for, they are thinned evenly; the first and the last always come.
        """
        service = self._services.named(index)
        rows = service.store.snapshot()
        filters = filters_only(
            datetime=datetime, sensor=sensor, collection=collection, max_cloud=max_cloud, filter=filter
        )
        found = tiles_over(rows, _place(rows, tile_id, lat, lon), filters, limit=k)
        tiles = [
            DatedFacts(**tile_facts(record), overlap=round(share, 3))
            for record, share in zip(found.records, found.measures, strict=True)
        ]
        answer = SeriesAnswer(index=service.name, matched=found.matched, tiles=tiles)
        return result(answer, previewed(found.records[:previews]))

    def describe_index(self, *, index: Index = None) -> Annotated[CallToolResult, IndexAnswer]:
        """Say what an index holds (counts, extent, dates, sensors, collections) and how to ask it. Call this first."""
        return result(describe(self._services.named(index), tuple(self._services)), [])


def _place(rows: Snapshot, tile_id: str | None, lat: float | None, lon: float | None) -> BaseGeometry:
    if tile_id is None and lat is not None and lon is not None:
        return Point(lon, lat)
    if tile_id is None or lat is not None or lon is not None:
        raise QueryError("say which place: either tile_id, or lat and lon together")
    footprint = find_tile(rows, tile_id).footprint
    if footprint is None:
        raise QueryError(f"tile {tile_id!r} is a plain picture without a place; take one that has lat and lon")
    return footprint
