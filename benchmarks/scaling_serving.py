"""What an answer costs the server, by route: processor milliseconds, whatever else the machine does; and its memory."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil

from api._services import open_service
from benchmarks.scale import disk
from benchmarks.serve import Request, free_port, fresh, server
from benchmarks.serve_scale import Asked
from benchmarks.soak_watch import anonymous_bytes
from indexer.store import SEARCH

WARM_UP = 30
"""Requests of each route before anything is measured: they read what it needs from the disk."""

REQUESTS = 200
"""Requests of each route: the processor time of a process is told in steps of 10 ms."""

ROUTES = ("search, new words", "search, words and filters", "search, like a tile", "counts of a map",
          "counts of the page", "a tile", "a preview")  # fmt: skip
"""What is measured."""


def measure(index: Path) -> dict[str, Any]:
    """Serve an index and ask it, one request after another."""
    port = free_port()
    own = [sys.executable, "-m", "swath", "serve", "--index", str(index), "--port", str(port)]
    asked = Asked(open_service("measured", index))
    with (
        server(own, port, "/readyz") as (process, ready),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        costs = {route: _milliseconds(client, process, requests) for route, requests in _requests(asked).items()}
        tiles = client.get("/v1/index").json()["tiles"]
        return {
            "rows": tiles,
            "ready": ready,
            "milliseconds": costs,
            "own_memory": anonymous_bytes(process.pid),
            "resident": process.memory_info().rss,
            "table_bytes": disk(index / "tiles.lance"),
            "snapshot_bytes": disk(index / SEARCH),
        }


def _requests(asked: Asked) -> dict[str, Iterator[Request]]:
    def tile(path: str) -> Iterator[Request]:
        while True:
            yield "GET", f"/v1/tiles/{quote(asked.tile()['tile_id'], safe='')}{path}", None

    def like() -> Iterator[Request]:
        while True:
            yield "POST", "/v1/search", {"like": asked.tile()["tile_id"], "k": 10}

    made = (
        fresh(), asked.searches(), like(), asked.map_counts(), asked.page_counts(), tile(""), tile("/preview.webp"),
    )  # fmt: skip
    return dict(zip(ROUTES, made, strict=True))


def _milliseconds(client: httpx.Client, process: psutil.Process, requests: Iterator[Request]) -> float:
    for request in islice(requests, WARM_UP):
        _ask(client, request)
    before = _worked(process)
    for request in islice(requests, REQUESTS):
        _ask(client, request)
    return (_worked(process) - before) / REQUESTS * 1000


def _ask(client: httpx.Client, request: Request) -> None:
    method, path, body = request
    client.request(method, path, json=body).raise_for_status()


def _worked(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measure, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    print(json.dumps(measure(parser.parse_args().index)))  # noqa: T201


if __name__ == "__main__":
    main()
