"""The result of a protocol, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure with what it is to be held against."""

    name: str
    """Short name, e.g. `text precision@10`."""
    value: float
    """Mean over the queries, 0..1."""
    low: float
    """Lower end of the 95 % bootstrap interval over queries."""
    high: float
    """Upper end of that interval."""
    chance: float
    """What a random ranking reaches."""
    baseline: float | None
    """What mean colour and colour histogram reach; None where they cannot answer the query."""
    queries: int
    """Number of queries."""
    meaning: str
    """What was asked and what counted as right, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything a protocol measured."""

    protocol: str
    """Name of the protocol."""
    encoder: str
    """Encoder, revision and dimension."""
    dataset: str
    """Folder name of the dataset."""
    split: str | None
    """Split; None for everything."""
    pictures: int
    """Candidates searched."""
    classes: int
    """Number of classes."""
    figures: tuple[Figure, ...]
    """The figures."""
    by_class: Mapping[str, float]
    """Precision@k of each class name as a query."""

    def figure(self, name: str) -> Figure:
        """Return the figure called `name`."""
        return next(figure for figure in self.figures if figure.name == name)

    def to_json(self) -> str:
        """Return the report as a JSON object."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    def to_markdown(self) -> str:
        """Return the report as tables with the meaning of every figure."""
        where = f"{self.dataset}, split {self.split}" if self.split else self.dataset
        lines = [
            f"Protocol `{self.protocol}`, encoder {self.encoder}, {where}: {self.pictures} pictures, "
            f"{self.classes} classes.",
            "",
            "| figure | value | 95 % interval | chance | colour baseline | queries |",
            "|---|---|---|---|---|---|",
            *(_row(figure) for figure in self.figures),
            "",
            *(f"- **{figure.name}**: {figure.meaning}" for figure in self.figures),
            "",
            f"By class name: {', '.join(f'{name} {value:.2f}' for name, value in self.by_class.items())}.",
        ]
        return "\n".join(lines) + "\n"


def _row(figure: Figure) -> str:
    baseline = "-" if figure.baseline is None else f"{figure.baseline:.3f}"
    return (
        f"| {figure.name} | {figure.value:.3f} | {figure.low:.3f} to {figure.high:.3f} "
        f"| {figure.chance:.3f} | {baseline} | {figure.queries} |"
    )
