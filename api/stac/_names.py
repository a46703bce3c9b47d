"""STAC property names and the columns behind them: filters, sort order, queryables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import FilterError, QueryError
from retriever import Order, cql2_json

_DEEPEST = 100
"""Levels of a filter that are renamed; the retriever refuses deeper ones as well."""

_DEFINITIONS = "https://schemas.stacspec.org/v1.0.0/item-spec/json-schema/"


_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=", "between", "in")
"""What stays true when both sides are divided by the same factor; sums do not."""


@dataclass(frozen=True, kw_only=True)
class Queryable:
    """One STAC name that filters and sort orders may use."""

    column: str
    """Column of the tile table."""
    schema: Mapping[str, Any]
    """JSON Schema of its values."""
    factor: float | None = None
    """The STAC value is the column's times this; None where they are the same."""
    sortable: bool = True
    """Whether items can be sorted by it."""


def _text(title: str) -> dict[str, Any]:
    return {"title": title, "type": "string"}


QUERYABLES: dict[str, Queryable] = {
    "id": Queryable(
        column="tile_id", schema={"$ref": f"{_DEFINITIONS}item.json#/definitions/core/allOf/2/properties/id"}
    ),
    "collection": Queryable(
        column="collection",
        schema={"$ref": f"{_DEFINITIONS}item.json#/definitions/core/allOf/2/then/properties/collection"},
    ),
    "geometry": Queryable(
        column="geometry",
        schema={"$ref": f"{_DEFINITIONS}item.json#/definitions/core/allOf/1/oneOf/0/properties/geometry"},
        sortable=False,
    ),
    "datetime": Queryable(column="datetime", schema={"$ref": f"{_DEFINITIONS}datetime.json#/properties/datetime"}),
    "eo:cloud_cover": Queryable(
        column="cloud",
        factor=100,
        schema={"title": "Cloud cover of the tile in percent", "type": "number", "minimum": 0, "maximum": 100},
    ),
    "gsd": Queryable(column="gsd", schema={"title": "Metres per pixel", "type": "number", "exclusiveMinimum": 0}),
    "proj:code": Queryable(column="crs", schema=_text("Coordinate system, e.g. EPSG:32632")),
    "swath:sensor": Queryable(column="sensor", schema=_text("Sensor of the tile")),
    "swath:scene": Queryable(column="scene_id", schema=_text("Scene the tile is cut from")),
    "swath:encoding": Queryable(column="encoding", schema=_text("How the sensor's numbers are stored")),
    "swath:label": Queryable(column="label", schema=_text("Class of the picture, where it came with one")),
    "swath:h3": Queryable(column="h3", schema=_text("H3 cell of resolution 12 of the tile's centre"), sortable=False),
    "swath:valid": Queryable(
        column="valid", schema={"title": "Fraction of valid pixels", "type": "number", "minimum": 0, "maximum": 1}
    ),
}
"""By STAC name. The plain column names are understood too."""


def renamed(value: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a CQL2 filter as CQL2 JSON over the tile table's columns.

    Raises:
        FilterError: It does not parse.
    """
    found = _renamed(cql2_json(value), 0)
    # A bare TRUE is a filter, and the retriever takes a mapping.
    result: Mapping[str, Any] = found if isinstance(found, Mapping) else {"op": "and", "args": [found]}
    return result


def _renamed(node: Any, level: int) -> Any:
    if level > _DEEPEST:
        raise FilterError(f"the filter is nested more than {_DEEPEST} levels deep")
    if isinstance(node, list):
        return [_renamed(each, level + 1) for each in node]
    if not isinstance(node, Mapping) or "type" in node:
        return node
    if "property" in node:
        return _scaled(str(node["property"]))
    if str(node.get("op")).lower() == "isnull":
        return {**node, "args": [_column(arg) for arg in node.get("args", ())]}
    if node.get("op") in _COMPARISONS and (factor := _common_factor(node.get("args"))) is not None:
        return {**node, "args": [_unscaled(arg, factor) for arg in node["args"]]}
    return {key: _renamed(value, level + 1) for key, value in node.items()}


def _common_factor(args: Any) -> float | None:
    """The factor of the one property that is compared with plain numbers, as in ``eo:cloud_cover <= 10``."""
    if not isinstance(args, list):
        return None
    names = [arg["property"] for arg in args if isinstance(arg, Mapping) and set(arg) == {"property"}]
    values = [arg for arg in args if not isinstance(arg, Mapping)]
    if len(names) != 1 or len(names) + len(values) != len(args) or not all(map(_is_number, _flat(values))):
        return None
    found = QUERYABLES.get(_bare(str(names[0])))
    return None if found is None else found.factor


def _flat(values: list[Any]) -> list[Any]:
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unscaled(arg: Any, factor: float) -> Any:
    """The same comparison in the column's own unit, which the table itself can check."""
    if isinstance(arg, list):
        return [each / factor for each in arg]
    return arg / factor if _is_number(arg) else _column(arg)


def _column(node: Any) -> Any:
    return {"property": _known(str(node["property"]))} if isinstance(node, Mapping) and "property" in node else node


def _scaled(name: str) -> dict[str, Any]:
    found = QUERYABLES.get(_bare(name))
    own = {"property": _known(name)}
    return own if found is None or found.factor is None else {"op": "*", "args": [own, found.factor]}


def _known(name: str) -> str:
    found = QUERYABLES.get(_bare(name))
    return _bare(name) if found is None else found.column


def _bare(name: str) -> str:
    return name.removeprefix("properties.")


def sort_order(fields: list[tuple[str, bool]]) -> Order:
    """Return the columns to sort by.

    Args:
        fields: STAC names, and whether they fall.

    Raises:
        QueryError: A name that items cannot be sorted by; the message lists those they can.
    """
    known = {name: each for name, each in QUERYABLES.items() if each.sortable}
    for name, _ in fields:
        if _bare(name) not in known:
            raise QueryError(f"items cannot be sorted by {name!r}; known are {', '.join(known)}")
    return [(known[_bare(name)].column, falls) for name, falls in fields]


def queryables(url: str, title: str, choices: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the queryables document.

    Args:
        url: Its own address.
        title: What it is about.
        choices: STAC name to the values there are.
    """
    properties = {
        name: {**each.schema, **({"enum": choices[name]} if name in choices else {})}
        for name, each in QUERYABLES.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "$id": url,
        "type": "object",
        "title": title,
        "description": "Names that filters may use; the columns of the tile table are understood as well.",
        "properties": properties,
        "additionalProperties": True,
    }
