"""Watches: the searches that are kept with an index, and what they have found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api._services import Service, TheService
from core import rfc3339
from retriever.watches import Watch, Watches, WatchStatus, public_match, webhook_host

router = APIRouter(prefix="/v1/watches", tags=["watches"])


class WatchView(BaseModel):
    """One watch."""

    name: str
    about: dict[str, Any] | None = Field(description="What is looked for: text, image, like, vector, query, marks.")
    asked: dict[str, Any] | None = Field(description="Filters and thresholds, as a search takes them.")
    created: str | None = Field(description="RFC 3339.")
    to: str | None = Field(description="`file`, or the host of its webhook; null where matches are only kept here.")
    matches: int | None = Field(description="Matches so far.")
    waiting: int | None = Field(description="Matches that its file or webhook does not have yet.")
    ran: str | None = Field(description="Its last run, RFC 3339; null before the first.")
    problem: str | None = Field(description="What kept its last run from looking or delivering.")


class WatchesAnswer(BaseModel):
    """All watches of an index."""

    watches: list[WatchView]


class WatchMatches(BaseModel):
    """What a watch has found."""

    type: str = Field(description="FeatureCollection")
    watch: str
    features: list[dict[str, Any]] = Field(description="GeoJSON; `properties.number` rises by one.")
    last: int = Field(description="Number of the last of them: the `since` of the next request.")
    more: bool = Field(description="Whether there are more after it.")


@router.get("", response_model=WatchesAnswer)
def list_watches(service: TheService) -> JSONResponse:
    """Return the watches of an index, by name."""
    listed = _watches(service).listed()
    return JSONResponse({"watches": [_view(name, status, service) for name, status in listed]})


@router.get("/{name}/matches", response_model=WatchMatches)
def list_matches(
    service: TheService,
    name: Annotated[str, Path(max_length=64)],
    since: Annotated[int, Query(ge=0, lt=10**12, description="Number of the last match that is known.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JSONResponse:
    """Return what a watch has found after a number, in the order it was found."""
    found = _watches(service).matches(name, since=since, limit=limit + 1)
    features = [public_match(match) for match in found[:limit]]
    last = features[-1]["properties"]["number"] if features else since
    answer = {"type": "FeatureCollection", "watch": name, "features": features, "last": last}
    return JSONResponse(answer | {"more": len(found) > limit})


def _watches(service: Service) -> Watches:
    return Watches(service.store, service.searcher)


def _view(name: str, status: WatchStatus | str, service: Service) -> Mapping[str, Any]:
    if isinstance(status, str):
        return dict.fromkeys(WatchView.model_fields) | {"name": name, "problem": "it is damaged; see: swath watch list"}
    watch, progress = status.watch, status.progress
    host = None if watch.webhook is None else webhook_host(watch.webhook)
    return {
        "name": name,
        "about": dict(watch.about),
        "asked": dict(watch.asked),
        "created": rfc3339(watch.created),
        "to": "file" if watch.file is not None else host,
        "matches": status.matches,
        "waiting": status.waiting,
        "ran": None if progress.ran is None else rfc3339(progress.ran),
        "problem": None if progress.problem is None else _without_paths(progress.problem, watch, service),
    }


def _without_paths(problem: str, watch: Watch, service: Service) -> str:
    """Where things are on the server is nobody's business."""
    for path in (watch.file, service.path):
        problem = problem if path is None else problem.replace(str(path), path.name)
    return problem
