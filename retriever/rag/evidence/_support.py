"""Whether what was found can carry an answer: by scores alone, before any model is asked.

Four looks, cheapest first: does a tile pass the filters; was the encoder ever taught the words; does the best tile
reach the threshold of the index where that is calibrated; and is the phrase a better account of its best tiles than
what else overhead pictures show, with nothing far better outside the filters. The last needs no labels and no
calibration: a phrase is compared with other phrases, in the archive that is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from indexer import vector_matrix
from retriever.rag._archive import Archive
from retriever.rag.evidence._retrieve import Retrieved, Search
from retriever.rag.evidence._scoring import Phrase
from retriever.rag.evidence._support_ground import EXPLAINED, FEWEST, Ground, ground_of
from retriever.rag.evidence._support_terms import untaught
from retriever.rag.records._from_records_claims import quoted

ENOUGH_TILES = 100
"""Fewer tiles are no ground to compare phrases on; then only the words and the threshold are looked at."""

FAMILIAR = 0.78
"""Cosine to an everyday word from which a phrase of unknown words counts as a synonym ("photovoltaic panels")."""

_BIAS, _EXPLAINED, _DROP = 0.29, 1.13, -1.0
"""Log odds that a phrase's tiles are there: fitted on the demo worlds of seeds 11 and 23 and 99 phrases, and moved to
where precision and recall of abstaining met there. See docs/design/answers-abstain.md."""

Evidence = Literal["filters", "exemplars", "words", "threshold", "comparison", "nothing"]
"""What decided; ``nothing`` where there was nothing to go by and the answer is let through."""


@dataclass(frozen=True, kw_only=True)
class Support:
    """Whether one search carries an answer."""

    sought: str | None
    """The phrase; None where none was sought."""
    reason: str | None
    """Why not, in a sentence; None where it does."""
    decided_by: Evidence
    """What that rests on."""
    margin: float
    """Above 0 it carries; of ``comparison`` in log odds."""
    detail: Mapping[str, Any]
    """The numbers behind it, as JSON values."""


def judge(retrieved: Retrieved, archive: Archive) -> str | None:
    """Return why no answer can rest on what was found, in a sentence; None where one can.

    Args:
        retrieved: The candidates of every phrase and period. One phrase in one period that carries is enough: the
            answer may say that the others were not found.
        archive: Where they were found.

    Raises:
        QueryError: The encoder understands no words.
        StoreError: The index cannot be read.
    """
    weighed = weigh(retrieved, archive)
    if any(each.reason is None for each in weighed):
        return None
    by_phrase: dict[str | None, Support] = {}
    for each in sorted(weighed, key=lambda support: support.margin):
        by_phrase[each.sought] = each
    return " ".join(dict.fromkeys(str(each.reason) for each in by_phrase.values()))


def weigh(retrieved: Retrieved, archive: Archive) -> tuple[Support, ...]:
    """Return, for each search, whether it carries an answer.

    Raises:
        QueryError: The encoder understands no words.
        StoreError: The index cannot be read.
    """
    return tuple(_weighed(search, archive) for search in retrieved.searches)


def _weighed(search: Search, archive: Archive) -> Support:
    if not search.candidates:
        return _support(search, "filters", -np.inf, _nothing_left(search))
    if search.phrase is None:
        return _support(search, "filters", np.inf)
    if (learnt := archive.least.get(search.phrase.text)) is not None:
        return _told_apart(search, search.phrase, learnt)
    return _below_threshold(search, search.phrase) or _grounded(search, search.phrase, archive)


def _nothing_left(search: Search) -> str:
    """Say where the candidates went."""
    if search.left_out >= search.matched > 0:
        return "Every tile that passes the filters shows what must not show."
    if search.left_out:
        best = "best" if search.phrase is not None else "evenly chosen"
        passed = f"{search.matched:,} tiles that pass the filters"
        return f"Each of the {search.left_out:,} {best} of the {passed} shows what must not show."
    return "No tile passes the filters of the question."


def _grounded(search: Search, phrase: Phrase, archive: Archive) -> Support:
    """Go by what else the archive and the encoder know."""
    ground = ground_of(archive)
    unknown = _unknown_words(search, phrase, ground, archive.rows.space.encoder)
    if unknown is not None:
        return unknown
    if len(ground) < ENOUGH_TILES:
        return _support(search, "nothing", np.inf)
    return _compared(search, phrase, ground, archive)


def _support(
    search: Search, decided_by: Evidence, margin: float, reason: str | None = None, **detail: float | str
) -> Support:
    sought = None if search.phrase is None else search.phrase.text
    return Support(sought=sought, reason=reason, decided_by=decided_by, margin=float(margin), detail=detail)


def _told_apart(search: Search, phrase: Phrase, least: float) -> Support:
    """Go by the score that was learnt on tiles which are known to show the phrase, and on others."""
    best = max(each.score for each in search.candidates if each.score is not None)
    reason = (
        f"The best tile is less like {quoted(phrase.text)} ({best:.2f}) than known examples are ({least:.2f} and more)."
    )
    return _support(search, "exemplars", best - least, None if best >= least else reason, score=best, least=least)


def _below_threshold(search: Search, phrase: Phrase) -> Support | None:
    """Return that the best tile stays below the threshold of the index; None where there is none, or it does not."""
    best = max((each.probability for each in search.candidates if each.probability is not None), default=None)
    if phrase.threshold is None or best is None or best >= phrase.threshold:
        return None
    return _support(
        search,
        "threshold",
        best - phrase.threshold,
        f"The best tile shows {quoted(phrase.text)} with a probability of {best:.2f}, below the threshold of this "
        f"index, {phrase.threshold:.2f}.",
        probability=best,
        threshold=phrase.threshold,
    )


def _unknown_words(search: Search, phrase: Phrase, ground: Ground, encoder: str) -> Support | None:
    """Return that the encoder was never taught the words; None where it was, where a taught one means the same."""
    words = untaught(phrase.text, encoder)
    nearest = float((ground.words @ phrase.vector).max())
    if not words or nearest >= FAMILIAR:
        return None
    return _support(
        search,
        "words",
        nearest - FAMILIAR,
        f"The encoder of this index, {encoder}, was never taught {_quoted(words)}, so its scores for"
        f" {quoted(phrase.text)} say nothing.",
        nearest=nearest,
        words=", ".join(words),
    )


def _compared(search: Search, phrase: Phrase, ground: Ground, archive: Archive) -> Support:
    # Of a thing that few tiles show, filters let only some pass; the others must not speak against it.
    share = min(search.matched / ground.total, 1.0)
    most = max(FEWEST, round(EXPLAINED * share**0.5))
    shown = [each.row_id for each in search.candidates[:most]]
    table = archive.rows.take(shown, ("vector", "sensor"))
    tiles = vector_matrix(table["vector"]).astype(np.float32)
    middle, width = ground.usual
    explained = (ground.explains(phrase.vector, tiles) - middle) / width
    # Radar does not have to look like a thing as much as colour does, so the best tile anywhere is one of its sensors.
    sensors = table["sensor"].to_pylist()
    height = float(ground.heights(phrase.vector, tiles, sensors).max())
    drop = max(ground.highest(phrase.vector, sensors) - height, 0.0)
    margin = _BIAS + _EXPLAINED * explained + _DROP * drop
    reason = None
    if margin < 0:
        elsewhere = _DROP * drop < _EXPLAINED * explained
        reason = _better_elsewhere(phrase, tiles, drop) if elsewhere else _other_things(phrase, tiles, ground)
    return _support(search, "comparison", margin, reason, explained=explained, height=height, drop=drop)


def _better_elsewhere(phrase: Phrase, tiles: NDArray[np.float32], drop: float) -> str:
    return (
        f"The best tile for {quoted(phrase.text)} that passes the filters scores {tiles[0] @ phrase.vector:.2f}, "
        f"{drop:.1f} standard deviations below the best one of the archive."
    )


def _other_things(phrase: Phrase, tiles: NDArray[np.float32], ground: Ground) -> str:
    rivals = _quoted(ground.rivals(phrase.vector, tiles[0]))
    return (
        f"No tile found looks like {quoted(phrase.text)}: the best one, with score {tiles[0] @ phrase.vector:.2f}, "
        f"looks more like {rivals}."
    )


def _quoted(words: tuple[str, ...]) -> str:
    return " and ".join(quoted(word) for word in words)
