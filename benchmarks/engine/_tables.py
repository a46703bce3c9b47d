"""Tables of the report, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.engine._archive import QUERY_KINDS
from benchmarks.engine._figures import Figure, Figures
from benchmarks.engine._peer import ENTRIES, SWATH
from benchmarks.engine._questions import FAMILIES, POINTS
from benchmarks.engine._verdict import RIGHT, Line, named

MB = 1e6


def table(head: Sequence[str], lines: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """Return a Markdown table, numbers to the right of the first columns, which hold words."""
    rule = ["---"] * words + ["---:"] * (len(head) - words)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *lines])


def peers_table(figures: Figures, k: int, family: str) -> str:
    """Recall and median of every engine under one family of filters."""
    points = [point for point in POINTS if point[0] in {"none", family}]
    lines = [[ENTRIES[name].title, *(_cell(figures.at(name, point, k)) for point in points)] for name in figures.peers]
    return table(["engine", *map(named, points)], lines)


def peers_tables(figures: Figures, k: int) -> str:
    """The tables of all families."""
    return "\n\n".join(peers_table(figures, k, family) for family in FAMILIES)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    cell = f"{figure.recall:.3f} / {milliseconds(figure.median)}"
    return cell if figure.recall >= RIGHT else f"*{cell}*"


def milliseconds(seconds: float) -> str:
    """Return seconds as milliseconds with two or three digits that count."""
    value = seconds * 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def ours_table(figures: Figures) -> str:
    """Recall by kind of query, median and 99th percentile of Swath at every point."""
    head = ["point", *(f"recall@{k} {kind}" for k in (10, 100) for kind in QUERY_KINDS)]
    head += ["median ms, k 10", "99 %", "median ms, k 100", "99 %", "fastest peer that is right"]
    lines = []
    for point in POINTS:
        recalls = [figures.at(SWATH, point, k, kind) for k in (10, 100) for kind in QUERY_KINDS]
        both = [figures.at(SWATH, point, k) for k in (10, 100)]
        times = [milliseconds(value) for each in both if each for value in (each.median, each.p99)]
        lines.append(
            [named(point), *(f"{each.recall:.4f}" for each in recalls if each), *times, _rival(figures, point)]
        )
    return table(head, lines)


def _rival(figures: Figures, point: tuple[str, float]) -> str:
    others = [(figures.at(name, point, 10), name) for name in figures.peers if name != SWATH]  # type: ignore[arg-type]
    right = [(each.median, name) for each, name in others if each is not None and each.recall >= RIGHT]
    if not right:
        return "none"
    median, name = min(right)
    return f"{ENTRIES[name].title}, {milliseconds(median)} ms"


def throughput_table(figures: Figures) -> str:
    """Answers a second."""
    head = ["engine", "no filter, 1 thread", "2 threads", "mixed filters, 1 thread", "2 threads"]
    order = ("plain 1", "plain 2", "mixed 1", "mixed 2")
    found = figures.throughput
    return table(head, [[ENTRIES[name].title, *(f"{found[name][key]:,.0f}" for key in order)] for name in found])


def costs_table(figures: Figures) -> str:
    """Build, disk, memory and cold opening."""
    head = [
        "engine", "build s", "CPU s", "disk bytes a row", "own memory MB", "of files MB", "after the run MB",
        "import s", "open s", "first answer s",
    ]  # fmt: skip
    return table(head, [_costs(figures, name) for name in figures.peers])


def _costs(figures: Figures, name: str) -> list[str]:
    built, cold = figures.work.built(name), figures.cold.get(name)
    disk = built["bytes"] / figures.size[0] if built["bytes"] > 10_000 else figures.size[1] * 4
    cells = [ENTRIES[name].title, f"{built['wall']:.0f}", f"{built['cpu']:.0f}", f"{disk:,.0f}"]
    if cold is None:
        return [*cells, *["-"] * 6]
    after = sum(figures.work.read("memory").get(name, {"none": 0}).values())
    sizes = [cold["memory"]["anonymous"], cold["memory"]["files"], after]
    times = [cold["took"][key] for key in ("import", "open", "first")]
    return [*cells, *(f"{size / MB:,.0f}" for size in sizes), *(f"{value:.2f}" for value in times)]


def bandwidth_table(figures: Figures) -> str:
    """Each engine's unfiltered search beside reading the data once."""
    rows, dim = figures.size
    speed = figures.machine["bandwidth"]["one"]
    codes, floats = rows * dim / 8 / speed, rows * dim * 4 / speed
    lines = []
    for name in figures.peers:
        found = figures.at(name, ("none", 1.0), 10)
        if found is not None:
            ratios = (f"{found.median / codes:.2f}", f"{found.median / floats:.3f}")
            lines.append([ENTRIES[name].title, milliseconds(found.median), *ratios])
    head = ["engine", "median ms"]
    head += [f"x reading 1-bit codes ({milliseconds(codes)} ms)", f"x reading float32 ({milliseconds(floats)} ms)"]
    return table(head, lines)


def settings_table(figures: Figures) -> str:
    """How each engine was built and asked."""
    lines = [
        [
            ENTRIES[name].title,
            ENTRIES[name].settings,
            _turns(name),
        ]
        for name in figures.peers
    ]
    return table(["engine", "settings", "turns"], lines, words=3)


def _turns(name: str) -> str:
    entry = ENTRIES[name]
    return "each" if entry.every == 1 else f"each {entry.every}th, {entry.questions} questions"


def verdict_table(lines: Sequence[Line]) -> str:
    """What was wanted and what was reached."""
    words = {True: "held", False: "**not held**", None: "not measured"}
    return table(
        ["wanted", "held", "measured"], [[line.wanted, words[line.held], line.figure] for line in lines], words=3
    )
