"""JSON changed field by field: values of the wrong kind, huge, deep, missing, doubled, or from another place."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.fuzz._mutate_bytes import changed_bytes

_RAW = "\0raw:"
"""Begins a text that is written into the document as it is: numbers and nestings that Python cannot write."""

_RAWS = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1E400", "9" * 400, "-0", "0.1e-400", "9" * 5_000, "01", "+1",
    "[" * 500 + "]" * 500, "[" * 100_000, "[" * 3_000 + "]" * 3_000, '{"a":' * 900 + "1" + "}" * 900, "truE", "'a'",
    '"\\ud800"', '"\\u0000"', '"\x01"', "[1,]", "{}{}", "/*a*/1", '{"type":1,"type":2}', '{"__proto__":1}',
)  # fmt: skip

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.5, -0.0, 1e308, -1e308, 5e-324, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, -(2**63),
    180, 180.0000001, -180, 360, 361, 90, 91, -90, "", " ", "0", "null", "a\nb", "a\r\nb", "\t", "é", "😀", "\u202e",
    "x" * 5_000,
    "..", "../../etc/passwd", "/etc/passwd", "/" + "a" * 5_000, "file:///etc/passwd", "file://",
    "http://169.254.169.254/latest/",
    "/vsicurl/http://127.0.0.1:9/a.tif", "s3://", "http://[", "https://user@:99999/", "C:\\a", "%00", "%s%n{0}", "con",
    "2021-01-01", "2021-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "../..", "2021-02-30", "P1D", "POINT (1 2)", "POLYGON EMPTY", "EPSG:4326", "nan", "inf", "-1e400", "1_000", "١٢",
    [], {}, [[]], [{}], [None], ["a"], [0, 0], [0, 0, 0, 0], {"a": {"a": {}}}, {"type": "Point", "coordinates": [1, 2]},
    {"type": "Polygon", "coordinates": []}, {"type": "GeometryCollection", "geometries": []}, {"op": "not",
    "args": [True]},
    {"bbox": [170, -10, -170, 10]}, {"property": "cloud"}, {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 1],
    [0, 1], [1, 0], [0, 0]]]]},
)  # fmt: skip
"""What readers trip over: wrong kinds, borders of numbers, odd texts, paths and addresses, geometries of nothing."""


def mutate_json(rng: random.Random, data: bytes, words: Sequence[str]) -> bytes:
    """Return a document changed in one to five places, or its bytes changed where it is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):  # the latter of what was nested deeply in a round before
        return changed_bytes(rng, data, 3)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        document = _changed(rng, document, words)
    return _written(rng, document)


def _written(rng: random.Random, document: Any) -> bytes:
    text = json.dumps(document, ensure_ascii=rng.random() < 0.8)
    for raw in _RAWS:
        text = text.replace(json.dumps(_RAW + raw), raw).replace(json.dumps(_RAW + raw, ensure_ascii=False), raw)
    coding = rng.choices(("utf-8", "utf-16", "utf-8-sig", "latin-1"), (97, 1, 1, 1))[0]
    return text.encode(coding, "surrogatepass" if coding.startswith("utf") else "replace")


def _changed(rng: random.Random, document: Any, words: Sequence[str]) -> Any:
    places = list(_places(document, ()))
    return rng.choice(_CHANGES)(rng, document, rng.choice(places), words)


def _places(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _places(value, (*path, key))
    elif isinstance(node, list):
        # Of a long list (a ring, a vector) a few stand for all.
        for at in sorted({*range(min(len(node), 6)), max(len(node) - 1, 0)} if node else ()):
            yield from _places(node[at], (*path, at))


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def _put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    whole = copy.copy(document)
    whole[path[0]] = _put(document[path[0]], path[1:], value)
    return whole


def _value(rng: random.Random, words: Sequence[str]) -> Any:
    roll = rng.random()
    if words and roll < 0.25:
        return rng.choice(words)
    if roll < 0.4:
        return _RAW + rng.choice(_RAWS)
    return rng.choice(_VALUES) if roll < 0.9 else rng.choice((rng.random() * 400 - 200, rng.randrange(-(2**40), 2**40)))


def _replace(rng: random.Random, document: Any, path: tuple[Any, ...], words: Sequence[str]) -> Any:
    return _put(document, path, _value(rng, words))


def _drop(rng: random.Random, document: Any, path: tuple[Any, ...], words: Sequence[str]) -> Any:
    if not path:
        return _value(rng, words)
    parent = copy.copy(_at(document, path[:-1]))
    del parent[path[-1]]
    return _put(document, path[:-1], parent)


def _rename(rng: random.Random, document: Any, path: tuple[Any, ...], words: Sequence[str]) -> Any:
    if not path or not isinstance(path[-1], str):
        return _replace(rng, document, path, words)
    parent = dict(_at(document, path[:-1]))
    parent[rng.choice((path[-1] + "x", path[-1].upper(), "", "type", *words))] = parent.pop(path[-1])
    return _put(document, path[:-1], parent)


def _add(rng: random.Random, document: Any, path: tuple[Any, ...], words: Sequence[str]) -> Any:
    node = _at(document, path)
    if isinstance(node, dict):
        return _put(document, path, {**node, rng.choice((*words, "extra", "type", "bbox")): _value(rng, words)})
    return _put(document, path, [*node, _value(rng, words)] if isinstance(node, list) else [node])


def _move(rng: random.Random, document: Any, path: tuple[Any, ...], _: Sequence[str]) -> Any:
    """Put a part of the document in another's place."""
    other = rng.choice(list(_places(document, ())))
    return _put(document, path, copy.deepcopy(_at(document, other)))


def _multiply(rng: random.Random, document: Any, path: tuple[Any, ...], words: Sequence[str]) -> Any:
    """A list of a few things becomes one of many, and a text a long one."""
    node = _at(document, path)
    times = rng.choice((2, 10, 100, 1_000))
    if isinstance(node, list) and len(json.dumps(node)) * times < 500_000:
        return _put(document, path, node * times)
    if isinstance(node, str) and len(node) * times < 500_000:
        return _put(document, path, node * times)
    return _replace(rng, document, path, words)


def _nest(rng: random.Random, document: Any, path: tuple[Any, ...], _: Sequence[str]) -> Any:
    """Wrap a part in itself: lists in lists, or objects in the very object that they stand in."""
    node = _at(document, path)
    parent = _at(document, path[:-1]) if path else None
    for _each in range(rng.choice((1, 2, 30, 150))):
        node = {**parent, path[-1]: node} if isinstance(parent, dict) and isinstance(node, dict) else [node]
    return _put(document, path, node)


_CHANGES: tuple[Callable[[random.Random, Any, tuple[Any, ...], Sequence[str]], Any], ...] = (
    _replace, _replace, _replace, _replace, _drop, _rename, _add, _move, _multiply, _nest,
)  # fmt: skip
