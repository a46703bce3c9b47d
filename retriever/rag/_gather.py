"""The evidence of a question: retrieve, diversify, look up passages, compute facts, draw."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from retriever._listing import take_tiles
from retriever._request import SearchRequest
from retriever.rag._archive import Archive
from retriever.rag._diversify import Chosen, diversify
from retriever.rag._facts import facts_of
from retriever.rag._filters import filters_of
from retriever.rag._pictures import draw_pictures
from retriever.rag._retrieve import Search, retrieve
from retriever.rag._types import EvidencePassage, EvidenceSet, EvidenceTile, Passage, QueryPlan, Step, Turn

PASSAGES = 4
"""Most passages of an evidence set: with twelve tiles they stay a minor part of what a model reads."""

RADIUS_KM = 25.0
"""How far from the place, or from the tiles, a passage may lie: about the distance at which a town's name still says
where something is."""

Note = Callable[[Step], None]
"""Told of a step when it has been taken."""


def gather(
    plan: QueryPlan,
    archive: Archive,
    *,
    filters: SearchRequest | None = None,
    tiles: int = 12,
    pictures: int = 6,
    picture_px: int = 512,
    kept: Turn | None = None,
    note: Note = lambda step: None,
) -> EvidenceSet:
    """Return the evidence of a question.

    Args:
        plan: How the question is read.
        archive: What it is put to.
        filters: The user's own filters; a tile must pass the plan's as well.
        tiles: Most tiles.
        pictures: Most pictures; 0 draws none.
        picture_px: Longer side of a picture in pixels, at most.
        kept: The answer before; its tiles alone count where the plan asks among them.
        note: Told of each step.

    Raises:
        QueryError: The plan or the filters are wrong for this index.
        SpaceMismatchError: The index was filled by another encoder.
        StoreError: The index cannot be read.
    """
    steps = _Steps(note)
    with steps.step("retrieve") as told:
        joined = filters_of(plan, filters)
        retrieved = retrieve(plan, archive, joined, tiles=tiles)
        told |= {"text": f"{len(retrieved.searches)} searches.", "searches": list(map(_described, retrieved.searches))}
    with steps.step("diversify") as told:
        chosen = diversify(plan, archive, retrieved, tiles=tiles)
        told["text"] = f"{len(chosen)} tiles chosen."
    shown = _numbered(archive, plan, chosen)
    with steps.step("knowledge") as told:
        passages = _passages(plan, archive, shown)
        told["text"] = f"{len(passages)} passages."
    facts = facts_of(plan, archive, retrieved, shown)
    dropped: tuple[str, ...] = retrieved.remarks
    if pictures and shown:
        with steps.step("draw") as told:
            shown, undrawn = draw_pictures(shown, plan, archive.reach, pictures, picture_px)
            dropped += undrawn
            told["text"] = f"{sum(len(tile.pictures) for tile in shown)} pictures drawn."
    matched = sum({search.filtered.period: search.matched for search in retrieved.searches}.values())
    return EvidenceSet(
        tiles=shown,
        passages=passages,
        facts=facts,
        matched=matched,
        dropped=dropped,
        insufficient=None if shown else "No tile passes the filters.",
    )


class _Steps:
    """Tells each step, with its time, once it is over."""

    def __init__(self, note: Note) -> None:
        self._note = note

    @contextmanager
    def step(self, name: Any) -> Iterator[dict[str, Any]]:
        """Collect what the step tells: ``text`` and any further detail."""
        started, told = time.perf_counter(), dict[str, Any]()
        yield told
        text = str(told.pop("text"))
        self._note(Step(name=name, text=text, seconds=time.perf_counter() - started, detail=told))


def _described(search: Search) -> dict[str, Any]:
    best = search.best
    return {
        "period": search.filtered.period,
        "sought": None if search.phrase is None else search.phrase.text,
        "matched": search.matched,
        "candidates": len(search.candidates),
        "best_score": None if best is None else best.score,
        "best_probability": None if best is None else best.probability,
    }


def _numbered(archive: Archive, plan: QueryPlan, chosen: Sequence[Chosen]) -> tuple[EvidenceTile, ...]:
    records = take_tiles(archive.rows, [each.candidate.row_id for each in chosen])
    return tuple(
        EvidenceTile(
            number=number,
            record=record,
            sought=None if each.search.phrase is None else each.search.phrase.text,
            period=each.search.filtered.period,
            score=each.candidate.score,
            probability=each.candidate.probability,
        )
        for number, (each, record) in enumerate(zip(chosen, records, strict=True), start=1)
    )


def _passages(plan: QueryPlan, archive: Archive, tiles: Sequence[EvidenceTile]) -> tuple[EvidencePassage, ...]:
    if archive.knowledge is None or not plan.knowledge:
        return ()
    found: tuple[Passage, ...] = archive.knowledge.search(
        plan.sought or (plan.question,), near=_near(plan, tiles), radius_km=RADIUS_KM, k=PASSAGES
    )
    return tuple(
        EvidencePassage(number=number, passage=passage) for number, passage in enumerate(found, start=len(tiles) + 1)
    )


def _near(plan: QueryPlan, tiles: Sequence[EvidenceTile]) -> BaseGeometry | None:
    if plan.place is not None:
        return plan.place.geometry
    footprints = [tile.record.footprint for tile in tiles if tile.record.footprint is not None]
    return shapely.union_all(footprints) if footprints else None
