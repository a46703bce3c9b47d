"""Passages beside the tiles: by meaning and by place."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry

from retriever.rag._types import EvidenceTile, Passage, QueryPlan, Turn
from retriever.rag.passages._passages import SearchesKnowledge

PASSAGES = 4
"""Most passages of an evidence set: beside twelve tiles they stay the smaller part of what a model reads."""

RADIUS_KM = 25.0
"""How far from the place, or from the tiles, a passage may lie: a town still names the land that far around it."""


def passages_beside(
    plan: QueryPlan, knowledge: SearchesKnowledge, tiles: Sequence[EvidenceTile], kept: Turn | None
) -> tuple[Passage, ...]:
    """Return what is known of the question's place and things, each passage once.

    First the entry that the place came from, then what the answer before rested on where the plan asks among that, then
    what fits best.

    Args:
        plan: What is sought and where.
        knowledge: Where passages are looked for.
        tiles: The evidence, whose places count where the plan has none.
        kept: The answer before.

    Raises:
        StoreError: The knowledge cannot be read.
    """
    entry = None if plan.place is None else plan.place.passage_id
    earlier = kept.passage_ids if kept is not None and plan.among_earlier else ()
    known = knowledge.get([*([] if entry is None else [entry]), *earlier])
    found = knowledge.search(plan.sought or (plan.question,), near=_near(plan, tiles), radius_km=RADIUS_KM, k=PASSAGES)
    each = {passage.passage_id: passage for passage in (*found, *known)}
    order = dict.fromkeys(passage.passage_id for passage in (*known, *found))
    return tuple(each[passage_id] for passage_id in order)[:PASSAGES]


def _near(plan: QueryPlan, tiles: Sequence[EvidenceTile]) -> BaseGeometry | None:
    if plan.place is not None:
        return plan.place.geometry
    footprints = [tile.record.footprint for tile in tiles if tile.record.footprint is not None]
    return shapely.union_all(footprints) if footprints else None
