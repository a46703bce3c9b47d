"""How the soak judges hits: what is wrong with them, or None."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks.soak_archive import COLLECTION, Scenes


def scenes_wrong(scenes: Scenes, found: Mapping[str, Any], body: Mapping[str, Any], sent: float) -> str | None:
    """Return what is wrong with the hits of scenes that come and go; ``sent`` is when the question was."""
    settled, total = scenes.settled(sent), scenes.total(sent)
    seen = [hit["scene_id"] for hit in found["hits"] if hit["collection"] == COLLECTION]
    for name in dict.fromkeys(seen):
        if settled.get(name, 1) < 1:
            return f"scene {name} came back after it was removed"
        if seen.count(name) > settled.get(name, len(seen)):
            return f"scene {name} has {seen.count(name)} tiles instead of {settled[name]}"
    if body.get("collection") == [COLLECTION] and total is not None and found["matched"] != total:
        return f"matched {found['matched']} of the scenes that come and go instead of {total}"
    return None


def hits_wrong(found: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    """Return what is wrong with hits in any archive: their number, their order, one that no filter lets pass."""
    hits = found["hits"]
    if len(hits) != min(int(body.get("k", 10)), found["matched"]):
        return f"{len(hits)} hits of {found['matched']} that match, k = {body.get('k')}"
    scores = [hit["score"] for hit in hits]
    if scores != sorted(scores, reverse=True):
        return "hits are not in the order of their scores"
    if len({hit["tile_id"] for hit in hits}) < len(hits):
        return "a tile was found twice"
    strange = next((hit["tile_id"] for hit in hits if not _passes(hit, body)), None)
    return f"{strange} passes no filter of {sorted(body)}" if strange else None


def _passes(hit: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    return all(_PASS[name](hit, value) for name, value in body.items() if name in _PASS)


def _meets(hit: Mapping[str, Any], box: Iterable[float]) -> bool:
    west, south, east, north = box
    own = hit["bbox"]
    return bool(own[0] <= east and own[2] >= west and own[1] <= north and own[3] >= south)


def _within(hit: Mapping[str, Any], text: str) -> bool:
    # Texts in RFC 3339, UTC, of one length compare as their instants do.
    start, end = text.split("/")
    return start[:19] <= str(hit["datetime"])[:19] <= end[:19]


_PASS: dict[str, Callable[[Mapping[str, Any], Any], bool]] = {
    "bbox": _meets,
    "datetime": _within,
    "sensor": lambda hit, names: hit["sensor"] in names,
    "collection": lambda hit, names: hit["collection"] in names,
    "max_cloud": lambda hit, most: hit["cloud"] is not None and hit["cloud"] * 100 <= most,
    "filter": lambda hit, text: (
        hit["gsd"] <= 10 and hit["valid"] > 0.5 if text.startswith("gsd") else f"'{hit['scene_id']}'" in text
    ),
}
"""Whether a hit passes a filter of the soak's own requests."""
