"""A small Prometheus: series in memory, and as much of PromQL as the alert rules use; the rest it refuses.

It follows https://prometheus.io/docs/prometheus/latest/querying/basics/: an instant selector takes the last sample of
five minutes, `rate` extrapolates to the ends of its window, comparisons without `bool` filter, and a recorded series is
its rule's value at that time. `for` is looked at once a minute; a window of a recorded series at most 360 times.
"""

import itertools
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

import promql_parser as promql
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Value = float | Vector

LOOKBACK_S = 300.0
STEP_S = 60.0


def labels_of(given: Mapping[str, str]) -> Labels:
    return frozenset((name, value) for name, value in given.items() if value)


def without_name(labels: Labels) -> Labels:
    return frozenset(pair for pair in labels if pair[0] != "__name__")


@cache
def _parsed(text: str) -> Any:
    return promql.parse(text)


@dataclass
class Prometheus:
    """Series, and the rules of a file."""

    rules: Mapping[str, Any]
    series: dict[Labels, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, name: str, samples: Iterable[tuple[float, float]], **labels: str) -> None:
        """Add samples (time in s, value), rising in time."""
        self.series.setdefault(labels_of({"__name__": name} | labels), []).extend(samples)

    def scraped(self, text: str, at: Sequence[float], **labels: str) -> None:
        """Take a page of metrics as what was found at these times."""
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self.add(sample.name, ((time, sample.value) for time in at), **{**sample.labels, **labels})

    def firing(self, now: float) -> set[str]:
        """Return the alerts that fire: true now and at every minute of their `for`."""
        return {rule["alert"] for rule in self._of("alert") if self._fires(rule, now)}

    def query(self, text: str, now: float) -> Value:
        return self._value(_parsed(text), now)

    def _fires(self, rule: Mapping[str, Any], now: float) -> bool:
        wait = promql.parse_duration(rule["for"]).total_seconds() if "for" in rule else 0.0
        times = [now - back * STEP_S for back in range(int(wait // STEP_S) + 1)]
        true: set[Labels] | None = None
        for time in times:
            found = self.query(rule["expr"], time)
            assert isinstance(found, dict), rule
            true = set(found) if true is None else true & set(found)
            if not true:
                return False
        return bool(true)

    def _of(self, kind: str) -> Iterable[Mapping[str, Any]]:
        return (rule for group in self.rules["groups"] for rule in group["rules"] if kind in rule)

    def _recorded(self, name: str) -> str | None:
        return next((rule["expr"] for rule in self._of("record") if rule["record"] == name), None)

    def _value(self, node: Any, now: float) -> Value:
        match type(node).__name__:
            case "NumberLiteral":
                return float(node.val)
            case "ParenExpr":
                return self._value(node.expr, now)
            case "VectorSelector":
                return self._instant(node, now)
            case "Call":
                return self._call(node, now)
            case "AggregateExpr":
                return self._aggregate(node, now)
            case "BinaryExpr":
                return self._binary(node, now)
        raise NotImplementedError(type(node).__name__)

    def _instant(self, node: Any, now: float) -> Vector:
        recorded = self._recorded(node.name)
        if recorded is not None:
            found = self.query(recorded, now)
            assert isinstance(found, dict)
            return {labels: value for labels, value in found.items() if _matches(node, labels)}
        latest = {}
        for labels, samples in self._chosen(node):
            place = bisect_right(samples, (now, math.inf))
            if place and samples[place - 1][0] > now - LOOKBACK_S:
                latest[labels] = samples[place - 1][1]
        return latest

    def _chosen(self, node: Any) -> list[tuple[Labels, list[tuple[float, float]]]]:
        named = {labels: samples for labels, samples in self.series.items() if ("__name__", node.name) in labels}
        return [(labels, samples) for labels, samples in named.items() if _matches(node, labels)]

    def _windows(self, node: Any, now: float) -> dict[Labels, list[tuple[float, float]]]:
        selector, length = node.vector_selector, node.range.total_seconds()
        if self._recorded(selector.name) is None:
            chosen = self._chosen(selector)
            ends = (now - length, math.inf), (now, math.inf)
            return {
                labels: samples[bisect_right(samples, ends[0]) : bisect_right(samples, ends[1])]
                for labels, samples in chosen
            }
        found: dict[Labels, list[tuple[float, float]]] = {}
        step = max(STEP_S, length / 360)
        for back in reversed(range(int(length // step))):
            time = now - back * step
            for labels, value in self._instant(selector, time).items():
                found.setdefault(labels, []).append((time, value))
        return found

    def _call(self, node: Any, now: float) -> Value:
        if node.func.name == "time":
            return now
        over = _OVER.get(node.func.name)
        if over is None:
            raise NotImplementedError(node.func.name)
        (window,) = node.args
        length, found = window.range.total_seconds(), {}
        for labels, samples in self._windows(window, now).items():
            value = over(samples, now - length, now)
            if value is not None:
                found[without_name(labels)] = value
        return found

    def _aggregate(self, node: Any, now: float) -> Vector:
        if str(node.op) != "sum" or node.modifier is None or node.modifier.type != promql.AggModifierType.By:
            raise NotImplementedError(str(node.op))
        inner, found = self._value(node.expr, now), dict[Labels, float]()
        assert isinstance(inner, dict)
        for labels, value in inner.items():
            group = frozenset(pair for pair in labels if pair[0] in node.modifier.labels)
            found[group] = found.get(group, 0.0) + value
        return found

    def _binary(self, node: Any, now: float) -> Value:
        left, right, op = self._value(node.lhs, now), self._value(node.rhs, now), str(node.op)
        compares = op in _COMPARE
        keeps = compares and not (node.modifier is not None and node.modifier.return_bool)
        work = _COMPARE[op] if compares else _ARITHMETIC.get(op)
        if isinstance(left, dict) and isinstance(right, dict):
            return _joined(left, right, op=op, work=work, keeps=keeps, key=_key(node))
        if work is None:
            raise NotImplementedError(op)
        if isinstance(left, float) and isinstance(right, float):
            return float(work(left, right))
        if isinstance(left, dict):
            pairs = {labels: (value, value, right) for labels, value in left.items()}
        else:
            assert isinstance(right, dict)
            pairs = {labels: (value, left, value) for labels, value in right.items()}
        return _worked(pairs, work, keeps)


def _joined(
    left: Vector,
    right: Vector,
    *,
    op: str,
    work: Callable[[Any, Any], float] | None,
    keeps: bool,
    key: Callable[[Labels], Labels],
) -> Vector:
    there = {key(labels): value for labels, value in right.items()}
    if op == "and":
        return {labels: value for labels, value in left.items() if key(labels) in there}
    if op == "or":
        known = {key(labels) for labels in left}
        return left | {labels: value for labels, value in right.items() if key(labels) not in known}
    if work is None:
        raise NotImplementedError(op)
    matched = {labels: (value, value, there[key(labels)]) for labels, value in left.items() if key(labels) in there}
    return _worked(matched, work, keeps)


def _worked(pairs: Mapping[Labels, tuple[float, Any, Any]], work: Callable[[Any, Any], float], keeps: bool) -> Vector:
    if keeps:
        return {labels: value for labels, (value, one, other) in pairs.items() if work(one, other)}
    return {without_name(labels): float(work(one, other)) for labels, (_, one, other) in pairs.items()}


def _key(node: Any) -> Callable[[Labels], Labels]:
    matching = None if node.modifier is None else node.modifier.matching
    if matching is None:
        return without_name
    if matching.type != promql.LabelModifierType.Include:
        raise NotImplementedError("ignoring")
    return lambda labels: frozenset(pair for pair in labels if pair[0] in matching.labels)


def _matches(node: Any, labels: Labels) -> bool:
    given = dict(labels)
    for matcher in node.matchers.matchers:
        value, op = given.get(matcher.name, ""), matcher.op
        if op in (promql.MatchOp.Equal, promql.MatchOp.NotEqual):
            fits = value == matcher.value
        else:
            fits = re.fullmatch(matcher.value, value) is not None
        if fits != (op in (promql.MatchOp.Equal, promql.MatchOp.Re)):
            return False
    return True


_Samples = list[tuple[float, float]]


def _increase(samples: _Samples, start: float, end: float) -> float | None:
    if len(samples) < 2:
        return None
    values = [value for _, value in samples]
    gained = sum(max(after - before, 0) if after >= before else after for before, after in _pairs(values))
    first, last = samples[0][0], samples[-1][0]
    gap = (last - first) / (len(samples) - 1)
    reach = last - first
    reach += first - start if first - start < 1.1 * gap else gap / 2
    reach += end - last if end - last < 1.1 * gap else gap / 2
    return gained * reach / (last - first)


def _rate(samples: _Samples, start: float, end: float) -> float | None:
    found = _increase(samples, start, end)
    return None if found is None else found / (end - start)


def _average(samples: _Samples, start: float, end: float) -> float | None:
    return sum(value for _, value in samples) / len(samples) if samples else None


def _changes(samples: _Samples, start: float, end: float) -> float | None:
    values = [value for _, value in samples]
    return float(sum(before != after for before, after in _pairs(values))) if values else None


def _pairs(values: Sequence[float]) -> Iterable[tuple[float, float]]:
    return itertools.pairwise(values)


_OVER: dict[str, Callable[[_Samples, float, float], float | None]] = {
    "rate": _rate,
    "increase": _increase,
    "avg_over_time": _average,
    "changes": _changes,
}

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": lambda one, other: one == other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
}

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other if other else math.nan,
}


def read_rules(text: str) -> Mapping[str, Any]:
    """Return the rules of a file."""
    found: Mapping[str, Any] = import_module("yaml").safe_load(text)
    return found


@cache
def names_in(expression: str) -> frozenset[str]:
    """Return the metrics that an expression reads."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        match type(node).__name__:
            case "VectorSelector":
                found.add(node.name)
            case "MatrixSelector":
                found.add(node.vector_selector.name)
            case "Call":
                for each in node.args:
                    walk(each)
            case "AggregateExpr" | "ParenExpr":
                walk(node.expr)
            case "BinaryExpr":
                walk(node.lhs)
                walk(node.rhs)

    walk(promql.parse(expression))
    return frozenset(found)
