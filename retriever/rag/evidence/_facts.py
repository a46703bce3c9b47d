"""What can be computed of all tiles that match, as sentences, so that no model has to guess it.

Tiles are counted, never objects: a tile may show none, one or many of what is sought.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from retriever.rag._types import EvidenceTile, Fact
from retriever.rag._wording import plural
from retriever.rag.evidence._fact_sentences import (
    Subject,
    date_facts,
    end_facts,
    extent_facts,
    ground_facts,
    period_facts,
    sensor_facts,
)
from retriever.rag.evidence._retrieve import Retrieved
from retriever.rag.evidence._scoring import Phrase
from retriever.rag.evidence._seen import Seen
from retriever.rag.records._from_records_claims import quoted


@dataclass(frozen=True, kw_only=True, eq=False)
class Counted:
    """What was counted."""

    everything: Seen
    """Of the tiles that pass the filters."""
    shown: tuple[tuple[Phrase, Seen], ...]
    """Of those of them that reach the threshold of each phrase; empty where nothing is sought."""


def facts_of(retrieved: Retrieved, counted: Counted, tiles: Sequence[EvidenceTile]) -> tuple[Fact, ...]:
    """Return what is true of all tiles that pass the filters, not only of those shown.

    Args:
        retrieved: The periods, and the best tile of each phrase.
        counted: What was counted.
        tiles: The evidence, which facts cite.
    """
    if not counted.everything.tiles:
        return ()
    facts = [*_of_everything(retrieved, counted, tiles)]
    for phrase, seen in counted.shown:
        facts += _of_phrase(phrase, seen, counted.everything, retrieved, tiles)
    return tuple(facts)


def _of_everything(retrieved: Retrieved, counted: Counted, tiles: Sequence[EvidenceTile]) -> Iterator[Fact]:
    seen = counted.everything
    every = Subject(
        those="tiles that pass the filters",
        one="tile that passes the filters",
        sought=None,
        cites=_numbers(tiles, lambda tile: True),
        seen=seen,
    )
    verb = "passes" if seen.tiles == 1 else "pass"
    yield every.fact("tiles", f"{plural(seen.tiles, 'tile')} {verb} the filters of the question.", seen.tiles)
    yield from date_facts(every)
    # Where something is sought, what was first seen is that, not just any tile.
    yield from () if counted.shown else end_facts(every, tiles)
    yield from period_facts(every, retrieved.filters)
    yield from sensor_facts(every, tiles)
    yield from ground_facts(every)
    yield from extent_facts(every)


def _of_phrase(
    phrase: Phrase, seen: Seen, everything: Seen, retrieved: Retrieved, tiles: Sequence[EvidenceTile]
) -> Iterator[Fact]:
    name, least = quoted(phrase.text), phrase.threshold
    if least is None:
        text = f"How many tiles show {name} is not known: no threshold was fitted to the scores of this index."
        yield Fact(name="uncalibrated", text=text, value={"sought": phrase.text})
        return
    found = _numbers(tiles, lambda tile: tile.sought == phrase.text)
    likely = Subject(
        those=f"tiles that probably show {name}",
        one=f"tile that probably shows {name}",
        sought=phrase.text,
        cites=_numbers(tiles, lambda tile: tile.sought == phrase.text and (tile.probability or 0.0) >= least),
        seen=seen,
    )
    yield from _best(phrase, least, retrieved, tiles)
    verb = "shows" if seen.tiles == 1 else "show"
    text = (
        f"{seen.tiles:,} of {plural(everything.tiles, 'tile')} probably {verb} {name},"
        f" at a probability of {least:.2g} or more; tiles are counted, of which one may show several or only a part."
    )
    value = {"sought": phrase.text, "tiles": seen.tiles, "of": everything.tiles, "threshold": least}
    yield Fact(name="likely", text=text, value=value, cites=likely.cites or found[:1])
    if seen.tiles:
        yield from date_facts(likely)
        yield from end_facts(likely, tiles)
        yield from period_facts(likely, retrieved.filters)
        yield from ground_facts(likely)


def _best(phrase: Phrase, least: float, retrieved: Retrieved, tiles: Sequence[EvidenceTile]) -> Iterator[Fact]:
    found = [search.best for search in retrieved.searches if search.phrase is phrase]
    chances = [each.probability for each in found if each is not None and each.probability is not None]
    if not chances:
        return
    best = max(chances)
    yield Fact(
        name="best_probability",
        text=f"The best tile for {quoted(phrase.text)} has a probability of {best:.2g}; below {least:.2g} most likely "
        "nothing in the index shows it.",
        value={"sought": phrase.text, "probability": best, "threshold": least},
        cites=_numbers(tiles, lambda tile: tile.sought == phrase.text and tile.probability == best)[:1],
    )


def _numbers(tiles: Sequence[EvidenceTile], fits: Callable[[EvidenceTile], bool]) -> tuple[int, ...]:
    return tuple(tile.number for tile in tiles if fits(tile))
