"""Filters, areas, dates, and the documents of a knowledge base."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from inspect import signature
from typing import Any

import pyarrow as pa
import shapely

from benchmarks.fuzz._place import placed
from benchmarks.fuzz._target import Target
from core import (
    InputError,
    NamePattern,
    load_sensor,
    parse_bbox,
    parse_cell,
    parse_geometry,
    parse_instant,
    parse_interval,
)
from embeddings.datasets import read_notes
from indexer.knowledge._chunks import pieces
from indexer.knowledge._geometry import cells_of, extent
from indexer.knowledge._reading import read_file
from indexer.sources import SourceOptions
from retriever import SearchRequest
from retriever._evaluate import matching
from retriever._expression import columns_of
from retriever._pushdown import pushed_down
from retriever._translate import parse_filter

_AREA = {"type": "Polygon", "coordinates": [[[-4, 41], [-3, 41], [-3, 42], [-4, 42], [-4, 41]]]}
_TURNING = {"type": "Polygon", "coordinates": [[[170, -10], [190, -10], [190, 10], [170, 10], [170, -10]]]}

_CQL2 = (
    b"cloud < 0.2 AND sensor = 'naip'",
    b"S_INTERSECTS(footprint, POLYGON((-4 41, -3 41, -3 42, -4 42, -4 41))) OR NOT (valid >= 0.9)",
    b"datetime BETWEEN TIMESTAMP('2021-01-01T00:00:00Z') AND TIMESTAMP('2021-12-31T00:00:00Z')",
    b"T_AFTER(datetime, DATE('2021-01-01')) AND CASEI(collection) LIKE casei('s2%') AND label IS NOT NULL",
    b"sensor IN ('naip', 'rgb') AND gsd * 2 + 1 <= 21 ^ 1 % 7 DIV 2"
    b" AND S_INTERSECTS(geometry, BBOX(170, -10, -170, 10))",
    b"h3 = '8c390ca1ca5e1ff' OR S_CROSSES(geometry, LINESTRING(-4 41, 0 42))"
    b" AND S_DISJOINT(geometry, MULTIPOINT((1 2), (3 4)))",
)
_CQL2_WORDS = (
    "AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "IS NULL", "CASEI", "ACCENTI", "DIV", "cloud", "sensor", "datetime",
    "footprint", "geometry", "h3",
    "S_INTERSECTS", "S_EQUALS", "S_TOUCHES", "S_OVERLAPS", "S_CONTAINS", "S_CROSSES", "T_DURING", "T_AFTER",
    "T_INTERSECTS", "A_CONTAINS", "INTERVAL",
    "INTERVAL('2021-01-01', '..')", "BBOX(-4, 40, -3, 41)", "POLYGON((0 0, 1 1, 0 1, 1 0, 0 0))", "POINT(0 0)",
    "GEOMETRYCOLLECTION(POINT(1 2))",
    "POINT EMPTY", "DATE('2021-01-01')", "'", "''", "TRUE", "NULL", "+", "-", "*", "/", "%", "^", "avg(vh)",
    "POINT Z (1 2 3)",
)  # fmt: skip
_CQL2_JSON: tuple[Any, ...] = (
    {"op": "and", "args": [{"op": "<", "args": [{"property": "cloud"}, 0.2]}, {"op": "=",
    "args": [{"property": "sensor"}, "naip"]}]},
    {"op": "s_intersects", "args": [{"property": "geometry"}, _AREA]},
    {"op": "not", "args": [{"op": "s_intersects", "args": [{"property": "footprint"}, {"bbox": [170, -10, -170,
    10]}]}]},
    {"op": "or", "args": [
        {"op": "t_during", "args": [{"property": "datetime"}, {"interval": ["2021-01-01", ".."]}]},
        {"op": "between", "args": [{"property": "gsd"}, 0, {"op": "*", "args": [10, {"property": "valid"}]}]},
        {"op": "in", "args": [{"property": "sensor"}, ["a", "b"]]},
        {"op": "like", "args": [{"op": "casei", "args": [{"property": "collection"}]}, "s2%"]},
        {"op": "isNull", "args": [{"property": "label"}]},
        {"op": ">=", "args": [{"property": "datetime"}, {"timestamp": "2021-01-01T00:00:00Z"}]},
        {"op": "s_crosses", "args": [{"property": "geometry"}, {"type": "LineString", "coordinates": [[-4, 41], [180,
        42]]}]},
    ]},
)  # fmt: skip
_OPERATORS = (
    "op", "args", "and", "or", "not", "=", "<>", "<", ">=", "in", "like", "between", "isNull", "+", "div", "^", "%",
    "casei", "accenti", "property",
    "cloud", "datetime", "h3", "geometry", "s_intersects", "s_equals", "s_touches", "s_overlaps", "s_contains",
    "s_disjoint", "t_after", "t_meets",
    "interval", "date", "timestamp", "bbox", "type", "coordinates", "Polygon", "MultiPolygon", "LineString",
    "MultiPoint", "GeometryCollection",
)  # fmt: skip


@cache
def _rows() -> pa.RecordBatch:
    """Twelve rows with the columns that filters read, some without values."""
    boxes = [shapely.box(x, y, x + 1, y + 1) for x in (-180, -4, 0, 179) for y in (-90, 41, 89)]
    sides = [each.bounds for each in boxes]
    numbers = pa.array([None if at % 4 == 0 else at / 12 for at in range(12)], pa.float64())
    texts = pa.array([None if at % 5 == 0 else ("naip", "S2A é", "rgb")[at % 3] for at in range(12)])
    times = pa.array([None if at % 6 == 0 else at * 10**15 for at in range(12)], pa.timestamp("us", tz="UTC"))
    return pa.record_batch({
        "footprint": pa.array(shapely.to_wkb(boxes).tolist(), pa.binary()),
        **{name: pa.array([side[at] for side in sides]) for at, name in enumerate(("west", "south", "east", "north"))},
        "h3": pa.array([None, *(0x8C390CA1CA5E1FF + at for at in range(11))], pa.uint64()), "datetime": times,
    } | dict.fromkeys(("sensor", "collection", "label", "tile_id", "scene_id", "encoding", "crs", "href"), texts)
      | dict.fromkeys(("cloud", "valid", "gsd", "row", "col", "lon", "lat"), numbers))  # fmt: skip


def _filter(value: Any) -> None:
    tree = parse_filter(value)
    pushed_down(tree)
    if set(columns_of(tree)) <= set(_rows().schema.names):
        matching(tree, _rows())


def _text(data: bytes) -> str:
    """What a request or a command line makes of bytes that are no UTF-8 is not a reader's matter."""
    return data.decode("utf-8", "replace")


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise InputError("not JSON, which the caller has checked") from None


def _json_filter(data: bytes) -> None:
    """As text where it does not parse, as a mapping where it does: both ways in are used."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        _filter(_text(data))
        return
    _filter(document if isinstance(document, dict) else _text(data))


def _area(data: bytes) -> None:
    cells_of(parse_geometry(placed("area.geojson", data)))


_SHORT = (
    b"date 2021-06-01/..", b"date 2021-06-01T00:00:00Z/2021-07-01T00:00:00+02:00", b"instant 2021-06-01T00:00:00.123Z",
    b"bbox -3.9,40.2,-3.5,40.6", b"bbox 170,-10,-170,10", b"cell 8c390ca1ca5e1ff", b"pattern MSIL2A_%Y%m%dT%H%M%S",
    b"collection my.archive-1",
    b"near 47.8,16.8", b"sensor sentinel-1-rtc/db",
)  # fmt: skip
_NAME = "S2A_MSIL2A_20210601T102031_2021_06_01_" * 3


def _short(data: bytes) -> None:
    """Values of options and parameters; the first word says which."""
    kind, _, text = _text(data).partition(" ")
    known: dict[str, Callable[[str], object]] = {
        "date": parse_interval, "instant": parse_instant, "bbox": parse_bbox, "cell": parse_cell,
        "pattern": lambda given: NamePattern(given).find(_NAME),
        "collection": lambda given: SourceOptions(collection=given),
        "near": lambda given: SearchRequest.build(text="x", near=given, radius_km=5), "sensor": load_sensor,
    }  # fmt: skip
    known.get(kind, parse_instant)(text)


_REQUESTS: tuple[dict[str, Any], ...] = (
    {"text": "a river", "k": 5, "bbox": [-4, 40, -3, 41], "datetime": "2021-01-01/..", "sensor": ["naip"],
    "max_cloud": 20, "min_valid": 0.5},
    {"vector": [0.1] * 8, "near": [47.8, 16.8], "radius_km": 10, "within": _AREA, "filter": _CQL2_JSON[0],
    "min_score": 0.1},
    {"query": [{"text": "a", "weight": 2}, {"vector": [1, 0]}, {"like": "a"}, {"point": [16.8, 47.8], "weight": -1}],
    "plus": ["a"], "minus": ["b"],
     "h3": ["85390ca3fffffff"], "prompts": ["{}", "a {}"], "expand": "auto", "label": "x", "collection": "y"},
)  # fmt: skip
_FIELDS = tuple({key for request in _REQUESTS for key in request} | {"weight", "point", "exact", "explain", "like"})


_ARGUMENTS = frozenset(signature(SearchRequest.build).parameters) - {"image"}


def _request(data: bytes) -> None:
    document = _json(data)
    # An image or an area as text would be taken for a path, which no front passes on.
    if not isinstance(document, dict) or not set(document) <= _ARGUMENTS or isinstance(document.get("within"), str):
        raise InputError("no arguments of a search")
    SearchRequest.build(**document)


_GEOJSON = (
    {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"name": "Lake", "text": "A lake.", "date": "2021-06", "radius_km": 3,
        "aliases": ["See", "Lago"]},
         "geometry": {"type": "Point", "coordinates": [16.8, 47.8]}},
        {"type": "Feature", "properties": {"title": "Area", "population": 12, "nested": {"a": [1]}},
        "geometry": _TURNING},
        {"type": "Feature", "properties": {"name": "River"}, "geometry": {"type": "LineString", "coordinates": [[16,
        47], [17, 48], [181, 49]]}},
        {"type": "Feature", "properties": {"name": "No place"}, "geometry": None},
    ]},
    {"type": "Feature", "properties": {"name": "Islands", "text": "x"}, "geometry": {"type": "MultiPolygon",
    "coordinates": [_AREA["coordinates"]]}},
)  # fmt: skip
_CSV = (
    b"name,text,lat,lon,date,radius_km,aliases\n"
    b'Lake,"A lake, quoted ""so""",47.8,16.8,2021-06-01,3,See;Lago\nCity,x,48.2,16.4,2021,,\n',
    b"title;description;wkt\n"
    b"Area;text;POLYGON ((-4 41, -3 41, -3 42, -4 42, -4 41))\nLine;b;LINESTRING (170 1, 190 2)\n",
)
_MARKDOWN = (
    b"---\ntitle: Wetlands\nlat: 47.8\nlon: 16.8\naliases: [See, Lago]\n"
    b"date: 2021-06-01\nradius_km: 5\n---\n"
    b"# Lake\n\nText of it.\n\n## North\nlat: 47.9\nlon: 16.8\n\nMore.\n",
    b"Heading\n=======\n\nText with `code`.\n\n```\n# not a heading\n```\n\n"
    b"### Deep ###\nwkt: POINT (1 2)\n\n- item\n- item\n\n| a | b |\n|---|---|\n",
)
_COLUMNS = (
    "name",
    "text",
    "lat",
    "lon",
    "wkt",
    "date",
    "radius_km",
    "aliases",
    "POLYGON",
    "POINT (1 2)",
    "EMPTY",
    "POINT (nan nan)",
    "181",
    "91",
    "---",
    "2021-13",
    '"',
)


def _length(texts: Sequence[str]) -> list[int]:
    """About as many tokens as a tokenizer finds."""
    return [len(text) // 4 + 1 for text in texts]


def _knowledge(ending: str) -> Callable[[bytes], str | None]:
    def read(data: bytes) -> str | None:
        found = read_file(placed(f"knowledge{ending}", data))
        for entry in found.entries[:200]:
            pieces(entry.text, _length, 200)
            if entry.geometry is not None:
                cells_of(extent(entry.geometry, entry.radius_km))
        return "BadEntry" if found.bad else None

    return read


_NOTES = (
    b'{"image": "a.jpg", "label": "forest", "split": "train", "captions": ["A forest.", "Trees."]}\n'
    b'{"file_name": "b/c.png", "text": "A river."}\n',
)


def _captions(data: bytes) -> str | None:
    path = placed("notes/captions.jsonl", data)
    bad = read_notes(path.parent, SourceOptions().settings)[1]
    return "BadScene(SceneError)" if bad else None


def _dumped(*documents: Any) -> Callable[[], list[bytes]]:
    return lambda: [json.dumps(each).encode() for each in documents]


TARGETS = (
    Target(name="cql2-text", kind="text", seeds=lambda: list(_CQL2), read=lambda data: _filter(_text(data)),
        words=_CQL2_WORDS, share=10_000),
    Target(name="cql2-json", kind="json", seeds=_dumped(*_CQL2_JSON), read=_json_filter, words=_OPERATORS, share=8_000),
    Target(name="geojson-area", kind="json", seeds=_dumped(_AREA, _TURNING, {"type": "FeatureCollection",
        "features": [_GEOJSON[1], {"type": "Feature", "geometry": _TURNING}]}), read=_area, words=_OPERATORS,
        share=6_000),
    Target(name="options", kind="text", seeds=lambda: list(_SHORT), read=_short, words=("..", "/", "%Y", "%j", "Z",
        "+23:59", "nan", "9" * 30), share=4_000),
    Target(name="search-request", kind="json", seeds=_dumped(*_REQUESTS), read=_request, words=_FIELDS, share=4_000),
    Target(name="knowledge-geojson", kind="json", seeds=_dumped(*_GEOJSON), read=_knowledge(".geojson"),
        words=(*_COLUMNS, *_OPERATORS[-8:]), share=4_000),
    Target(name="knowledge-csv", kind="text", seeds=lambda: list(_CSV), read=_knowledge(".csv"), words=_COLUMNS,
        share=4_000),
    Target(name="knowledge-markdown", kind="text", seeds=lambda: list(_MARKDOWN), read=_knowledge(".md"),
        words=_COLUMNS, share=4_000),
    Target(name="captions", kind="text", seeds=lambda: list(_NOTES), read=_captions, words=('"image"', '"split"',
        "..", "/etc", "\\u0000"), share=1_500),
)  # fmt: skip
