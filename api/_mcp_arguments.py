"""Arguments that several tools take, each with its limits and what it means."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

MAX_K = 50
"""Most tiles of an answer: about 100 tokens each."""

MAX_PREVIEWS = 16
"""Most previews of an answer; one of 128 pixels costs a model 20 to 100 tokens."""

MAX_SIDE = 1024
"""Largest picture, in pixels; models scale larger ones down."""

MAX_RADIUS_KM = 1000.0
"""Farthest that a tile may be from a place and still be near it."""


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str] | None, BeforeValidator(_several), Field(max_length=100)]
Index = Annotated[str | None, Field(max_length=200, description="Which index; leave out for the first.")]
When = Annotated[
    str | None,
    Field(max_length=100, description="RFC 3339 interval A/B, .. for an open end, e.g. 2021-06-01/..; or one day."),
]
Sensors = Annotated[Names, Field(description="Only these sensors; describe_index lists them.")]
Collections = Annotated[Names, Field(description="Only these collections; describe_index lists them.")]
Cloud = Annotated[float | None, Field(ge=0, le=100, description="Most cloud in percent; unknown cloud is left out.")]
Filter = Annotated[
    str | None,
    Field(max_length=4000, description="CQL2 text over the columns of describe_index, e.g. valid > 0.9 AND gsd <= 10."),
]
BBox = Annotated[
    list[float] | None,
    Field(min_length=4, max_length=4, description="West, south, east, north in degrees; the tile must touch it."),
]
TileId = Annotated[str, Field(min_length=1, max_length=1000, description="Id of a tile, from an earlier answer.")]
Lat = Annotated[float, Field(ge=-90, le=90, description="Latitude in degrees.")]
Lon = Annotated[float, Field(ge=-180, le=180, description="Longitude in degrees.")]
Previews = Annotated[
    int, Field(ge=0, le=MAX_PREVIEWS, description="How many of the tiles come with a small picture; 0 for none.")
]
