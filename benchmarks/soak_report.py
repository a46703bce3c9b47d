"""Whether a soak held: memory, file descriptors, latency and answers after the warm-up; and the page about it.

A quantity is flat if neither its straight line through the time after the warm-up (least squares) nor the mean of the
last third against that of the first third rises by more than is allowed.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.pages import machine, table
from benchmarks.soak_load import Answered
from benchmarks.soak_searches import Recall
from benchmarks.soak_watch import Sample

MEMORY = 0.05
"""Most that memory may grow, as a share: what the soak is for."""

SHORT_S, MEMORY_SHORT = 1_800.0, 0.20
"""Soaks shorter than this may grow by so much more: memory rises by 200 MB and falls again every 20 seconds, as it is
given back, of which a third of five minutes sees three rounds; it tells a leak of MB a second, not more."""

FEW = 2.0
"""Most that the mean number of descriptors may grow: a request that is under way holds one or two."""

THREADS = 64
"""Most threads at any time: the 40 that answer, and 24 of libraries. In an hour they rose from 38 to 44."""

DISK = 0.35
"""Most that the least room of the index may grow, as a share: the table is a third of it, and one more copy of it may
wait for its minute to pass. Files that were never deleted would be a copy more every minute."""

P99 = 1.5
"""Most that the 99th percentile may become, as a multiple: the machine's other work moves it by less."""

P99_MS = 50.0
"""A 99th percentile that grows by less than this is stable whatever its multiple: two processors are shared with the
commands that change the index."""

LATE_MS = 100.0
"""Requests are sent within this of their time at the 99th percentile, or the load was not what it is said to be."""

RECALL = 0.99
"""Least share of the true best that searches with known answers find."""


@dataclass(frozen=True, kw_only=True)
class Soak:
    """One run."""

    seconds: float
    """Of load."""
    warm_up: float
    """Seconds at the beginning that are not judged."""
    rate: float
    """Requests a second."""
    answers: Sequence[Answered]
    """All of them, in the order they were due."""
    samples: Sequence[Sample]
    """Of the server."""
    sizes: Sequence[tuple[float, int]]
    """Seconds, and bytes of the index."""
    writes: dict[str, list[float]]
    """Seconds of each command that changed the index, by kind."""
    problems: Sequence[str]
    """Of those commands."""
    recall: Recall
    """Of searches with known answers."""
    remarks: dict[str, int]
    """What searches said, and how often."""
    tiles: tuple[int, int]
    """Tiles of the index before and after."""
    encoder: str
    """Of the index."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How a quantity moved after the warm-up."""

    first: float
    """Mean of the first third."""
    last: float
    """Mean of the last third."""
    line: float
    """Rise of the straight line from the end of the warm-up to the end."""

    @property
    def growth(self) -> float:
        """The greater of both rises."""
        return max(self.last - self.first, self.line)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One thing that had to hold."""

    name: str
    """What."""
    found: str
    """What was measured."""
    allowed: str
    """What had to be."""
    holds: bool
    """Whether it was."""


def trend(times: Sequence[float], values: Sequence[float], begin: float, end: float) -> Trend:
    """Return how values moved from ``begin`` to ``end``.

    Raises:
        ValueError: There are fewer than three in one of the thirds.
    """
    at, worth = np.asarray(times, float), np.asarray(values, float)
    inside = (at >= begin) & (at <= end)
    at, worth = at[inside], worth[inside]
    third = (end - begin) / 3
    first, last = worth[at < begin + third], worth[at >= end - third]
    if min(len(first), len(last)) < 3:
        raise ValueError(f"{len(worth)} values from {begin:g} to {end:g} s are too few to tell a trend")
    slope = float(np.polyfit(at, worth, 1)[0])
    return Trend(first=float(first.mean()), last=float(last.mean()), line=slope * (end - begin))


def minutes(soak: Soak, share: float) -> tuple[list[float], list[float]]:
    """Return the middle of each minute, and a quantile of the milliseconds of what was due in it."""
    span = min(60.0, (soak.seconds - soak.warm_up) / 9)  # a short soak has shorter "minutes", nine at least
    whole = int(soak.seconds // span)
    found = [[each.ms for each in soak.answers if each.due // span == number] for number in range(whole)]
    return [(number + 0.5) * span for number in range(whole)], [float(np.quantile(ms, share)) for ms in found]


def verdicts(soak: Soak) -> list[Verdict]:
    """Return all that had to hold."""
    wrong = [each.problem for each in soak.answers if each.problem] + list(soak.problems)
    times = [sample.at for sample in soak.samples]
    memory = MEMORY if soak.seconds >= SHORT_S else MEMORY_SHORT

    def of(read: Callable[[Sample], float]) -> Trend:
        return trend(times, [read(sample) for sample in soak.samples], soak.warm_up, soak.seconds)

    late = float(np.quantile([each.late for each in soak.answers], 0.99)) * 1000
    recall = soak.recall.found / max(soak.recall.wanted, 1)
    return [
        Verdict(name="errors and wrong answers", found=f"{len(wrong)}", allowed="0", holds=not wrong),
        _share("the server's own memory", of(lambda sample: sample.anonymous), memory),
        _share("resident memory", of(lambda sample: sample.rss), memory),
        _count("open file descriptors", of(lambda sample: sample.fds)),
        _threads(soak),
        _disk(soak),
        _p99(soak),
        Verdict(
            name="recall of searches with known answers", found=f"{recall:.4f}", allowed=f"at least {RECALL}",
            holds=recall >= RECALL,
        ),
        Verdict(
            name="p99 of how late requests were sent", found=f"{late:.0f} ms", allowed=f"at most {LATE_MS:.0f} ms",
            holds=late <= LATE_MS,
        ),
    ]  # fmt: skip


def _disk(soak: Soak) -> Verdict:
    """The least of each third: a compaction writes the table anew, and the old files go with the one after."""
    third = (soak.seconds - soak.warm_up) / 3
    first = min(size for at, size in soak.sizes if soak.warm_up <= at < soak.warm_up + third)
    last = min(size for at, size in soak.sizes if at >= soak.seconds - third)
    return Verdict(
        name="least room of the index on the disk",
        found=f"{last / first - 1:+.1%} ({first / 1e6:,.1f} MB, then {last / 1e6:,.1f} MB)",
        allowed=f"at most +{DISK:.0%}",
        holds=last <= first * (1 + DISK),
    )


def _share(name: str, found: Trend, allowed: float) -> Verdict:
    growth = found.growth / found.first
    megabytes = f"{found.first / 1e6:,.1f} MB, then {found.last / 1e6:,.1f} MB; line {found.line / 1e6:+,.1f} MB"
    return Verdict(
        name=name, found=f"{growth:+.1%} ({megabytes})", allowed=f"at most +{allowed:.0%}", holds=growth <= allowed
    )


def _threads(soak: Soak) -> Verdict:
    most = max(sample.threads for sample in soak.samples)
    return Verdict(name="most threads", found=f"{most}", allowed=f"at most {THREADS}", holds=most <= THREADS)


def _count(name: str, found: Trend) -> Verdict:
    told = f"{found.first:.1f}, then {found.last:.1f}; line {found.line:+.1f}"
    return Verdict(name=name, found=told, allowed=f"at most +{FEW:g}", holds=found.growth <= FEW)


def _p99(soak: Soak) -> Verdict:
    at, worth = minutes(soak, 0.99)
    kept = [(when, ms) for when, ms in zip(at, worth, strict=True) if when >= soak.warm_up]
    third = len(kept) // 3
    first, last = (float(np.median([ms for _, ms in part])) for part in (kept[:third], kept[-third:]))
    return Verdict(
        name="p99 of an answer, median of the minutes",
        found=f"{first:.0f} ms, then {last:.0f} ms",
        allowed=f"at most x {P99:g}, or {P99_MS:.0f} ms more",
        holds=last <= max(first * P99, first + P99_MS),
    )


def report(soak: Soak) -> str:
    """Return the page."""
    judged = [(each.name, each.found, each.allowed, "yes" if each.holds else "**NO**") for each in verdicts(soak)]
    wrong = Counter(each.problem for each in soak.answers if each.problem) + Counter(soak.problems)
    lines = [
        "# A soak: the service under mixed load while its index changes",
        "",
        f"Written by `python -m benchmarks.soak --minutes {soak.seconds / 60:g}`, which says how it measures. Clients,"
        " server and the commands that change the index share the machine.",
        "",
        f"Machine: {machine()}; Python {platform.python_version()}. Index: {soak.tiles[0]:,} tiles before,"
        f" {soak.tiles[1]:,} after, {soak.encoder}. {len(soak.answers):,} requests, {soak.rate:g} a second; the first"
        f" {soak.warm_up / 60:g} minutes are warm-up and are not judged.",
        "",
        *table(("", "first third, then last third", "allowed", "holds"), judged),
        "",
        "*The server's own memory* is what is not a page of a file (`Anonymous` of `/proc/PID/smaps_rollup`): the only"
        " kind that can leak. *Resident memory* has the pages of the search snapshot and of libraries in it, which the"
        " system drops when it needs room; it is held to the same.",
        "",
        "## Over time",
        "",
        *_over_time(soak),
        "",
        "## Requests",
        "",
        *_by_kind(soak),
        "",
        "## What changed the index meanwhile",
        "",
        *table(
            ("", "times", "median s", "longest s"),
            [
                (kind, f"{len(each):,}", f"{np.median(each):.1f}", f"{max(each):.1f}")
                for kind, each in sorted(soak.writes.items())
            ],
        ),
        "",
        *(f"- {often:,} searches said: {remark}" for remark, often in sorted(soak.remarks.items())),
        *(f"- {often:,} x wrong: {problem}" for problem, often in wrong.most_common(20)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _over_time(soak: Soak) -> list[str]:
    parts = 12
    span = soak.seconds / parts
    rows = []
    for number in range(parts):
        inside = [each for each in soak.samples if number * span <= each.at < (number + 1) * span]
        ms = [each.ms for each in soak.answers if number * span <= each.due < (number + 1) * span]
        sizes = [size for at, size in soak.sizes if number * span <= at < (number + 1) * span]
        if len(inside) > 1 and ms and sizes:
            rows.append(_row(number * span, inside, ms, sizes))
    head = ("minute", "own MB", "resident MB", "unshared MB", "fds", "threads", "deleted, mapped MB", "index MB",
            "p50 ms", "p99 ms", "server's processors", "others' processors")  # fmt: skip
    return table(head, rows)


def _row(begin: float, samples: Sequence[Sample], ms: Sequence[float], sizes: Sequence[int]) -> tuple[str, ...]:
    def mean(read: Callable[[Sample], float]) -> float:
        return float(np.mean([read(sample) for sample in samples]))

    first, last = samples[0], samples[-1]
    passed = last.at - first.at
    return (
        f"{begin / 60:g}",
        f"{mean(lambda each: each.anonymous) / 1e6:,.1f}",
        f"{mean(lambda each: each.rss) / 1e6:,.1f}",
        f"{mean(lambda each: each.uss) / 1e6:,.1f}",
        f"{mean(lambda each: each.fds):.1f}",
        f"{mean(lambda each: each.threads):.1f}",
        f"{mean(lambda each: each.deleted) / 1e6:,.1f}",
        f"{np.mean(sizes) / 1e6:,.0f}",
        *(f"{np.quantile(ms, share):.0f}" for share in (0.5, 0.99)),
        f"{(last.processor - first.processor) / passed:.2f}",
        f"{max(0.0, last.others - first.others) / passed:.2f}",
    )


def _by_kind(soak: Soak) -> list[str]:
    rows = []
    for kind in sorted({each.kind for each in soak.answers}):
        own = [each for each in soak.answers if each.kind == kind]
        spread = (f"{np.quantile([each.ms for each in own], share):.0f}" for share in (0.5, 0.95, 0.99))
        rows.append((kind, f"{len(own):,}", f"{sum(each.problem is not None for each in own)}", *spread))
    ms = [each.ms for each in soak.answers]
    every = (f"{np.quantile(ms, share):.0f}" for share in (0.5, 0.95, 0.99))
    rows.append(("all", f"{len(ms):,}", f"{sum(each.problem is not None for each in soak.answers)}", *every))
    return table(("", "requests", "wrong", "p50 ms", "p95 ms", "p99 ms"), rows)
