"""What the server does, in numbers: ``/metrics`` in the text format of Prometheus.

Each application has its own registry. Labels come from the description's routes and from fixed lists, never from a
request, so nobody can make their number grow.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Scope

from api._asgi import notes
from api._ask_metrics import ANSWERING, ANSWERS, STEPS
from api._index_metrics import IndexCollector
from api._process_metrics import add_process_metrics
from api._search_metrics import BATCHES, SECONDS, STAGES, WAITING
from api._services import Services
from retriever import RANKED
from retriever.rag import MODEL_OPEN, MODEL_REQUESTS, MODEL_SECONDS

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MCP = "/mcp"

_OF_THE_PROCESS = (
    STAGES,
    BATCHES,
    WAITING,
    RANKED,
    ANSWERS,
    STEPS,
    ANSWERING,
    MODEL_REQUESTS,
    MODEL_SECONDS,
    MODEL_OPEN,
)
"""Counted for the process, because encoders and models are shared by its servers."""

router = APIRouter(tags=["service"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Return counts and latencies since the start, in the text format of Prometheus."""
    found: Metrics = request.app.state.metrics
    return Response(found.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


class Metrics:
    """The numbers of one server.

    Args:
        services: Its indexes.
    """

    def __init__(self, services: Services) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        labels = ("method", "route")
        self._requests = Counter("swath_requests", "Requests answered.", (*labels, "status"), registry=registry)
        self._seconds = Histogram(
            "swath_request_seconds", "Seconds to the end of an answer.", labels, buckets=SECONDS, registry=registry
        )
        self._working = Gauge("swath_requests_in_progress", "Requests being answered.", registry=registry)
        self._refused = Counter("swath_refused", "Requests refused by a limit or a key.", ("code",), registry=registry)
        for each in _OF_THE_PROCESS:
            registry.register(each)
        registry.register(IndexCollector(services))
        add_process_metrics(registry)

    def begin(self) -> None:
        """Count a request that has come."""
        self._working.inc()

    def end(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = route_of(scope)
        self._working.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        if code := notes(scope).get("refused"):
            self._refused.labels(code).inc()

    def text(self) -> bytes:
        """Return all numbers as text."""
        return bytes(generate_latest(self._registry))


def route_of(scope: Scope) -> str:
    """Return a request's route as the description writes it; ``refused`` or ``unknown`` where it reached none."""
    route = scope.get("route")
    if route is not None and getattr(route, "path", None):
        return str(scope.get("root_path", "")) + str(route.path)
    known = notes(scope)
    if scope["path"] == _MCP:
        return _MCP
    return str(known.get("route") or ("refused" if "refused" in known else "unknown"))
