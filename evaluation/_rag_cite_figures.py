"""Citations and abstentions as figures: what `rag-cite` counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from retriever.rag import Claim

from ._chance import chance_of_hit
from ._figures import Series, combined_figure
from ._rag_controls import Control
from ._report import Figure

PRECISION = (
    "share of citations whose tile has the class asked for; chance is a tile drawn from the archive, the baseline all "
    "evidence of the same questions"
)
RECALL = (
    "share of claims of whose cited tiles one at least has the class asked for; chance are as many tiles drawn from "
    "the archive, the baseline all evidence of the same questions"
)
RIGHT_TO_ABSTAIN = (
    "share of abstentions that were right, because the evidence does not show the class; chance is the share of such "
    "questions"
)
ABSTAINED = (
    "share of questions without an answer in the evidence that were abstained from; chance is the rate of abstaining"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """A class that is asked for."""

    name: str
    """In words."""
    without: bool
    """Whether its pictures are taken out of the archive."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What came of one question under one control."""

    query: Query
    """Which."""
    abstained: bool
    """Whether nothing was claimed."""
    claims: tuple[Claim, ...]
    """Those that are no computed fact."""
    evidence: tuple[bool, ...]
    """Whether each tile of the evidence, in the order of numbers, has the class."""
    share: tuple[int, int]
    """Pictures of the archive with the class, and all of them."""

    @property
    def unanswerable(self) -> bool:
        """Whether the evidence shows no tile of the class."""
        return not any(self.evidence)

    def cited(self) -> Iterator[tuple[bool, ...]]:
        """Yield for each claim that cites tiles whether each of them has the class."""
        for claim in self.claims:
            if tiles := tuple(self.evidence[cite - 1] for cite in claim.cites if cite <= len(self.evidence)):
                yield tiles


def figures_of(control: Control, outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    """Yield citations and abstentions of one control; citations of the whole archive, and only where there are some."""
    citing = [outcome for outcome in outcomes if not outcome.query.without and any(True for _ in outcome.cited())]
    if citing:
        yield _mean(_cites(f"citation precision, {control}", PRECISION, citing, _each_citation))
        yield _mean(_cites(f"citation recall, {control}", RECALL, citing, _each_claim))
    if any(outcome.abstained for outcome in outcomes):
        yield _abstentions(f"abstention precision, {control}", RIGHT_TO_ABSTAIN, outcomes, lambda one: one.abstained)
    if any(outcome.unanswerable for outcome in outcomes):
        yield _abstentions(f"abstention recall, {control}", ABSTAINED, outcomes, lambda one: one.unanswerable)


_Row = tuple[float, float, float]
"""Value, chance and baseline of a citation or claim."""


def _each_citation(outcome: Outcome) -> Iterator[_Row]:
    chance, everything = outcome.share[0] / outcome.share[1], float(np.mean(outcome.evidence))
    yield from ((float(right), chance, everything) for tiles in outcome.cited() for right in tiles)


def _each_claim(outcome: Outcome) -> Iterator[_Row]:
    right, size = outcome.share
    for tiles in outcome.cited():
        yield float(any(tiles)), chance_of_hit(right, size, len(tiles)), float(any(outcome.evidence))


def _cites(
    name: str, meaning: str, outcomes: Sequence[Outcome], rows_of: Callable[[Outcome], Iterator[_Row]]
) -> Series:
    rows = [(outcome.query.name, row) for outcome in outcomes for row in rows_of(outcome)]
    values, chance, baseline = np.array([row for _, row in rows]).T
    groups = tuple(name for name, _ in rows)
    return Series(name=name, meaning=meaning, values=values, chance=chance, baseline=baseline, groups=groups)


def _mean(series: Series) -> Figure:
    return combined_figure(series.name, [series], lambda means: means[0], series.meaning)


def _abstentions(name: str, meaning: str, outcomes: Sequence[Outcome], among: Callable[[Outcome], bool]) -> Figure:
    """Return the share of right abstentions among some outcomes, drawing classes for the interval."""
    groups = tuple(outcome.query.name for outcome in outcomes)
    both = [outcome.abstained and outcome.unanswerable for outcome in outcomes]
    within = [among(outcome) for outcome in outcomes]
    rate = float(np.mean([outcome.abstained for outcome in outcomes]) * np.mean([one.unanswerable for one in outcomes]))
    parts = [
        Series(
            name=name,
            meaning=meaning,
            values=np.array(values, dtype=np.float64),
            chance=np.array(chance),
            groups=groups,
        )
        for values, chance in ((both, [rate] * len(both)), (within, within))
    ]
    figure = combined_figure(name, parts, lambda means: means[0] / means[1] if means[1] else float("nan"), meaning)
    return replace(figure, queries=sum(within))
