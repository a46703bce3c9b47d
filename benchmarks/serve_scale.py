"""The service over a large archive: every request has filters, and clients come in numbers.

Starts ``swath serve`` on an index of synthetic tiles (``benchmarks.scale``, or any whose encoder is installed) and asks
it from here: first one client alone, each search over HTTP and as a direct call of the same index in turns; then the
map's counts by H3 cell; then ``--clients`` of them for ``--seconds``, each sending its next request as soon as it has
its answer. Areas, times, sensors and clouds are drawn at random round tiles of the archive. The client shares the
machine, so its own time is in every figure. Run: ``python -m benchmarks.serve_scale INDEX [--out FILE.md]``.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fastapi
import httpx
import numpy as np
import uvicorn

from api._services import Service, open_service
from benchmarks.pages import machine, table
from benchmarks.serve import LIMIT_MS, WARM_UP, WORDS, Load, Request, free_port, load, server
from core import rfc3339
from retriever import SearchRequest

ASKED = 300
"""Requests of one client alone, of each kind."""

READY = 3.0
"""Seconds within which the server has to be ready."""

FACETS_MS = 200.0
"""Milliseconds within which the map's counts have to be there, at the median."""

RESOLUTION = 3
"""H3 resolution of the map's counts where a page shows a continent."""

SIZES = (0.05, 0.5, 3.0, 15.0)
"""Half the height of an area, in degrees: a town, a county, a country, a continent."""


class Asked:
    """Requests with filters, drawn at random round tiles of the archive.

    Args:
        service: The index.
        seed: The same seed draws the same requests.
    """

    def __init__(self, service: Service, seed: int = 5) -> None:
        self._rng = np.random.default_rng(seed)
        rows = service.store.snapshot()
        columns = ["tile_id", "lon", "lat", "datetime", "sensor"]
        batches = [batch.slice(0, 8) for batch in rows.scan(columns)]
        self._tiles: list[dict[str, Any]] = [
            tile for batch in batches for tile in batch.to_pylist() if tile["lon"] is not None
        ]

    def tile(self) -> dict[str, Any]:
        """Return some tile: id, lon, lat, datetime and sensor."""
        return self._tiles[int(self._rng.integers(len(self._tiles)))]

    def search(self) -> dict[str, Any]:
        """Return the body of a search."""
        words = WORDS[int(self._rng.integers(len(WORDS)))]
        return {"text": words, "k": int(self._rng.choice([10, 10, 10, 50])), **self.filters()}

    def filters(self) -> dict[str, Any]:
        """Return none, one or several filters that some tile passes."""
        tile = self.tile()
        chosen = self._rng.random(5) < (0.6, 0.4, 0.3, 0.2, 0.1)
        every: tuple[dict[str, Any], ...] = (
            self._area(tile),
            self._time(tile),
            {"sensor": [tile["sensor"]]},
            {"max_cloud": 30.0},
            {"filter": "gsd <= 10 AND valid > 0.5"},
        )
        kept = (each for wanted, each in zip(chosen, every, strict=True) if wanted)
        return {name: value for each in kept for name, value in each.items()}

    def _area(self, tile: dict[str, Any]) -> dict[str, Any]:
        half = float(self._rng.choice(SIZES))
        west, east = max(tile["lon"] - half, -180.0), min(tile["lon"] + half, 180.0)
        return {"bbox": [west, max(tile["lat"] - half, -90.0), east, min(tile["lat"] + half, 90.0)]}

    def _time(self, tile: dict[str, Any]) -> dict[str, Any]:
        if tile["datetime"] is None:
            return {}
        days = timedelta(days=int(self._rng.choice([1, 30, 365])))
        return {"datetime": f"{rfc3339(tile['datetime'] - days)}/{rfc3339(tile['datetime'] + days)}"}

    def searches(self) -> Iterator[Request]:
        """Yield searches."""
        while True:
            yield "POST", "/v1/search", self.search()

    def map_counts(self) -> Iterator[Request]:
        """Yield counts of matches by H3 cell."""
        while True:
            yield "POST", "/v1/facets", {**self.filters(), "facets": {"h3": {"resolution": RESOLUTION, "best": False}}}

    def page_counts(self) -> Iterator[Request]:
        """Yield what the page asks for beside a search: all its counts, with the best score of each cell."""
        wanted: dict[str, Any] = {"time": {"bins": 60}, "sensor": {}, "collection": {}, "cloud": {"bins": 10}}
        while True:
            body = self.search()
            body.pop("k")
            yield "POST", "/v1/facets", {**body, "facets": {**wanted, "h3": {"resolution": RESOLUTION}}}

    def page(self) -> Iterator[Request]:
        """Yield what a page asks for: searches above all, counts, tiles, previews, now and then an export."""
        searches, counts, more = self.searches(), self.map_counts(), self.page_counts()
        while True:
            tile = quote(self.tile()["tile_id"], safe="")
            yield from islice(searches, 5)
            yield next(counts)
            yield "GET", f"/v1/tiles/{tile}", None
            yield "GET", f"/v1/tiles/{tile}/preview.webp", None
            yield next(more)
            yield "GET", f"/v1/export?format=geojson&q={quote(WORDS[0])}&k=50", None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run."""

    service: Service
    """The index that was served."""
    ready: float
    """Seconds from the start of the server to its being ready."""
    direct: list[float]
    """Milliseconds of searches in this process."""
    over_http: list[float]
    """Milliseconds of the same over HTTP."""
    facets: list[float]
    """Milliseconds of counts by H3 cell over HTTP."""
    page_facets: list[float]
    """Milliseconds of all counts of the page over HTTP, with the best scores."""
    load: Load
    """What many clients got."""
    clients: int
    """How many there were at once."""
    memory: tuple[float, float]
    """MB of resident memory before and after the load."""

    def alone(self) -> list[tuple[str, list[float]]]:
        """Return what one client alone got, each kind with its milliseconds."""
        return [
            ("direct call", self.direct),
            ("over HTTP", self.over_http),
            (f"counts by H3 cell, resolution {RESOLUTION}, over HTTP", self.facets),
            ("all counts of the page, with the best score of each cell", self.page_facets),
        ]

    def added(self) -> float:
        """Return the milliseconds that HTTP adds at the median."""
        return float(np.median(self.over_http) - np.median(self.direct))

    def shortfalls(self) -> list[str]:
        """Return what is not as it has to be."""
        found = [f"{often} x {problem}" for problem, often in self.load.failures.most_common(10)]
        found += [f"ready after {self.ready:.1f} s"] if self.ready >= READY else []
        found += [f"HTTP added {self.added():.1f} ms"] if self.added() >= LIMIT_MS else []
        counts = float(np.median(self.facets))
        return found + ([f"counts by cell took {counts:.0f} ms"] if counts >= FACETS_MS else [])


def measure(index: Path, *, clients: int, seconds: float) -> Measured:
    """Start the server and ask it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    own = [sys.executable, "-m", "swath", "serve", "--index", str(index), "--port", str(port)]
    with server(own, port, "/readyz") as (process, ready):
        service = open_service("large", index)
        asked = Asked(service)
        direct, over_http = _alone(url, service, asked)
        facets, page_facets = _times(url, asked.map_counts()), _times(url, asked.page_counts())
        before = process.memory_info().rss / 2**20
        found = asyncio.run(load("page", url, asked.page(), clients=clients, seconds=seconds))
        memory = before, process.memory_info().rss / 2**20
    return Measured(
        service=service,
        ready=ready,
        direct=direct,
        over_http=over_http,
        facets=facets,
        page_facets=page_facets,
        load=found,
        clients=clients,
        memory=memory,
    )


def _alone(url: str, service: Service, asked: Asked) -> tuple[list[float], list[float]]:
    """Milliseconds of the same searches here and over HTTP, in turns."""
    direct: list[float] = []
    over_http: list[float] = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for number in range(WARM_UP + ASKED):
            body = asked.search()
            start = time.perf_counter()
            service.searcher.search(SearchRequest.build(**body))
            between = time.perf_counter()
            client.post("/v1/search", json=body).raise_for_status()
            if number >= WARM_UP:
                direct.append((between - start) * 1000)
                over_http.append((time.perf_counter() - between) * 1000)
    return direct, over_http


def _times(url: str, requests: Iterator[Request]) -> list[float]:
    found: list[float] = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for method, path, body in islice(requests, WARM_UP + ASKED):
            start = time.perf_counter()
            client.request(method, path, json=body).raise_for_status()
            found.append((time.perf_counter() - start) * 1000)
    return found[WARM_UP:]


def report(run: Measured) -> str:
    """Return the page."""
    info = run.service.info()
    spread = [(name, *(f"{np.quantile(values, share):.1f}" for share in (0.5, 0.95))) for name, values in run.alone()]
    lines = [
        "# The service over a large archive",
        "",
        "Written by `python -m benchmarks.serve_scale`, which says how it measures. Client and server share the"
        " machine, so the client's own time is in every figure.",
        "",
        f"Machine: {machine()}; Python {platform.python_version()}, FastAPI {fastapi.__version__},"
        f" uvicorn {uvicorn.__version__}. Index: {info.tiles:,} tiles, {info.dim} dimensions, synthetic.",
        "",
        f"Ready after {run.ready:.1f} s. Resident memory {run.memory[0]:,.0f} MB before the load,"
        f" {run.memory[1]:,.0f} MB after; pages of the index that the system can drop are in it.",
        "",
        "## One client",
        "",
        f"{len(run.direct)} searches with filters drawn at random, k = 10 or 50, each in turns; and as many counts of"
        " each kind.",
        "",
        *table(("", "median ms", "p95 ms"), [*spread, ("**added by HTTP**", f"**{run.added():.1f}**", "")]),
        "",
        f"## {run.clients} clients at once",
        "",
        *table(
            ("", "seconds", "answers", "errors", "answers/s", "p50 ms", "p95 ms", "p99 ms"),
            [run.load.row()],
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("--seconds", type=float, default=120, help="how long many clients ask")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--out", type=Path, help="where to write the report, in Markdown")
    options = parser.parse_args()
    run = measure(options.index, clients=options.clients, seconds=options.seconds)
    text = report(run)
    print(text)  # noqa: T201
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    if short := run.shortfalls():
        sys.exit("; ".join(short))


if __name__ == "__main__":
    main()
