"""A search written as an address, to be shared as a link: the same names as in the body."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api._schemas import SearchBody

_LISTS = ("sensor", "collection", "h3", "plus", "minus", "fields")
"""Names split at commas; labels are not, since class names hold commas."""

_NUMBERS = ("bbox", "near")
_JSON = ("query", "within")
_SWITCHES = {"true": True, "false": False, "auto": "auto"}

Listed = Annotated[list[str] | None, Field(max_length=10_000, description="Several: with commas, or repeated.")]
Numbers = Annotated[str | None, Field(max_length=200)]
Switch = Annotated[str | None, Field(pattern="^(auto|true|false)$")]


class SearchParams(BaseModel):
    """Query parameters of a search."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    index: Annotated[str | None, Field(max_length=200, description="Which index; the server's first by default.")] = (
        None
    )
    text: Annotated[str | None, Field(max_length=2000, description="What to look for, in words.")] = None
    q: Annotated[str | None, Field(max_length=2000, description="The same as text.")] = None
    like: Annotated[str | None, Field(max_length=1000, description="A tile id.")] = None
    query: Annotated[
        str | None, Field(max_length=100_000, description='JSON: [{"text": "river"}, {"point": [9, 44], "weight": 2}].')
    ] = None
    plus: Listed = None
    minus: Listed = None
    image_sensor: Annotated[str | None, Field(max_length=100)] = None
    k: Annotated[int, Field(ge=1, le=10_000, description="Hits wanted, a page.")] = 10
    cursor: Annotated[str | None, Field(max_length=500, description="`next` of the page before.")] = None
    bbox: Annotated[Numbers, Field(description="W,S,E,N in degrees.", examples=["9,44.2,9.4,44.5"])] = None
    within: Annotated[str | None, Field(max_length=100_000, description="GeoJSON Polygon or MultiPolygon.")] = None
    near: Annotated[Numbers, Field(description="lat,lon.")] = None
    radius_km: Annotated[float | None, Field(gt=0, description="Distance from near.")] = None
    h3: Listed = None
    datetime: Annotated[str | None, Field(max_length=100, description="RFC 3339 interval A/B; .. is open.")] = None
    sensor: Listed = None
    collection: Listed = None
    label: Annotated[list[str] | None, Field(max_length=100, description="May be repeated.")] = None
    max_cloud: Annotated[float | None, Field(ge=0, le=100, description="Percent.")] = None
    min_valid: Annotated[float | None, Field(ge=0, le=1, description="Fraction.")] = None
    filter: Annotated[str | None, Field(max_length=100_000, description="CQL2 text, or JSON.")] = None
    prompts: Annotated[str | None, Field(pattern="^(auto|off)$", description="off: text as typed.")] = None
    expand: Switch = None
    calibrated: Switch = None
    min_score: Annotated[float | None, Field(ge=-1, le=1, description="Least cosine of a hit.")] = None
    min_probability: Annotated[float | None, Field(ge=0, le=1, description="Least probability of a hit.")] = None
    exact: Annotated[bool, Field(description="Answer as if every tile were compared, whatever it costs.")] = False
    explain: Annotated[bool, Field(description="Say in `why.engine` how the search was answered.")] = False
    fields: Listed = None
    previews: Annotated[str | None, Field(pattern="^(inline|link)$", description="inline: data URIs.")] = None

    def body(self) -> SearchBody:
        """Return the same search as a body.

        Raises:
            RequestValidationError: A value cannot be read; it names the parameter.
        """
        given = {name: getattr(self, name) for name in SearchParams.model_fields if name in self.model_fields_set}
        given.pop("previews", None)
        if (words := given.pop("q", None)) is not None:
            given.setdefault("text", words)
        return checked_body({name: _read(name, value) for name, value in given.items() if value is not None})


def checked_body(values: Any, kind: type[SearchBody] = SearchBody, where: str = "query") -> SearchBody:
    """Return JSON values as a checked body.

    Raises:
        RequestValidationError: They do not fit; the error names the field.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": (where, *one["loc"])} for one in error.errors()]) from None


def _read(name: str, value: Any) -> Any:
    if name in _LISTS:
        return [part for each in value for part in each.split(",") if part]
    if name in _NUMBERS:
        return value.split(",")
    if name in _JSON or (name == "filter" and value.lstrip().startswith("{")):
        return _from_json(name, value)
    if name == "prompts":
        return None if value == "off" else value
    return _SWITCHES[value] if name in ("expand", "calibrated") else value


def _from_json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        problem = {"type": "json_invalid", "loc": ("query", name), "msg": f"{name} is not JSON", "input": text[:200]}
        raise RequestValidationError([problem]) from None
