"""Recall and latency against selectivity, one picture a family of filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.engine._figures import Figures
from benchmarks.engine._peer import ENTRIES, SWATH
from benchmarks.engine._questions import FAMILIES, POINTS, Family

TITLES: dict[Family, str] = {
    "geo": "a bounding box",
    "time": "a span of time",
    "mixed": "bounding box, time and sensor",
}

SALT = "swath"
"""Makes the names inside an SVG the same in every run."""


def draw(figures: Figures, stem: Path) -> list[Path]:
    """Draw a picture of each family; return their files, ``stem`` with the family's name."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": SALT, "svg.fonttype": "none", "font.size": 9})
    return [_family(figures, family, stem.with_name(f"{stem.name}-{family}.svg")) for family in FAMILIES]


def _family(figures: Figures, family: Family, path: Path) -> Path:
    from matplotlib import pyplot as plt

    picture, (top, bottom) = plt.subplots(2, 1, figsize=(8.5, 8), sharex=True, layout="constrained")
    for number, name in enumerate(figures.peers):
        _line(figures, family, name, top, bottom, color=f"C{number % 10}", dashed=number >= 10)
    rows, dim = figures.size
    top.set(title=f"Filter: {TITLES[family]}; {rows:,} x {dim}", ylabel="recall@10", ylim=(-0.02, 1.02), xscale="log")
    bottom.set(xlabel="rows that pass, %", ylabel="median, ms", yscale="log")
    bottom.invert_xaxis()
    bottom.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for axes in (top, bottom):
        axes.grid(visible=True, which="major", alpha=0.3)
    bottom.legend(ncols=4, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    picture.savefig(path, metadata={"Date": None})
    plt.close(picture)
    return path


def _line(figures: Figures, family: Family, name: str, top: Any, bottom: Any, *, color: str, dashed: bool) -> None:
    points = [point for point in POINTS if point[0] in {"none", family}]
    found = [(point[1] * 100, figure) for point in points if (figure := figures.at(name, point, 10)) is not None]
    ours = name == SWATH
    look = {
        "color": "black" if ours else color, "linewidth": 2.6 if ours else 1.1, "marker": "o", "markersize": 3,
        "linestyle": "--" if dashed else "-", "label": ENTRIES[name].title, "zorder": 3 if ours else 2,
    }  # fmt: skip
    shares = [share for share, _ in found]
    top.plot(shares, [figure.recall for _, figure in found], **look)
    bottom.plot(shares, [figure.median * 1000 for _, figure in found], **look)
