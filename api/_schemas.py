"""The JSON a client sends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_TERMS = 20
"""Most terms of one query: each text is encoded, each point looked up."""

MAX_MARKS = 100
"""Most tiles marked plus, or minus."""

MAX_PICTURE_TEXT = 48 * 2**20
"""Most characters of a picture written as a data URI; the body's own limit is smaller or about as large."""

TileId = Annotated[str, Field(max_length=1000)]

_SUBJECTS = ("text", "like", "point", "picture")


class Term(BaseModel):
    """One part of a query: exactly one of text, like, point and picture, and how much it counts."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    text: Annotated[str | None, Field(max_length=2000, description="Words.")] = None
    like: Annotated[TileId | None, Field(description="A tile id; that tile is left out.")] = None
    point: Annotated[
        list[float] | None,
        Field(min_length=2, max_length=2, description="lon, lat: the tiles there, or the nearest; they are left out."),
    ] = None
    picture: Annotated[
        int | Annotated[str, Field(max_length=MAX_PICTURE_TEXT)] | None,
        Field(description="Number of an uploaded part from 0, a token of an earlier answer, or a data URI."),
    ] = None
    weight: Annotated[float, Field(ge=-100, le=100, description="How much it counts; a negative subtracts.")] = 1.0

    @model_validator(mode="after")
    def _one_subject(self) -> Term:
        given = [name for name in _SUBJECTS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"each term needs exactly one of {', '.join(_SUBJECTS)}, got {' and '.join(given) or 'none'}"
            )
        return self


class FilterBody(BaseModel):
    """Which index, and the filters that a tile must pass: the part that searches, counts and questions share."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    index: Annotated[str | None, Field(max_length=200, description="Which index; the server's first by default.")] = (
        None
    )
    bbox: Annotated[list[float] | None, Field(min_length=4, max_length=4, description="W, S, E, N in degrees.")] = None
    within: Annotated[dict[str, Any] | None, Field(description="GeoJSON Polygon or MultiPolygon, lon, lat.")] = None
    near: Annotated[list[float] | None, Field(min_length=2, max_length=2, description="lat, lon.")] = None
    radius_km: Annotated[float | None, Field(gt=0, description="Distance from near.")] = None
    h3: Annotated[list[str] | None, Field(max_length=10_000, description="Cells the tile's centre must lie in.")] = None
    datetime: Annotated[str | None, Field(max_length=100, description="RFC 3339 interval A/B; .. is open.")] = None
    sensor: Annotated[list[str] | None, Field(max_length=100)] = None
    collection: Annotated[list[str] | None, Field(max_length=100)] = None
    label: Annotated[list[str] | None, Field(max_length=100)] = None
    max_cloud: Annotated[float | None, Field(ge=0, le=100, description="Percent.")] = None
    min_valid: Annotated[float | None, Field(ge=0, le=1, description="Fraction.")] = None
    filter: Annotated[str | dict[str, Any] | None, Field(description="CQL2 text or JSON.")] = None


class SearchBody(FilterBody):
    """A search: one of text, like, vector and query, marks that refine it, and any filters."""

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {"text": "a harbour with ships", "k": 5, "bbox": [9.0, 44.2, 9.4, 44.5], "datetime": "2023-01-01/.."},
                {
                    "query": [{"text": "farmland"}, {"text": "flood", "weight": 0.5}, {"text": "snow", "weight": -0.5}],
                    "sensor": ["sentinel-2-l2a"],
                    "max_cloud": 20,
                },
            ]
        },
    )

    text: Annotated[str | None, Field(max_length=2000, description="What to look for, in words.")] = None
    like: Annotated[TileId | None, Field(description="A tile id; that tile is left out.")] = None
    vector: Annotated[list[float] | None, Field(max_length=8192, description="A vector of the index's space.")] = None
    query: Annotated[
        list[Term] | None, Field(min_length=1, max_length=MAX_TERMS, description="Weighted terms, added up.")
    ] = None
    plus: Annotated[list[TileId] | None, Field(max_length=MAX_MARKS, description="Tiles marked as right.")] = None
    minus: Annotated[
        list[TileId] | None, Field(max_length=MAX_MARKS, description="Tiles marked as wrong; they are left out.")
    ] = None
    image_sensor: Annotated[
        str | None, Field(max_length=100, description="Sensor of GeoTIFF pictures, e.g. sentinel-1-rtc/db.")
    ] = None
    k: Annotated[int, Field(ge=1, le=10_000, description="Hits wanted, a page.")] = 10
    cursor: Annotated[str | None, Field(max_length=500, description="`next` of the page before.")] = None
    prompts: Annotated[
        Literal["auto"] | list[Annotated[str, Field(max_length=200)]] | None,
        Field(max_length=20, description="How short texts are worded: auto, null as typed, or templates with {}."),
    ] = "auto"
    expand: Annotated[
        bool | Literal["auto"], Field(description="Synonyms: auto where a class is named, true, or false.")
    ] = "auto"
    calibrated: Annotated[
        bool | Literal["auto"], Field(description="Rank by probability: auto where the index is calibrated.")
    ] = "auto"
    min_score: Annotated[float | None, Field(ge=-1, le=1, description="Least cosine of a hit.")] = None
    min_probability: Annotated[float | None, Field(ge=0, le=1, description="Least probability of a hit.")] = None
    exact: Annotated[bool, Field(description="Answer as if every tile were compared, whatever it costs.")] = False
    explain: Annotated[bool, Field(description="Say in `why.engine` how the search was answered.")] = False
    fields: Annotated[
        list[Annotated[str, Field(max_length=50)]] | None,
        Field(max_length=50, description="Fields wanted of a hit, or unwanted with a minus: -preview."),
    ] = None
