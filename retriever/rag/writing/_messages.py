"""What a model is shown: instructions, the question, facts and evidence as fenced data, pictures; within a budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import AnswerSettings
from retriever.rag._model import ImagePart, Message, TextPart
from retriever.rag._types import EvidencePicture, EvidenceSet, EvidenceTile, QueryPlan, Turn
from retriever.rag.writing._budget import Budget, picture_tokens, text_tokens
from retriever.rag.writing._foreign import as_data, fenced, plain
from retriever.rag.writing._instructions import CLOSING, DATA, INSTRUCTIONS
from retriever.rag.writing._sent_picture import sent_picture
from retriever.rag.writing._shown import (
    LONGEST_LEGEND,
    fact_row,
    passage_row,
    picture_label,
    plan_row,
    tile_row,
    turn_row,
)

_FACTS_UP_TO = 0.5
"""Of the budget that instructions, question and facts may take together; more facts than that are lists."""
_RECORDS_UP_TO = 0.7
"""Likewise with the records of tiles added."""
_PASSAGES_UP_TO = 0.8
"""Likewise with passages added: a fifth at least stays for pictures, which are what a vision model is asked for."""
_TURNS = 5
"""Earlier questions that are shown; what they rested on is in the evidence already."""


_HEADINGS = (
    "Question and how it was read:",
    "Earlier in this dialogue:",
    "Facts, computed from all matching records:",
    "Tiles:",
    "Passages:",
)
"""In the order in which they stand."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Brief:
    """One request to a model."""

    messages: tuple[Message, ...]
    """Instructions, then the evidence with the question."""
    numbers: frozenset[int]
    """Evidence that is in it; a reply may cite nothing else."""
    dropped: tuple[str, ...]
    """What was left out for want of room, a sentence each."""
    pictures: int
    """How many are in it."""
    tokens: int
    """Estimated length, pictures included; estimated from above, see ``_budget``."""


def brief(
    question: str, plan: QueryPlan, evidence: EvidenceSet, turns: Sequence[Turn], settings: AnswerSettings
) -> Brief:
    """Return the request for a question. Foreign text in it stands in JSON between ``<data>`` tags.

    Records of tiles come before passages, passages before pictures, pictures before earlier turns: what comes last is
    left out first. A tile whose picture is left out stands as a record. Pictures are decoded here, so in a server this
    runs in a thread.

    Args:
        question: As typed.
        plan: How it was read.
        evidence: What the answer may rest on.
        turns: Earlier questions of the dialogue, oldest first.
        settings: The budget.
    """
    room = _Room(settings)
    asked = plan_row(question, plan)
    room.budget.spend(text_tokens(f"{INSTRUCTIONS}{_HEADINGS}{CLOSING}{as_data(asked)}"))
    facts = room.kept("fact", [fact_row(fact, evidence.numbers()) for fact in evidence.facts], _FACTS_UP_TO)
    tiles = room.kept("tile", map(tile_row, evidence.tiles), _RECORDS_UP_TO)
    passages = room.kept("passage", map(passage_row, evidence.passages), _PASSAGES_UP_TO)
    numbers = frozenset(row["number"] for row in (*tiles, *passages))
    shown = _shown_pictures([tile for tile in evidence.tiles if tile.number in numbers], room)
    earlier = room.kept("earlier question", map(turn_row, reversed(turns[-_TURNS:])), 1.0)
    facts = [{**row, "cites": [number for number in row["cites"] if number in numbers]} for row in facts]
    rows = ([asked], earlier[::-1], facts, tiles, passages)
    text = "\n".join(f"{title}\n{fenced(DATA, each)}" for title, each in zip(_HEADINGS, rows, strict=True) if each)
    said = (TextPart(text=text), *shown, TextPart(text=CLOSING))
    return Brief(
        messages=(Message(role="system", parts=(TextPart(text=INSTRUCTIONS),)), Message(role="user", parts=said)),
        numbers=numbers,
        dropped=tuple(room.left_out),
        pictures=sum(isinstance(part, ImagePart) for part in shown),
        tokens=room.budget.spent,
    )


class _Room:
    """What still fits, and what did not."""

    def __init__(self, settings: AnswerSettings) -> None:
        self.settings = settings
        self.budget = Budget(settings.context_tokens)
        self.left_out: list[str] = []

    def kept(self, kind: str, rows: Iterable[dict[str, Any]], up_to: float) -> list[dict[str, Any]]:
        """Return the rows that fit, in order, and note the others."""
        given = list(rows)
        fits = [self.budget.take(text_tokens(as_data(row)), up_to=up_to) for row in given]
        self.note(kind, [_named(row) for row, fit in zip(given, fits, strict=True) if not fit])
        return [row for row, fit in zip(given, fits, strict=True) if fit]

    def note(self, kind: str, names: Sequence[str], why: str | None = None) -> None:
        """Say that things were not shown."""
        if not names:
            return
        listed = f" {', '.join(filter(None, names))}" if any(names) else ""
        why = why or f"no room in SWATH_ANSWER_CONTEXT_TOKENS={self.settings.context_tokens}"
        self.left_out.append(f"The model was not shown {len(names)} {kind}{'s' * (len(names) > 1)}{listed}: {why}.")


def _named(row: Mapping[str, Any]) -> str:
    return f"[{row['number']}]" if "number" in row else ""


def _shown_pictures(tiles: Sequence[EvidenceTile], room: _Room) -> list[TextPart | ImagePart]:
    """Return labels and pictures in the order of their tiles; every tile's first picture goes before any second."""
    drawn = [(rank, tile, picture) for tile in tiles for rank, picture in enumerate(tile.pictures)]
    wanted = sorted(drawn, key=lambda each: (each[0], each[1].number))
    limit = room.settings.images
    room.note("picture", [f"[{tile.number}]" for _, tile, _ in wanted[limit:]], f"SWATH_ANSWER_IMAGES={limit}")
    chosen = [(tile, rank, part) for rank, tile, picture in wanted[:limit] if (part := _fitting(tile, picture, room))]
    legends: set[str] = set()
    parts: list[TextPart | ImagePart] = []
    for tile, rank, part in sorted(chosen, key=lambda each: (each[0].number, each[1])):
        parts += [TextPart(text=_label(tile, tile.pictures[rank], legends)), part]
    return parts


def _fitting(tile: EvidenceTile, picture: EvidencePicture, room: _Room) -> ImagePart | None:
    """Return a picture ready to be sent; None, and noted, where it has no room or is damaged."""
    longest = room.settings.image_px
    scale = min(1.0, longest / max(picture.width, picture.height, 1))
    label = text_tokens(_label(tile, picture, set()))
    if not room.budget.take(label + picture_tokens(round(picture.width * scale), round(picture.height * scale))):
        room.note("picture", [f"[{tile.number}]"])
        return None
    try:
        return sent_picture(picture, longest)
    except OSError:
        room.note("picture", [f"[{tile.number}]"], "it cannot be decoded")
        return None


def _label(tile: EvidenceTile, picture: EvidencePicture, explained: set[str]) -> str:
    """Return what stands before a picture, with its legend where that has not been given yet."""
    label = picture_label(tile, picture.rendering)
    legend = plain(picture.legend, LONGEST_LEGEND)
    if not legend or legend in explained:
        return label
    explained.add(legend)
    return f"{label}\n{fenced(DATA, [{'legend': legend}])}"
