"""What a STAC search may be asked, by GET and by POST. Nothing is believed yet: `api.stac._query` checks it."""

from typing import Annotated, Any, Literal

import attr
from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field
from stac_fastapi.types.search import APIRequest

MAX_PARAMETER = 1_000_000
"""Most characters of a parameter; an area of 10,000 vertices takes some 400,000."""

_LIMIT = "Most items of a page; the server may give fewer."
_BBOX = "west,south,east,north in degrees, or with heights west,south,low,east,north,high."
_DATETIME = "RFC 3339 instant, or A/B with .. for an open end."
_Q = "What to look for, in words. Semantic: tiles are ranked by how well they fit, none is left out."
_LIKE = "An item id: rank by likeness to it; the item itself is left out."
_SORT = "Property names, a minus for falling: -datetime,id."
_FIELDS = "Fields wanted of an item, or unwanted with a minus: id,geometry,-assets."
_LANG = "How the filter is written; cql2-text by GET and cql2-json by POST unless said."

Text = Annotated[str | None, Query(max_length=MAX_PARAMETER)]


@attr.s(auto_attribs=True)
class ItemsRequest(APIRequest):
    """Parameters of ``GET /collections/{collection_id}/items``."""

    collection_id: Annotated[str, Path(max_length=1000)] = attr.ib()
    bbox: Annotated[str | None, Query(max_length=1000, description=_BBOX)] = None
    datetime: Annotated[str | None, Query(max_length=200, description=_DATETIME)] = None
    limit: Annotated[int, Query(ge=1, description=_LIMIT)] = 10
    q: Annotated[list[str] | None, Query(max_length=20, description=_Q)] = None
    filter_expr: Annotated[str | None, Query(alias="filter", max_length=MAX_PARAMETER, description="CQL2.")] = None
    filter_lang: Annotated[Literal["cql2-text", "cql2-json"] | None, Query(alias="filter-lang", description=_LANG)] = (
        None
    )
    filter_crs: Annotated[str | None, Query(alias="filter-crs", max_length=200)] = None
    sortby: Annotated[str | None, Query(max_length=1000, description=_SORT)] = None
    fields: Annotated[str | None, Query(max_length=10_000, description=_FIELDS)] = None
    token: Annotated[str | None, Query(max_length=500, description="From a link rel=next.")] = None


@attr.s(auto_attribs=True)
class SearchGet(APIRequest):
    """Parameters of ``GET /search``."""

    collections: Annotated[str | None, Query(max_length=100_000, description="Ids, with commas between.")] = None
    ids: Annotated[str | None, Query(max_length=MAX_PARAMETER, description="Ids, with commas between.")] = None
    bbox: Annotated[str | None, Query(max_length=1000, description=_BBOX)] = None
    intersects: Annotated[str | None, Query(max_length=MAX_PARAMETER, description="GeoJSON geometry.")] = None
    datetime: Annotated[str | None, Query(max_length=200, description=_DATETIME)] = None
    limit: Annotated[int, Query(ge=1, description=_LIMIT)] = 10
    q: Annotated[list[str] | None, Query(max_length=20, description=_Q)] = None
    like: Annotated[str | None, Query(max_length=1000, description=_LIKE)] = None
    filter_expr: Annotated[str | None, Query(alias="filter", max_length=MAX_PARAMETER, description="CQL2.")] = None
    filter_lang: Annotated[Literal["cql2-text", "cql2-json"] | None, Query(alias="filter-lang", description=_LANG)] = (
        None
    )
    filter_crs: Annotated[str | None, Query(alias="filter-crs", max_length=200)] = None
    sortby: Annotated[str | None, Query(max_length=1000, description=_SORT)] = None
    fields: Annotated[str | None, Query(max_length=10_000, description=_FIELDS)] = None
    token: Annotated[str | None, Query(max_length=500, description="From a link rel=next.")] = None


class SortBy(BaseModel):
    """One property to sort by."""

    model_config = ConfigDict(extra="forbid")

    field: Annotated[str, Field(max_length=200)]
    direction: Literal["asc", "desc"] = "asc"


class FieldsBody(BaseModel):
    """Fields wanted and unwanted."""

    model_config = ConfigDict(extra="forbid")

    include: Annotated[list[Annotated[str, Field(max_length=200)]] | None, Field(max_length=100)] = None
    exclude: Annotated[list[Annotated[str, Field(max_length=200)]] | None, Field(max_length=100)] = None


class SearchPost(BaseModel):
    """Body of ``POST /search``. ``intersects`` stays a plain mapping so that its size is checked before it is read."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {"q": "a harbour with ships", "bbox": [9.0, 44.2, 9.4, 44.5], "limit": 5},
                {
                    "filter-lang": "cql2-json",
                    "filter": {"op": "<=", "args": [{"property": "eo:cloud_cover"}, 20]},
                    "sortby": [{"field": "datetime", "direction": "desc"}],
                },
            ]
        },
    )

    collections: Annotated[list[Annotated[str, Field(max_length=1000)]] | None, Field(max_length=1000)] = None
    ids: Annotated[list[Annotated[str, Field(max_length=1000)]] | None, Field(max_length=10_000)] = None
    bbox: Annotated[list[float] | None, Field(max_length=6, description=_BBOX)] = None
    intersects: Annotated[dict[str, Any] | None, Field(description="GeoJSON geometry.")] = None
    datetime: Annotated[str | None, Field(max_length=200, description=_DATETIME)] = None
    limit: Annotated[int, Field(ge=1, description=_LIMIT)] = 10
    q: Annotated[
        Annotated[str, Field(max_length=2000)] | list[Annotated[str, Field(max_length=2000)]] | None,
        Field(description=_Q),
    ] = None
    like: Annotated[str | None, Field(max_length=1000, description=_LIKE)] = None
    filter_expr: Annotated[dict[str, Any] | str | None, Field(alias="filter", description="CQL2.")] = None
    filter_lang: Annotated[Literal["cql2-text", "cql2-json"] | None, Field(alias="filter-lang", description=_LANG)] = (
        None
    )
    filter_crs: Annotated[str | None, Field(alias="filter-crs", max_length=200)] = None
    sortby: Annotated[list[SortBy] | None, Field(max_length=20)] = None
    fields: FieldsBody = FieldsBody()
    token: Annotated[str | None, Field(max_length=500, description="From a link rel=next.")] = None
