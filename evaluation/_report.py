"""The result of a protocol, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ._corpus import Item
from ._leakage import Leakage

SHOWN_GROUPS = 20
NAMED = 4
"""Figures of one meaning that are named before it."""
COLOUR = "colour baseline"
"""What a baseline is where a protocol names no other."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure with what it is to be held against."""

    name: str
    """Short name, e.g. `text precision@10`."""
    value: float
    """Mean over the queries, 0..1; a median where the name says so."""
    low: float
    """Lower end of the 95 % bootstrap interval."""
    high: float
    """Upper end of that interval."""
    chance: float | None
    """What a random ranking reaches in the mean, worked out exactly."""
    baseline: float | None
    """What the baseline of the report reaches (mean colour and colour histogram, where it names no other); None where
    it cannot answer the query."""
    queries: int
    """Number of queries."""
    units: int
    """Number of groups that were drawn for the interval: scenes or sites where queries share them, else queries."""
    meaning: str
    """What was asked and what counted as right, in one sentence."""
    better: Literal["higher", "lower"] = "higher"
    """Which way is better."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A query and the best of its answers."""

    query: Item | str
    """Picture or text."""
    hits: tuple[Item, ...]
    """Best first."""
    right: tuple[bool, ...]
    """Whether each hit is right."""
    words: str = ""
    """What was said beside a picture."""
    by_name: bool = False
    """Whether pictures are told apart by sample and view rather than by class."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything a protocol measured."""

    protocol: str
    """Name of the protocol."""
    variant: str | None
    """Which variant of it; None where there is one only."""
    encoder: str
    """Encoder, revision and dimension."""
    dataset: str
    """Name of the dataset and its folder."""
    split: str | None
    """Split; None for everything."""
    source: Literal["real", "synthetic"]
    """Whether the pictures were taken or made."""
    samples: int
    """Samples that were kept."""
    pictures: int
    """Candidates searched."""
    groups: int
    """Different groups (scenes, sites) among them."""
    classes: int
    """Number of different labels."""
    figures: tuple[Figure, ...]
    """The figures."""
    by_class: Mapping[str, Mapping[str, float]]
    """Figure name to class to value, where figures belong to a class."""
    leakage: Leakage
    """Near-duplicates between this split and the training split."""
    settings: Mapping[str, Any]
    """Options that were not left at their default."""
    notes: tuple[str, ...] = ()
    """What a reader must know to compare these figures with others."""
    examples: tuple[Example, ...] = field(default=(), repr=False)
    """Queries with their best answers, evenly spaced over all queries; drawn as a picture, not written as JSON."""
    model: str | None = None
    """Answer model; None where none was asked."""
    latency: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    """Control to step to the median and the 95th percentile of its seconds."""
    baseline: str = COLOUR
    """What the baseline of every figure is."""

    def figure(self, name: str) -> Figure:
        """Return the figure called `name`.

        Raises:
            KeyError: There is none; the message lists the names.
        """
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(f"no figure {name!r}; there are {', '.join(figure.name for figure in self.figures)}")

    def to_json(self) -> str:
        """Return the report as a JSON object, without the examples."""
        kept = [name.name for name in dataclasses.fields(self) if name.name != "examples"]
        content = {name: _plain(getattr(self, name)) for name in kept}
        return json.dumps(content, indent=1, allow_nan=False)

    def to_markdown(self) -> str:
        """Return the report as tables with the meaning of every figure."""
        lines = [
            *self._heading(),
            "",
            f"| figure | value | 95 % interval | chance | {self.baseline} | queries |",
            "|---|---|---|---|---|---|",
            *(_row(figure) for figure in self.figures),
            "",
            *self._meanings(),
            "",
            *self._by_class(),
            *self._latency(),
            _leakage_line(self.leakage),
            *(f"\n{note}" for note in self.notes),
        ]
        return "\n".join(lines) + "\n"

    def _heading(self) -> list[str]:
        name = f"`{self.protocol}`" + (f", variant `{self.variant}`" if self.variant else "")
        name += f", answered by {self.model}" if self.model else ""
        where = f"{self.dataset}, split {self.split}" if self.split else self.dataset
        settings = ", ".join(f"{key} {value}" for key, value in self.settings.items())
        return [
            f"Protocol {name}, encoder {self.encoder}, {where} ({self.source} data): {self.pictures} pictures, "
            f"{self.classes} classes, {self.groups} groups." + (f" Settings: {settings}." if settings else "")
        ]

    def _meanings(self) -> list[str]:
        """Return what each figure means; figures of one meaning together."""
        names: dict[str, list[str]] = {}
        for figure in self.figures:
            names.setdefault(figure.meaning, []).append(figure.name)
        return [f"- **{_listed(named)}**: {meaning}" for meaning, named in names.items()]

    def _latency(self) -> list[str]:
        if not self.latency:
            return []
        steps = list(dict.fromkeys(step for row in self.latency.values() for step in row))
        table = [["milliseconds, median (95th percentile)", *steps], ["---"] * (len(steps) + 1)]
        table += [[name, *(_milliseconds(row.get(step)) for step in steps)] for name, row in self.latency.items()]
        return [*(f"| {' | '.join(row)} |" for row in table), ""]

    def _by_class(self) -> list[str]:
        if not self.by_class:
            return []
        names = list(self.by_class)
        labels = sorted({label for row in self.by_class.values() for label in row})
        rows = [[label, *(_number(self.by_class[name].get(label)) for name in names)] for label in labels]
        table = [["class", *names], ["---"] * (len(names) + 1), *rows]
        return [*(f"| {' | '.join(row)} |" for row in table), ""]


def _row(figure: Figure) -> str:
    cells = [
        figure.name,
        _number(figure.value),
        f"{_number(figure.low)} to {_number(figure.high)}",
        _number(figure.chance),
        _number(figure.baseline),
        f"{figure.queries}" if figure.units == figure.queries else f"{figure.queries} in {figure.units} groups",
    ]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _listed(names: Sequence[str]) -> str:
    few = names[:NAMED]
    return "; ".join(few) + (f" and {len(names) - len(few)} more" if len(names) > len(few) else "")


def _milliseconds(seconds: tuple[float, float] | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds[0]:.1f} ({1000 * seconds[1]:.1f})"


def _leakage_line(leakage: Leakage) -> str:
    if leakage.against is None:
        return f"Leakage: {leakage.remark}."
    part = "" if leakage.compared == leakage.present else f" of {leakage.present}"
    pairs = "; ".join(f"{one} = {two} ({alike:.3f})" for one, two, alike in leakage.examples)
    return (
        f"Leakage: {leakage.duplicates} of {leakage.measured} pictures have a near-duplicate among {leakage.compared}"
        f"{part} of {leakage.against} ({leakage.remark}; {leakage.flat} were too even to compare)"
        + (f": {pairs}." if pairs else ".")
        + _shared(leakage.shared_groups)
    )


def _shared(groups: tuple[str, ...]) -> str:
    if not groups:
        return ""
    listed = ", ".join(groups[:SHOWN_GROUPS]) + (", ..." if len(groups) > SHOWN_GROUPS else "")
    return f" {len(groups)} groups stand in both splits, so neighbours may have been trained on: {listed}."


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return dict(value) if isinstance(value, Mapping) else value
