"""Follow-up questions: what they keep of the plan before, what they narrow, widen or change, said in notes.

"only the ones near the river" narrows what is sought, "and before 2015?" and "only Sentinel-1" replace a condition,
"also Landsat" adds to one, "at any date" drops one; everything else stays. What stands by itself is a new question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from retriever.rag._types import QueryPlan, Turn
from retriever.rag.planning._plan import plan_question
from retriever.rag.planning._plan_renderings import choose_renderings
from retriever.rag.planning._plan_text import MAX_QUESTION, read_question
from retriever.rag.planning._plan_world import World

_FOLLOWS = re.compile(
    r"^(?:and|but|or|so|also|only|just|now|then|what about|how about|what if|same|instead|again"
    r"|more|less|this time|no|yes|ok|"
    r"okay|compared? (?:(?:it|them|that|this|those) )?(?:with|to|against)"
    r"|without|with|except|not|except|excluding|where|when|how many|before|after|since|until"
    r"|in|from|on|near|around|at|within|"
    r"during|between|everywhere|anywhere|any|all|show (?:me )?(?:the )?(?:same|more|others|them"
    r"|those|only))\b(?! (?:is|are|was|were|did|do|does|has|have|can)\b(?! (?:they|it|those|them"
    r"|these|that|this|there)\b))"
)
"""Beginnings of what cannot stand alone; "where are they" follows, "where are ships" does not."""
_POINTS_BACK = re.compile(
    r"\b(?:ones?|those|them|these|they|it|its|their|same|that|this)\b|(?<!is )(?<!are )(?<!was )(?<!were )\bthere\b"
)
_ONES = re.compile(
    r"(?i)\b(?:(?:the|those|these|all|any) )?(?:ones|one(?= (?:near|with|in|at|by|on|next|along))"
    r"|those|them|these|they|it)\b"
)
_ALSO = re.compile(r"\b(?:also|as well|too|in addition|additionally|add|plus|include|including)\b")
_BESIDE = re.compile(r"\bcompared? (?:(?:it|them|that|this|those) )?(?:with|to|against)\b|^(?:and )?(?:versus|vs)\b")
"""Words that put what is new beside what was there."""
_REPLACED = re.compile(r"\b(?:instead of|rather than)\b")
_NOT_MORE = re.compile(r"\b(?:only|just|instead|rather)\b")
_DROPS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "place",
        re.compile(
            r"(?i)\b(?:everywhere|anywhere|worldwide|all (?:over )?(?:the )?(?:places|regions|world)"
            r"|any ?where else|in any place|in the whole archive)\b"
        ),
    ),
    (
        "periods",
        re.compile(
            r"(?i)\b(?:at any (?:date|time)|any ?time|all (?:the )?(?:years|dates|times|periods)"
            r"|in any year|whenever|over all years|of all time|regardless of (?:the )?(?:date"
            r"|time|year))\b"
        ),
    ),
    (
        "sensors",
        re.compile(r"(?i)\b(?:all|any|every|from all|with any) (?:the )?sensors?\b|\bregardless of (?:the )?sensor\b"),
    ),
    (
        "max_cloud",
        re.compile(
            r"(?i)\b(?:clouds? (?:are|is) (?:fine|ok|okay|allowed)|(?:with|allow|including|ignore|any"
            r"|despite|even with) (?:the )?(?:clouds?|cloudy (?:images|tiles|scenes)))\b"
        ),
    ),
    ("without", re.compile(r"(?i)\b(?:no exclusions|nothing excluded|with everything)\b")),
)
"""Conditions that a question lifts."""
_NARROWS = re.compile(r"^(?:and |but )?(?:only|just|which of|of (?:those|these|them))\b")
_AMONG = re.compile(
    r"\b(?:which|how many|any|all|some|none|one|most|each|only) of (?:those|these|them)\b"
    r"|\b(?:only|just) (?:(?:the|those|these) )?(?:ones?|those|these|them)\b|\bamong (?:those|these|them)\b"
)
"""Words that ask about what the answer before found, not about the archive."""
_ALL_WHERE_EMPTY = {"periods", "sensors", "collections"}
"""Fields that leave nothing out where they are empty, so that nothing can be added."""
_LABELS = {
    "sought": "what is sought", "without": "what must not show", "place": "the place", "periods": "the period",
    "sensors": "the sensors", "collections": "the collections", "max_cloud": "the cloud limit",
}  # fmt: skip


def plan_follow_up(question: str, turns: Sequence[Turn], world: World) -> QueryPlan:
    """Return the plan of a question that follows others.

    Args:
        question: As typed.
        turns: The questions before, oldest first; only the last plan is carried on, which itself carries the earlier.
        world: What the index holds and which places are known.

    Raises:
        QueryError: It is empty, has more than 2,000 characters, or names a date or place that cannot be.
    """
    alone = plan_question(question, world)
    if not turns:
        return alone
    last, text = turns[-1].plan, read_question(question).lower()
    if not _follows(text, alone):
        return replace(alone, notes=(*alone.notes, "This was read as a new question: nothing was kept."))
    read = _read(_pointed(read_question(question), last), alone, world)
    merged = _merged(read, last, text, question)
    return replace(merged, renderings=_renderings(read, merged, last, world))


def _follows(text: str, alone: QueryPlan) -> bool:
    """Whether a question leans on the one before: it begins so, points back, or seeks nothing of its own."""
    dropped = any(pattern.search(text) for _, pattern in _DROPS)
    return bool(dropped or _FOLLOWS.search(text) or not alone.sought or (_POINTS_BACK.search(text) and len(text) < 120))


def _pointed(text: str, last: QueryPlan) -> str:
    """Put what was sought in place of "the ones" and "them"."""
    return _ONES.sub(" and ".join(last.sought), text, count=1)[:MAX_QUESTION]


def _read(text: str, alone: QueryPlan, world: World) -> QueryPlan:
    """Plan what is left without the words that lift a condition; nothing may be left."""
    for _, pattern in _DROPS:
        text = pattern.sub(" ", text)
    if not any(map(str.isalnum, text)):
        return QueryPlan(question=alone.question)
    return plan_question(text, world)


def _renderings(read: QueryPlan, merged: QueryPlan, last: QueryPlan, world: World) -> tuple[str, ...]:
    """Draw as this question says, as the last one said, and as what is sought now shows best."""
    colours = [name for name in last.renderings if not name.startswith("index:") and name != "sar"]
    chosen = choose_renderings(colours, (*merged.sought, *merged.without), merged.sensors, world)
    return tuple(dict.fromkeys((*read.renderings, *chosen)))


def _merged(read: QueryPlan, last: QueryPlan, text: str, question: str) -> QueryPlan:
    changed = _changes(read, last, text)
    nothing_new = not changed and not read.notes
    changed["among_earlier"] = bool(_AMONG.search(text)) and not {"place", "periods", "sensors"} & set(changed)
    kept = [label for field, label in _LABELS.items() if field not in changed and getattr(last, field)]
    notes = [*read.notes]
    if nothing_new and not changed["among_earlier"]:
        notes.append("Nothing new was read in this question, so it is put like the one before.")
    if kept:
        notes.append(f"Kept from the question before: {', '.join(kept)}.")
    lifted = [
        _LABELS[field] for field, value in changed.items() if field in _LABELS and not value and getattr(last, field)
    ]
    if changed["among_earlier"]:
        notes.append("Only the tiles of the answer before count.")
    if lifted:
        notes.append(f"No longer limited: {', '.join(lifted)}.")
    return replace(last, question=question, made_by="rules", notes=tuple(notes), **changed)


def _changes(read: QueryPlan, last: QueryPlan, text: str) -> dict[str, Any]:
    """Return the fields that differ from the plan before."""
    changed: dict[str, Any] = {field: None if field in {"place", "max_cloud"} else () for field in _lifted(text)}
    beside = bool(_BESIDE.search(text))
    adds = beside or (bool(_ALSO.search(text)) and not _NOT_MORE.search(text))
    for field in ("sought", "without", "periods", "sensors", "collections"):
        new, old = getattr(read, field), getattr(last, field)
        if adds and not beside and not old and field in _ALL_WHERE_EMPTY:
            continue
        if new and field not in changed and new != old:
            changed[field] = tuple(dict.fromkeys((*old, *new))) if adds or field == "without" else new
    if "without" in changed:
        _shun(changed, last, replaced=bool(_REPLACED.search(text)))
    if read.missing_sensors or "sensors" in changed:
        changed["missing_sensors"] = read.missing_sensors
    if read.max_cloud is not None:
        changed["max_cloud"] = read.max_cloud
    if read.place is not None or read.unknown_place is not None:
        changed |= {"place": read.place, "unknown_place": read.unknown_place}
    if read.shape != "describe" and not _NARROWS.match(text):
        changed["shape"] = read.shape
    return changed


def _shun(changed: dict[str, Any], last: QueryPlan, *, replaced: bool) -> None:
    """Keep out of what must not show what is sought, and what was sought before where something takes its place."""
    kept = {*changed.get("sought", last.sought), *(last.sought if replaced else ())}
    without = tuple(phrase for phrase in changed.pop("without") if phrase not in kept)
    if without != last.without:
        changed["without"] = without


def _lifted(text: str) -> list[str]:
    return [field for field, pattern in _DROPS if pattern.search(text)]
