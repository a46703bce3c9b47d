"""The parameters of a GET as the body of a POST, so that there is one way to read both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from api.stac._query import read_geometry
from api.stac._requests import FieldsBody, SearchPost, SortBy
from core import QueryError


def split(text: str | None) -> list[str] | None:
    return [each.strip() for each in text.split(",")] if text else None


def posted(given: Mapping[str, Any], **names: list[str] | None) -> SearchPost:
    """The parameters of a GET as the body of a POST."""
    values = {name: value for name, value in given.items() if value is not None and name != "collection_id"}
    if "bbox" in values:
        values["bbox"] = _numbers(values["bbox"])
    if "intersects" in values:
        values["intersects"] = read_geometry(values["intersects"])
    if "filter_expr" in values:
        values.setdefault("filter_lang", "cql2-text")
    try:
        if "sortby" in values:
            values["sortby"] = [_sort_by(each) for each in split(values["sortby"]) or ()]
        if "fields" in values:
            values["fields"] = _fields_body(split(values["fields"]) or [])
    except ValidationError as error:
        raise QueryError(f"sortby and fields are names of properties: {error.errors()[0]['msg']}") from None
    return SearchPost.model_construct(**{**_DEFAULTS, **values, **names})


_DEFAULTS = dict.fromkeys(SearchPost.model_fields) | {"limit": 10, "fields": FieldsBody()}


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise QueryError(f"bbox {text!r} is not numbers; expected west,south,east,north in degrees") from None


def _sort_by(text: str) -> SortBy:
    return SortBy(field=text.lstrip("+- "), direction="desc" if text.startswith("-") else "asc")


def _fields_body(names: Sequence[str]) -> FieldsBody:
    return FieldsBody(
        include=[name.lstrip("+ ") for name in names if not name.startswith("-")],
        exclude=[name[1:] for name in names if name.startswith("-")],
    )
