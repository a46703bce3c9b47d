"""The JSON of facets: what is asked, and what comes back."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api._schemas import SearchBody
from retriever import FacetRequest

_CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)

Bins = Annotated[int, Field(ge=1, le=1000, description="Bins of equal width.")]
Resolution = Annotated[int, Field(ge=0, le=12, description="H3 resolution of the cells.")]
Best = Annotated[bool, Field(description="Whether cells have their best score, which reads every vector.")]


class TimeFacet(BaseModel):
    """A histogram from the first date to the last."""

    model_config = _CLOSED

    bins: Bins = 60


class CellFacet(BaseModel):
    """Tiles by the H3 cell of their centre."""

    model_config = _CLOSED

    resolution: Resolution = 3
    best: Best = True


class CloudFacet(BaseModel):
    """A histogram of the cloudy fraction."""

    model_config = _CLOSED

    bins: Bins = 10


class NameFacet(BaseModel):
    """Tiles of each name, the most frequent first."""

    model_config = _CLOSED


class FacetsWanted(BaseModel):
    """Facets that are wanted; those left out are not counted."""

    model_config = _CLOSED

    time: TimeFacet | None = None
    h3: CellFacet | None = None
    cloud: CloudFacet | None = None
    sensor: NameFacet | None = None
    collection: NameFacet | None = None
    label: NameFacet | None = None

    def request(self) -> FacetRequest:
        """Return it for the retriever.

        Raises:
            QueryError: Nothing is wanted.
        """
        return FacetRequest(
            time=None if self.time is None else self.time.bins,
            h3=None if self.h3 is None else self.h3.resolution,
            best=self.h3 is None or self.h3.best,
            cloud=None if self.cloud is None else self.cloud.bins,
            sensor=self.sensor is not None,
            collection=self.collection is not None,
            label=self.label is not None,
        )


USUAL = FacetsWanted(time=TimeFacet(), cloud=CloudFacet(), sensor=NameFacet(), collection=NameFacet())
"""What is counted where nothing is named: all that reads no vectors and is short."""


class FacetsBody(SearchBody):
    """A search, of which all that matches is counted. Without a question all tiles that pass the filters are."""

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {"bbox": [9.0, 44.2, 9.4, 44.5], "facets": {"time": {"bins": 60}, "sensor": {}, "cloud": {"bins": 10}}},
                {"text": "a harbour with ships", "min_score": 0.1, "facets": {"h3": {"resolution": 3}}},
            ]
        },
    )

    facets: Annotated[FacetsWanted, Field(description="What to count.")] = USUAL


class TimeBin(BaseModel):
    """Tiles from ``start`` up to, but in the last bin with, ``end``."""

    start: str = Field(description="RFC 3339, UTC.")
    end: str = Field(description="RFC 3339, UTC.")
    count: int


class CloudBin(BaseModel):
    """Tiles from ``start`` up to, but in the last bin with, ``end``."""

    start: float = Field(description="Fraction.")
    end: float = Field(description="Fraction.")
    count: int


class Cell(BaseModel):
    """Tiles whose centre lies in the cell."""

    cell: str = Field(description="H3 cell in hexadecimal.")
    count: int
    best: float | None = Field(description="Highest score in the cell; null where nothing was searched for.")


class Name(BaseModel):
    """Tiles of one name."""

    name: str
    count: int


class FacetsAnswer(BaseModel):
    """What was counted. Facets that were not asked for are absent; each sums to ``matched`` with its remainders."""

    matched: int = Field(description="Exact number of tiles counted.")
    time: list[TimeBin] | None = None
    h3: list[Cell] | None = None
    cloud: list[CloudBin] | None = None
    sensor: list[Name] | None = None
    collection: list[Name] | None = None
    label: list[Name] | None = None
    unknown: dict[str, int] = Field(description="Facet to tiles without a date, place, cloud or label.")
    other: dict[str, int] = Field(description="Facet to tiles of names too rare to be listed.")
