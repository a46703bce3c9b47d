"""What an index holds and how to ask it, for an agent that sees it for the first time."""

from __future__ import annotations

from collections.abc import Mapping

from api._mcp_facts import MAX_LABEL, IndexAnswer, plain
from api._services import Service
from core import rfc3339
from indexer import renderings_of
from indexer.store import IndexInfo
from retriever import FILTER_COLUMNS, load_calibration

MAX_NAMES = 100
"""Most sensors and collections listed, by number of tiles."""


def describe(service: Service, indexes: tuple[str, ...]) -> IndexAnswer:
    """Return the description of an index.

    Args:
        service: The index.
        indexes: Names of all indexes there are.

    Raises:
        StoreError: The index cannot be read.
    """
    info = service.store.snapshot().info()
    words = service.searcher.understands_words()
    first, last = (None if date is None else rfc3339(date) for date in info.datetime)
    return IndexAnswer(
        index=service.name,
        indexes=list(indexes),
        tiles=info.tiles,
        scenes=info.scenes,
        sensors=_most(info.sensors),
        collections=_most(info.collections),
        first_date=first,
        last_date=last,
        bbox=None if info.bbox is None else [round(side, 5) for side in info.bbox],
        encoder=f"{info.encoder}@{info.revision}",
        understands_words=words,
        calibrated=load_calibration(service.store.path) is not None,
        renderings={plain(name, MAX_LABEL): list(renderings_of(name)) for name in _most(info.sensors)},
        filter_columns=list(FILTER_COLUMNS),
        how_to_ask=_advice(info, words=words),
    )


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {plain(name, MAX_LABEL): count for name, count in ranked[:MAX_NAMES]}


def _advice(info: IndexInfo, *, words: bool) -> list[str]:
    ask = (
        "search(text=...) takes a thing or a scene in plain English, e.g. 'a harbour with ships' or 'flooded fields'."
        if words
        else "This encoder does not understand words: find a tile with tiles_near, then search(like=tile_id)."
    )
    by_sensor = "Scores compare within one sensor only: name one sensor at a time where several are here."
    return [
        ask,
        "Put where and when into bbox and datetime, not into the text.",
        *([by_sensor] if len(info.sensors) > 1 else []),
        "Ranking always returns something: look_at_tile before you say that a tile shows what was asked for.",
        "series_of_place shows one place through time, for before and after.",
        "A filter writes texts in single quotes, sensor = 'naip', instants as TIMESTAMP('2021-06-01T00:00:00Z').",
    ]
