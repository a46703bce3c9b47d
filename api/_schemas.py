"""The JSON a client sends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class SearchBody(BaseModel):
    """A search: one of text, like and vector, and any filters."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "a harbour with ships", "k": 5, "bbox": [9.0, 44.2, 9.4, 44.5], "datetime": "2023-01-01/.."}
            ]
        },
    )

    text: Annotated[str | None, Field(max_length=2000, description="What to look for, in words.")] = None
    like: Annotated[str | None, Field(max_length=1000, description="A tile id; that tile is left out.")] = None
    vector: Annotated[list[float] | None, Field(max_length=8192, description="A vector of the index's space.")] = None
    k: Annotated[int, Field(ge=1, le=10_000, description="Hits wanted.")] = 10
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
    min_probability: Annotated[float | None, Field(ge=0, le=1, description="Least probability of a hit.")] = None
