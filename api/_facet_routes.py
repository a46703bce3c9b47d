"""Counts over all that matches: the histogram under the time slider, the density on the map, the filters' numbers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field

from api._facet_schemas import (
    USUAL,
    Best,
    Bins,
    CellFacet,
    CloudFacet,
    FacetsAnswer,
    FacetsBody,
    FacetsWanted,
    NameFacet,
    Resolution,
    TimeFacet,
)
from api._schemas import SearchBody
from api._search_asking import Asking, asking_of
from api._search_params import SearchParams
from api._services import Services, TheServices
from retriever import SearchRequest, facets, filters_only

router = APIRouter(prefix="/v1", tags=["search"])

_SUBJECTS = frozenset({"text", "like", "vector", "query", "plus", "minus"})
_NO_FILTERS = _SUBJECTS | {"index", "cursor", "fields", "k", "image_sensor"}


class FacetParams(SearchParams):
    """Query parameters of a search, and what to count."""

    facets: Annotated[
        list[str] | None,
        Field(
            max_length=20, description="Any of time, h3, cloud, sensor, collection, label: with commas, or repeated."
        ),
    ] = None
    time_bins: Bins = 60
    h3_resolution: Resolution = 3
    h3_best: Best = True
    cloud_bins: Bins = 10

    def wanted(self) -> FacetsWanted:
        """Return what to count.

        Raises:
            RequestValidationError: A facet that there is not.
        """
        if self.facets is None:
            return USUAL.model_copy(
                update={"time": TimeFacet(bins=self.time_bins), "cloud": CloudFacet(bins=self.cloud_bins)}
            )
        named = [name for each in self.facets for name in each.split(",") if name]
        if unknown := [name for name in named if name not in FacetsWanted.model_fields]:
            known = ", ".join(FacetsWanted.model_fields)
            message = f"no facet {unknown[0]!r}; known are {known}"
            raise RequestValidationError(
                [{"type": "value_error", "loc": ("query", "facets"), "msg": message, "input": unknown[0]}]
            )
        return FacetsWanted(**{name: self._facet(name) for name in named})

    def _facet(self, name: str) -> Any:
        made = {
            "time": TimeFacet(bins=self.time_bins),
            "h3": CellFacet(resolution=self.h3_resolution, best=self.h3_best),
            "cloud": CloudFacet(bins=self.cloud_bins),
        }
        return made.get(name, NameFacet())


@router.post("/facets", response_model=FacetsAnswer)
def count(
    body: FacetsBody,
    services: TheServices,
    index: Annotated[str | None, Query(max_length=200, description="Which index; the body's comes first.")] = None,
) -> JSONResponse:
    """Count the tiles that pass every filter, by date, place, cloud, sensor, collection and label.

    The body is that of a search with ``facets``. All tiles that pass the filters are counted, not the best k of them;
    with ``min_score`` or ``min_probability``, those that reach it. ``k``, ``cursor`` and ``fields`` do not matter.
    """
    return _answer(services, body if body.index else body.model_copy(update={"index": index}), body.facets)


@router.get("/facets", response_model=FacetsAnswer)
def count_by_link(params: Annotated[FacetParams, Query()], services: TheServices) -> JSONResponse:
    """Return what ``POST /v1/facets`` returns, by an address that can be shared."""
    return _answer(services, params.body(), params.wanted())


def _answer(services: Services, body: SearchBody, wanted: FacetsWanted) -> JSONResponse:
    service, counted = services.named(body.index), wanted.request()
    return JSONResponse(facets(service.searcher, _request(asking_of(service, body)), counted).to_dict())


def _request(asking: Asking) -> SearchRequest:
    body = asking.body
    if any(getattr(body, name) for name in _SUBJECTS):
        return asking.request(1)
    return filters_only(**{name: getattr(body, name) for name in SearchBody.model_fields if name not in _NO_FILTERS})
