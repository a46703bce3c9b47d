"""The evidence of a question: retrieve with filters first, count, diversify, look up passages, measure, draw."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from retriever._listing import take_tiles
from retriever._request import SearchRequest
from retriever.rag._archive import Archive
from retriever.rag._types import EvidencePassage, EvidenceSet, EvidenceTile, Fact, QueryPlan, Step, StepName, Turn
from retriever.rag._wording import listed, plural
from retriever.rag.evidence._beside import passages_beside
from retriever.rag.evidence._diversify import TIMED, Chosen, End, diversify
from retriever.rag.evidence._facts import Counted, facts_of
from retriever.rag.evidence._filters import Filters, filters_of
from retriever.rag.evidence._nothing import missing_sensor, nothing_passes, unknown_place
from retriever.rag.evidence._pictures import draw_pictures
from retriever.rag.evidence._retrieve import Retrieved, Search, retrieve
from retriever.rag.evidence._scoring import Phrase
from retriever.rag.evidence._seen import Seen, see
from retriever.rag.evidence._support import judge
from retriever.rag.evidence._worth import measurable_only, worth_showing
from retriever.rag.measuring._measured import is_measured, measure, tells
from retriever.rag.records._from_records_claims import quoted

_EMPTY = "No tile that passes the filters is left: each shows what must not show, or scores less than was set."

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
    gathered = partial(
        _gathered,
        archive=archive,
        filters=filters,
        tiles=tiles,
        pictures=pictures,
        picture_px=picture_px,
        kept=kept,
        note=note,
    )
    if plan.sought and is_measured(plan):
        # Every tile of the place counts then, evenly over time: scores would leave out dates.
        found = gathered(replace(plan, sought=()), only_measured=True)
        if found is not None:
            return found
    evidence = gathered(plan)
    assert evidence is not None, "only what has to be measured can be missing"  # noqa: S101  # it tells the type checker
    return evidence


def _gathered(
    plan: QueryPlan,
    *,
    archive: Archive,
    filters: SearchRequest | None,
    tiles: int,
    pictures: int,
    picture_px: int,
    kept: Turn | None,
    note: Note,
    only_measured: bool = False,
) -> EvidenceSet | None:
    """Return the evidence; None where it was wanted only if something could be measured, and nothing could."""
    walk = _Walk(plan=plan, archive=archive, filters=filters, steps=_Steps(note))
    nowhere = unknown_place(plan, filters) or missing_sensor(plan, archive, filters)
    if nowhere is not None:
        return EvidenceSet(insufficient=nowhere)
    joined, retrieved, counted = walk.retrieved(tiles, kept)
    if not counted.everything.tiles:
        return EvidenceSet(dropped=joined.remarks, insufficient=nothing_passes(plan, archive, filters))
    if only_measured:
        retrieved = measurable_only(retrieved, plan, archive)
    chosen = walk.diversified(retrieved, counted, tiles)
    shown = _numbered(archive, chosen)
    insufficient = judge(retrieved, archive) or (None if shown else _EMPTY)
    # Nobody measures or looks at what cannot carry an answer.
    measured = walk.measured(shown, joined) if insufficient is None else ()
    if only_measured and not tells(measured):
        return None
    passages = walk.passages(shown, kept)
    facts = (*facts_of(retrieved, counted, shown), *measured)
    dropped = (*joined.remarks, *_left_out(plan, retrieved))
    if pictures and insufficient is None:
        shown, undrawn = walk.drawn(shown, chosen, pictures, picture_px)
        dropped += undrawn
    return EvidenceSet(
        tiles=shown,
        passages=passages,
        facts=facts,
        matched=counted.everything.tiles,
        dropped=dropped,
        insufficient=insufficient,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Walk:
    """One question on its way to its evidence; every method is a step."""

    plan: QueryPlan
    archive: Archive
    filters: SearchRequest | None
    steps: _Steps

    def retrieved(self, tiles: int, kept: Turn | None) -> tuple[Filters, Retrieved, Counted]:
        with self.steps.step("retrieve") as told:
            joined = self._joined(kept)
            retrieved = retrieve(self.plan, self.archive, joined, tiles=tiles)
            counted = self._counted(joined, retrieved)
            number = sum(len(search.candidates) for search in retrieved.searches)
            passed = plural(counted.everything.tiles, "tile")
            searches = plural(len(retrieved.searches), "search", "searches")
            pass_ = "passes" if counted.everything.tiles == 1 else "pass"
            told["text"] = f"{passed} {pass_} the filters; {plural(number, 'candidate')} from {searches}."
            told["matched"] = counted.everything.tiles
            told["searches"] = [_described(search) for search in retrieved.searches]
            told["remarks"] = list(retrieved.remarks)
        return joined, retrieved, counted

    def _joined(self, kept: Turn | None) -> Filters:
        """Return the filters; those among the earlier tiles, unless none of these passes."""
        wide = filters_of(self.plan, self.filters)
        if not self.plan.among_earlier or kept is None or not kept.tile_ids:
            return wide
        narrow = filters_of(self.plan, self.filters, inside=kept.tile_ids)
        if see(self.archive, narrow, (), ())[0].tiles:
            return narrow
        earlier = plural(len(kept.tile_ids), "tile")
        said = f"None of the {earlier} of the answer before passes; the whole archive was searched."
        return Filters(each=wide.each, remarks=(*wide.remarks, said))

    def _counted(self, joined: Filters, retrieved: Retrieved) -> Counted:
        phrases = tuple({id(s.phrase): s.phrase for s in retrieved.searches if s.phrase is not None}.values())
        everything, each = see(self.archive, joined, phrases, retrieved.unwanted)
        return Counted(everything=everything, shown=tuple(zip(phrases, each, strict=True)))

    def diversified(self, retrieved: Retrieved, counted: Counted, tiles: int) -> tuple[Chosen, ...]:
        with self.steps.step("diversify") as told:
            ends = _ends(self.plan, counted)
            chosen = diversify(self.plan, self.archive, worth_showing(retrieved), tiles=tiles, ends=ends)
            places = len({each.place for each in chosen})
            told["text"] = f"{plural(len(chosen), 'tile')} of {plural(places, 'place')} chosen."
            told |= {"tiles": len(chosen), "places": places}
        return chosen

    def passages(self, shown: Sequence[EvidenceTile], kept: Turn | None) -> tuple[EvidencePassage, ...]:
        if self.archive.knowledge is None or not self.plan.knowledge:
            return ()
        with self.steps.step("knowledge") as told:
            found = passages_beside(self.plan, self.archive.knowledge, shown, kept)
            told["text"] = f"{plural(len(found), 'passage')} found."
            told["passages"] = len(found)
        return tuple(
            EvidencePassage(number=number, passage=passage)
            for number, passage in enumerate(found, start=len(shown) + 1)
        )

    def measured(self, shown: Sequence[EvidenceTile], joined: Filters) -> tuple[Fact, ...]:
        if not self.plan.renderings:
            return ()
        with self.steps.step("measure") as told:
            facts = measure(self.plan, shown, self.archive, area=joined.area)
            told["text"] = f"{plural(len(facts), 'fact')} measured on original pixels."
            told["facts"] = len(facts)
        return facts

    def drawn(
        self, shown: tuple[EvidenceTile, ...], chosen: Sequence[Chosen], pictures: int, picture_px: int
    ) -> tuple[tuple[EvidenceTile, ...], tuple[str, ...]]:
        places = _groups(self.plan, shown, chosen)
        with self.steps.step("draw") as told:
            drawn, dropped = draw_pictures(shown, self.plan, self.archive.reach, pictures, picture_px, places=places)
            sources = [picture.source for tile in drawn for picture in tile.pictures]
            told["text"] = f"{plural(len(sources), 'picture')} drawn, {sources.count('original')} from original pixels."
            told |= {"pictures": len(sources), "original": sources.count("original")}
        return drawn, dropped


class _Steps:
    """Tells each step, with its time, once it is over."""

    def __init__(self, note: Note) -> None:
        self._note = note

    @contextmanager
    def step(self, name: StepName) -> Iterator[dict[str, Any]]:
        """Collect what the step tells: ``text`` and any further detail."""
        started, told = time.perf_counter(), dict[str, Any]()
        yield told
        text = str(told.pop("text"))
        self._note(Step(name=name, text=text, seconds=time.perf_counter() - started, detail=told))


def _described(search: Search) -> dict[str, Any]:
    best, phrase = search.best, search.phrase
    return {
        "period": search.filtered.period,
        "sought": None if phrase is None else phrase.text,
        "matched": search.matched,
        "candidates": len(search.candidates),
        "left_out": search.left_out,
        "best_score": None if best is None else best.score,
        "best_probability": None if best is None else best.probability,
        "threshold": None if phrase is None else phrase.threshold,
    }


def _ends(plan: QueryPlan, counted: Counted) -> list[End]:
    """Return the first and the last tile of what a question about time is about, so that these dates can be cited."""
    if plan.sought and plan.shape not in TIMED:
        return []
    sets: Sequence[tuple[Phrase | None, Seen]] = counted.shown or ((None, counted.everything),)
    return [
        End(phrase=phrase, instant=moment[0], row_id=moment[2])
        for phrase, seen in sets
        for moment in (seen.first, seen.last)
        if moment is not None
    ]


def _groups(plan: QueryPlan, shown: Sequence[EvidenceTile], chosen: Sequence[Chosen]) -> dict[int, int]:
    """Return what is to be seen once before any is seen twice: each place, or each date where time is asked for."""
    if plan.shape in TIMED and len(plan.periods) < 2:
        days = [None if tile.record.datetime is None else tile.record.datetime.date() for tile in shown]
        seen: dict[date | None, int] = {}
        return {tile.number: seen.setdefault(day, len(seen)) for tile, day in zip(shown, days, strict=True)}
    return {tile.number: each.place for tile, each in zip(shown, chosen, strict=True)}


def _left_out(plan: QueryPlan, retrieved: Retrieved) -> Iterator[str]:
    """Say what of the question was not followed, and what was taken away from the candidates."""
    if plan.unknown_place is not None:
        yield f"Nothing here knows where {quoted(plan.unknown_place)} is; the tiles were looked for without it."
    hidden = sum(search.left_out for search in retrieved.searches)
    if hidden:
        names = listed([quoted(phrase.text) for phrase in retrieved.unwanted if phrase.threshold is not None], "or")
        yield f"{plural(hidden, 'candidate')} left out that probably show{'s' * (hidden == 1)} {names}."
        if not plan.sought:
            yield f"What is counted of all tiles that pass the filters counts those that show {names}, too."
    vague = [quoted(phrase.text) for phrase in retrieved.unwanted if phrase.threshold is None]
    if vague:
        rank = "rank lower but are" if plan.sought else "are"
        yield f"Tiles that show {listed(vague, 'or')} {rank} not left out: the index has no threshold."


def _numbered(archive: Archive, chosen: Sequence[Chosen]) -> tuple[EvidenceTile, ...]:
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
