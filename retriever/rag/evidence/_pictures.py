"""Tiles as pictures with a legend in words: from original pixels where they are in reach, else the stored preview.

Which pictures, when not all can be drawn: first one of every period and place, in the rendering that the question
wants; then the same tiles as the eye or the radar sees them, so that there is something to compare with; then the
other tiles. Of more dates than pictures a question about time sees the first, the last and some between. Pixels without
data get a colour that no legend uses, since black is what water looks like.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from PIL import Image

from core import Record, SwathError, printable
from indexer import (
    Legend,
    Reach,
    RenderingError,
    draw,
    legend_in_words,
    legend_of,
    renderings_of,
    sensor_of,
    stored_picture,
)
from retriever.rag._types import EvidencePicture, EvidenceTile, QueryPlan
from retriever.rag.evidence._diversify import TIMED

QUALITY = 90
"""Of JPEG, which every model reads; colours are kept at full resolution, because an index is read off them."""

PER_TILE = 2
"""Most pictures of one tile: what the question wants to see, and what to compare it with."""

AT_ONCE = 4
"""Tiles drawn at the same time: remote ones wait for the network, and a window of a scene takes about 20 MB."""

NO_DATA = (128, 0, 255)
"""Red, green, blue of pixels without data: a violet that no colour map and no legend has."""

_NO_DATA_WORDS = "flat violet (#8000ff)"
_REASON = 200
"""Characters of a reason."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """A picture to be drawn."""

    place: int
    """Of the tile among the evidence."""
    rendering: str | None
    """None for the usual one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Done:
    """What came of it."""

    job: _Job
    picture: EvidencePicture | None
    """None where nothing could be drawn."""
    reason: str | None
    """Why the original was not."""


def draw_pictures(
    tiles: Sequence[EvidenceTile],
    plan: QueryPlan,
    reach: Reach | None,
    pictures: int,
    picture_px: int,
    *,
    places: Mapping[int, int] | None = None,
) -> tuple[tuple[EvidenceTile, ...], tuple[str, ...]]:
    """Return the tiles with pictures, and what could not be drawn or had no room, a sentence each.

    Args:
        tiles: The evidence.
        plan: Its renderings are drawn first where a sensor has them.
        reach: Which original pixels may be opened; None opens whatever a record names.
        pictures: Most pictures of all tiles together.
        picture_px: Longer side in pixels, at most; smaller originals are not enlarged.
        places: Place of each tile by its number: tiles of one place have the same; None counts each as its own.
    """
    board = _Board(tiles=tiles, reach=reach, side=picture_px)
    board.fill(_jobs(tiles, plan, places or {}, pictures), pictures)
    shown = tuple(replace(tile, pictures=board.of(at)) for at, tile in enumerate(tiles))
    return shown, tuple(board.left_out(pictures))


class _Board:
    """The pictures as they are drawn."""

    def __init__(self, *, tiles: Sequence[EvidenceTile], reach: Reach | None, side: int) -> None:
        self._tiles = tiles
        self._draw = partial(_draw, reach=reach, side=side)
        self._drawn: dict[tuple[int, str], EvidencePicture] = {}
        self._failed: dict[int, str] = {}

    def fill(self, waiting: Iterator[_Job], pictures: int) -> None:
        """Draw until there are enough; one that cannot be drawn makes room for the next."""
        # The preview is the same in every rendering, and a second try would fail like the first.
        open_jobs = (job for job in waiting if job.place not in self._failed)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while jobs := list(islice(open_jobs, max(pictures - len(self._drawn), 0))):
                records = [self._tiles[job.place].record for job in jobs]
                for done in pool.map(self._draw, records, jobs):
                    self._add(done)

    def _add(self, done: _Done) -> None:
        place = done.job.place
        if done.reason is not None:
            first = place not in self._failed and not self.of(place)
            self._failed.setdefault(place, done.reason)
            if not first:
                return
        if done.picture is not None:
            self._drawn[place, done.picture.rendering] = done.picture

    def of(self, place: int) -> tuple[EvidencePicture, ...]:
        """Return the pictures of one tile."""
        return tuple(picture for (at, _), picture in self._drawn.items() if at == place)

    def left_out(self, pictures: int) -> Iterator[str]:
        """Say which tiles have no picture, and why."""
        bare = [at for at in range(len(self._tiles)) if not self.of(at)]
        for at in bare:
            if at in self._failed:
                yield f"Tile {self._tiles[at].number} could not be drawn: {self._failed[at]}."
        numbers = [str(self._tiles[at].number) for at in bare if at not in self._failed]
        if numbers:
            plural = "s" * (len(numbers) > 1)
            yield f"Tile{plural} {', '.join(numbers)} had no picture drawn: at most {pictures} were asked for."


def _jobs(tiles: Sequence[EvidenceTile], plan: QueryPlan, places: Mapping[int, int], pictures: int) -> Iterator[_Job]:
    """Pictures in the order of their worth."""
    groups: dict[tuple[int | None, int], int] = {}
    for at, tile in enumerate(tiles):
        groups.setdefault((tile.period, places.get(tile.number, -tile.number)), at)
    first = list(groups.values())
    rest = [at for at in range(len(tiles)) if at not in set(first)]
    if plan.shape in TIMED and len(plan.periods) < 2:
        first = _evenly_first(first, pictures)
    wanted = [renderings_for(tile.record.sensor, plan) for tile in tiles]
    compared = any(name in plan.renderings for names in wanted for name in names)
    for group, rank in ((first, 0), (first, 1), (rest, 0), (rest, 1)) if compared else ((first, 0), (rest, 0)):
        yield from (_Job(place=at, rendering=wanted[at][rank]) for at in group if rank < len(wanted[at]))


def _evenly_first(dates: Sequence[int], pictures: int) -> list[int]:
    """Return tiles of rising dates with those to be drawn in front: the oldest, the newest, and evenly between."""
    count = min(pictures, len(dates))
    chosen = [dates[round(step * (len(dates) - 1) / max(count - 1, 1))] for step in range(count)]
    return list(dict.fromkeys([*chosen, *dates]))


def renderings_for(sensor: str, plan: QueryPlan) -> tuple[str | None, ...]:
    """Return how tiles of a sensor are drawn for a plan, best first: what it asks for, then the usual one."""
    known = renderings_of(sensor)
    asked = [name for name in plan.renderings if name in known]
    # The usual one comes second, whatever else is asked for: an index alone is hard to believe.
    return tuple(dict.fromkeys((*asked[:1], *(known[:1] or (None,)), *asked[1:])))[:PER_TILE]


def _draw(record: Record, job: _Job, *, reach: Reach | None, side: int) -> _Done:
    try:
        return _Done(job=job, picture=_original(record, job.rendering, reach=reach, side=side), reason=None)
    except SwathError as error:
        reason = _told(error)
    try:
        return _Done(job=job, picture=_stored(record, side, reason), reason=reason)
    except SwathError as error:
        return _Done(job=job, picture=None, reason=f"{reason}; {_told(error)}")


def _original(record: Record, rendering: str | None, *, reach: Reach | None, side: int) -> EvidencePicture:
    try:
        drawn = draw(record, rendering, side, reach=reach)
    except RenderingError:
        # The files hold fewer bands than the sensor has.
        drawn = draw(record, None, side, reach=reach)
    with Image.open(io.BytesIO(drawn.png), formats=["PNG"]) as transparent:
        picture, gaps = _flattened(transparent)
    words = legend_in_words(drawn.legend, empty=_NO_DATA_WORDS if gaps else None)
    return _encoded(picture, rendering=drawn.legend.name, legend=words)


def _flattened(transparent: Image.Image) -> tuple[Image.Image, bool]:
    """Return the picture on the colour of no data, and whether any of that shows."""
    alpha = transparent.getchannel("A")
    flat = Image.new("RGB", transparent.size, NO_DATA)
    flat.paste(transparent, mask=alpha)
    return flat, alpha.getextrema() != (255, 255)


def _stored(record: Record, side: int, reason: str) -> EvidencePicture:
    picture = stored_picture(record.preview)
    picture.thumbnail((side, side))
    found = _encoded(picture, rendering="preview", legend=_preview_words(record))
    remark = f"Only the small stored preview, since the original pixels could not be read: {reason}."
    return replace(found, source="preview", remark=remark)


def _preview_words(record: Record) -> str:
    try:
        first: Legend = legend_of(sensor_of(record.sensor), None)
    except SwathError:
        return "The sensor comes from somebody's own file; what the colours show is not known here."
    return f"Drawn when the tile was indexed, as {first.name} where its bands were there. {legend_in_words(first)}"


def _encoded(picture: Image.Image, *, rendering: str, legend: str) -> EvidencePicture:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=QUALITY, subsampling=0)
    return EvidencePicture(
        rendering=rendering,
        legend=legend,
        media_type="image/jpeg",
        data=data.getvalue(),
        width=picture.width,
        height=picture.height,
        source="original",
    )


def _told(error: SwathError) -> str:
    """Return why something cannot be read in one short line, without what an operator may set where."""
    return printable(" ".join(str(error).split()).partition("; ")[0])[:_REASON].rstrip(".")
