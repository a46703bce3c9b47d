"""From right and wrong, query by query and control by control, to the figures of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._figures import Series, combined_figure
from ._interval import Values
from ._rag_answering import Said
from ._rag_controls import CONTROLS, FULL, OTHERS, Control
from ._report import Figure

SHOWN_FAILURES = 3
"""Different failures that a report words."""

Latency = Mapping[str, Mapping[str, tuple[float, float]]]
"""Control to step to the median and the 95th percentile of its seconds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """q answered questions of one source."""

    source: str
    """Empty where there is only one."""
    right: Mapping[Control, Values]
    """(q,) 1 where right, else 0."""
    chance: Values
    """(q,) what a guess reaches."""
    baseline: Values
    """(q,) what the most frequent answer reaches."""
    groups: tuple[str, ...]
    """(q,) what an interval draws together."""
    kinds: tuple[str, ...]
    """(q,) types of the questions."""

    def of_kind(self, kind: str | None) -> NDArray[np.bool_]:
        """Return (q,) True for the questions of a type, or for all."""
        return np.array([kind in (None, one) for one in self.kinds], dtype=np.bool_)


def results_of(scored: Scored, meaning: str) -> Iterator[Figure]:
    """Yield accuracy by type, over all, as the mean of types, and what retrieval adds to each other control."""
    prefix = f"{scored.source} " if scored.source else ""
    kinds = sorted(set(scored.kinds))
    for control in CONTROLS:
        parts = [_series(scored, f"{prefix}{kind}, {control}", meaning, control, kind) for kind in kinds]
        yield from (combined_figure(part.name, [part], lambda means: means[0], meaning) for part in parts)
        whole = _series(scored, f"{prefix}overall, {control}", meaning, control, None)
        yield combined_figure(whole.name, [whole], lambda means: means[0], meaning)
        if len(parts) > 1:
            mean = f"mean of the accuracies of {', '.join(kinds)}"
            yield combined_figure(
                f"{prefix}average of types, {control}", parts, lambda means: float(np.mean(means)), mean
            )
    for control in OTHERS:
        yield from (gain(scored, f"{prefix}{kind}", control, kind) for kind in kinds)
        yield gain(scored, f"{prefix}overall", control, None)


def gain(scored: Scored, name: str, control: Control, kind: str | None) -> Figure:
    """Return how much more is right with retrieval than under another control, question by question."""
    kept = scored.of_kind(kind)
    series = Series(
        name=f"{name}, {FULL} less {control}",
        meaning="difference on the same questions; retrieval helps where the interval lies above 0",
        values=(scored.right[FULL] - scored.right[control])[kept],
        chance=np.zeros(int(kept.sum())),
        groups=tuple(group for group, keep in zip(scored.groups, kept, strict=True) if keep),
    )
    return combined_figure(series.name, [series], lambda means: means[0], series.meaning)


def _series(scored: Scored, name: str, meaning: str, control: Control, kind: str | None) -> Series:
    kept = scored.of_kind(kind)
    return Series(
        name=name,
        meaning=meaning,
        values=scored.right[control][kept],
        chance=scored.chance[kept],
        groups=tuple(group for group, keep in zip(scored.groups, kept, strict=True) if keep),
        baseline=scored.baseline[kept],
    )


def latency_of(said: Mapping[Control, Sequence[Said]]) -> Latency:
    """Return the seconds of each step under each control."""
    return {control: _steps(rows) for control, rows in said.items()}


def _steps(rows: Sequence[Said]) -> dict[str, tuple[float, float]]:
    steps = list(dict.fromkeys(step for row in rows for step in row.seconds))
    taken = {step: [row.seconds[step] for row in rows if step in row.seconds] for step in steps}
    return {step: (float(np.median(each)), float(np.percentile(each, 95))) for step, each in taken.items()}


def remarks(said: Mapping[Control, Sequence[Said]], model: str, concurrent: int) -> tuple[str, ...]:
    """Say how often the model abstained or failed, and why."""
    counted = "; ".join(
        f"{control}: {sum(row.text is None and row.failure is None for row in rows)} of {len(rows)} without an answer, "
        f"{sum(row.failure is not None for row in rows)} failed"
        for control, rows in said.items()
    )
    refused = sum(bool(row.dropped and not row.claims) for rows in said.values() for row in rows)
    return (
        f"Abstentions and failures count as wrong. {counted}.",
        *failures(said),
        f"What was said counts; {refused} times an archive's answer would not have let it through.",
        answered_by(model, concurrent),
    )


def failures(said: Mapping[Control, Sequence[Said]]) -> tuple[str, ...]:
    """Say why replies failed, where some did."""
    reasons = Counter(row.failure for rows in said.values() for row in rows if row.failure is not None)
    why = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(SHOWN_FAILURES))
    return (f"Failures: {why}.",) if why else ()


def answered_by(model: str, concurrent: int) -> str:
    """Say who answered, and how many questions at a time."""
    return f"Answered by {model}, {concurrent} at a time; the times of an answer include waiting for it."
