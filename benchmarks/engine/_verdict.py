"""What the engine was to reach, and whether it did: computed from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.engine._figures import Figure, Figures, Point
from benchmarks.engine._peer import SWATH
from benchmarks.engine._questions import POINTS

RIGHT = 0.95
"""Recall under which a peer's latency counts for nothing."""

LEAST = {10: 0.995, 100: 0.99}
"""Recall that is wanted of the best 10 and of the best 100 rows."""

SLOWER = 1.2
"""How many times the latency of the fastest peer that is right ours may be."""

LANCE = ("lance", "lance-tuned", "lance-bypass")
LANCE_TIMES = 10.0

FLAT = ("numpy", "faiss-flat")
FLAT_TIMES = 5.0
FLAT_DOWN_TO = 0.01
"""Selectivity below which a flat scan has little to do."""

SPREAD = 4.0
"""How many times the median the 99th percentile may be."""

PLAIN_PER_SECOND = 1_500.0
SCALING = 1.7
COLD_SECONDS = 1.0
BYTES_A_ROW = 200.0
BUILD_SECONDS = 120.0
APPEND_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that was wanted."""

    wanted: str
    """In words, with its limit."""
    held: bool | None
    """None where it was not measured."""
    figure: str
    """What was measured."""


def verdict(figures: Figures) -> list[Line]:
    """Return every line of the goal."""
    lines = [*_recall(figures), *_latency(figures), *_costs(figures)]
    return [line if line.figure else Line(wanted=line.wanted, held=None, figure="not measured") for line in lines]


def _recall(figures: Figures) -> Iterator[Line]:
    for k, least in LEAST.items():
        for kind in ("image", "text"):
            found = [(figure.recall, point) for point, of, figure in figures.every(SWATH, POINTS, k) if of == kind]
            worst, where = min(found, default=(0.0, POINTS[0]))
            held = sum(recall >= least for recall, _ in found)
            yield Line(
                wanted=f"recall@{k} at least {least}, {kind}-like queries, at every point",
                held=bool(found) and worst >= least,
                figure=f"{held} of {len(found)} points; least {worst:.4f} at {named(where)}" if found else "",
            )


def _latency(figures: Figures) -> Iterator[Line]:
    yield _ratios(
        figures,
        f"median at most {SLOWER} x that of the fastest peer of recall@10 >= {RIGHT}, at every point",
        lambda point: _against(figures, point, [name for name in figures.peers if name != SWATH]),
        lambda ratio: ratio <= SLOWER,
        worst=max,
    )
    yield _ratios(
        figures,
        f"at least {LANCE_TIMES:.0f} x faster than LanceDB's fastest mode of recall@10 >= {RIGHT}, at every point",
        lambda point: _inverse(_against(figures, point, LANCE)),
        lambda ratio: ratio >= LANCE_TIMES,
        worst=min,
    )
    yield _ratios(
        figures,
        f"at least {FLAT_TIMES:.0f} x faster than the faster exact flat scan, down to {percent(FLAT_DOWN_TO)}",
        lambda point: _inverse(_against(figures, point, FLAT)) if point[1] >= FLAT_DOWN_TO else None,
        lambda ratio: ratio >= FLAT_TIMES,
        worst=min,
    )
    yield _ratios(
        figures,
        f"99th percentile under {SPREAD:.0f} x the median, at every point",
        lambda point: _spread(figures.at(SWATH, point, 10)),
        lambda ratio: ratio < SPREAD,
        worst=max,
    )
    yield from _throughput(figures)


def _against(figures: Figures, point: Point, peers: list[str] | tuple[str, ...]) -> tuple[float, str] | None:
    """Our median over that of the fastest of these that is right."""
    ours = figures.at(SWATH, point, 10)
    measured = [(figures.at(name, point, 10), name) for name in peers]
    right = [(figure.median, name) for figure, name in measured if figure is not None and figure.recall >= RIGHT]
    if ours is None or not right:
        return None
    fastest, name = min(right)
    return ours.median / fastest, name


def _inverse(ratio: tuple[float, str] | None) -> tuple[float, str] | None:
    return None if ratio is None else (1 / ratio[0], ratio[1])


def _spread(figure: Figure | None) -> tuple[float, str] | None:
    return None if figure is None else (figure.p99 / figure.median, "")


def _ratios(
    figures: Figures,
    wanted: str,
    ratio_at: Callable[[Point], tuple[float, str] | None],
    holds: Callable[[float], bool],
    *,
    worst: Callable[..., tuple[float, str, Point]],
) -> Line:
    measured = [(*found, point) for point in POINTS if (found := ratio_at(point)) is not None]
    if not measured:
        return Line(wanted=wanted, held=None, figure="")
    ratio, name, point = worst(measured)
    held = sum(holds(each[0]) for each in measured)
    rival = f" (beside {name})" if name else ""
    figure = f"{held} of {len(measured)} points; worst {ratio:.2f} x at {named(point)}{rival}"
    return Line(wanted=wanted, held=held == len(measured), figure=figure)


def _throughput(figures: Figures) -> Iterator[Line]:
    ours, edge = figures.throughput.get(SWATH), figures.throughput.get("qdrant")
    beside = f"; Qdrant Edge {edge['plain 2']:,.0f} here" if edge else ""
    yield Line(
        wanted=f"without filter at least {PLAIN_PER_SECOND:,.0f} queries/s on two threads",
        held=ours is not None and ours["plain 2"] >= PLAIN_PER_SECOND,
        figure=f"{ours['plain 2']:,.0f} queries/s{beside}" if ours else "",
    )
    scaling = ours["mixed 2"] / ours["mixed 1"] if ours else 0.0
    yield Line(
        wanted=f"filtered queries on two threads at least {SCALING} x as many as on one",
        held=scaling >= SCALING,
        figure=f"{scaling:.2f} x ({ours['mixed 1']:,.0f} and {ours['mixed 2']:,.0f} queries/s)" if ours else "",
    )


def _costs(figures: Figures) -> Iterator[Line]:
    rows = figures.size[0]
    cold = figures.cold.get(SWATH)
    first = cold["took"]["open"] + cold["took"]["first"] if cold else 0.0
    yield Line(
        wanted=f"cold open to first answer under {COLD_SECONDS:.0f} s",
        held=bool(cold) and first < COLD_SECONDS,
        figure=f"{first:.2f} s, and {cold['took']['import']:.2f} s to import" if cold else "",
    )
    resident = sum(cold["memory"].values()) / rows if cold else 0.0
    yield Line(
        wanted=f"resident memory under {BYTES_A_ROW:.0f} bytes a row",
        held=bool(cold) and resident < BYTES_A_ROW,
        figure=f"{resident:.0f} bytes a row, {cold['memory']['anonymous'] / rows:.0f} of them its own" if cold else "",
    )
    built = figures.work.built(SWATH)["wall"] if figures.work.is_built(SWATH) else 0.0
    yield Line(
        wanted=f"snapshot built in under {BUILD_SECONDS:.0f} s",
        held=0 < built < BUILD_SECONDS,
        figure=f"{built:.0f} s" if built else "",
    )
    added = figures.work.read_if_there("append")
    yield Line(
        wanted=f"10,000 appended rows are found within {APPEND_SECONDS:.0f} s of their commit, without a rebuild",
        held=bool(added) and added["searchable"] < APPEND_SECONDS,
        figure=f"{added['searchable']:.2f} s after a commit of {added['commit']:.2f} s" if added else "",
    )


def named(point: Point) -> str:
    """Return a point in words."""
    family, share = point
    return "no filter" if family == "none" else f"{family} {percent(share)}"


def percent(share: float) -> str:
    """Return a share as a short percentage."""
    return f"{share * 100:.4g} %"
