"""The service under load: what HTTP adds to a search, and what many clients at once get, beside a bare FastAPI echo.

Starts ``swath serve`` and, on its own, an application that only returns the JSON it got; asks both from here with
httpx. First one client alone, HTTP and a direct call of the same index in turns; then ``--clients`` of them, each
sending its next request as soon as it has its answer: sentences that were asked before, sentences that are new, and
what a page asks for beside its searches. The client runs on the same machine, so its own time is in every figure, the
echo's as well. Run: ``python -m benchmarks.serve [--index DIR] [--seconds 120] [--clients 64] [--out FILE.md]``.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fastapi
import httpx
import psutil
import uvicorn

from api._services import Service, open_service
from benchmarks.pages import machine, table
from retriever import SearchRequest

WORDS = (
    "a harbour with ships", "a river", "farmland in squares", "a town beside a lake", "forest", "an airport",
    "a reservoir", "clouds over the sea", "a burnt slope", "a flooded field", "a mine", "a bridge", "snow on mountains",
    "greenhouses", "a stadium", "a solar farm", "a railway", "a beach", "a quarry", "a vineyard",
)  # fmt: skip
"""Sentences asked again and again."""

ALONE = 300
"""Searches of one client alone, of each kind."""

WARM_UP = 20
"""Requests before anything is measured."""

LIMIT_MS = 5.0
"""What HTTP may add at the median with one client."""

Request = tuple[str, str, Any]
"""Method, address and JSON body."""


@dataclass(kw_only=True)
class Load:
    """What many clients got."""

    name: str
    """What they asked for."""
    seconds: float = 0.0
    """From the first request to the last answer."""
    times: list[float] = field(default_factory=list)
    """Milliseconds of each answer."""
    failures: Counter[str] = field(default_factory=Counter)
    """What went wrong, by kind."""

    def row(self) -> tuple[str, ...]:
        """Return it as cells of a table."""
        times = sorted(self.times) or [float("nan")]
        spread = (times[int(len(times) * share)] for share in (0.5, 0.95, 0.99))
        return (
            self.name,
            f"{self.seconds:.0f}",
            f"{len(self.times):,}",
            f"{sum(self.failures.values()):,}",
            f"{len(self.times) / self.seconds:,.0f}",
            *(f"{value:,.0f}" for value in spread),
        )


def echo_app() -> fastapi.FastAPI:
    """Return an application that does nothing but read JSON and write it again."""
    app = fastapi.FastAPI()

    @app.post("/echo")
    def echo(body: dict[str, Any]) -> dict[str, Any]:
        return body

    return app


@contextmanager
def server(command: list[str], port: int, path: str) -> Iterator[tuple[psutil.Process, float]]:
    """Run a server until the block ends; give its process and the seconds it took to be ready."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stdout=log, stderr=log) as process:  # noqa: S603  # our own command
        try:
            _wait(process, f"http://127.0.0.1:{port}{path}")
            yield psutil.Process(process.pid), time.perf_counter() - started
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    while process.poll() is None:
        try:
            if httpx.get(url).status_code < 500:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise SystemExit(f"the server for {url} ended with {process.returncode}")


def free_port() -> int:
    """Return a port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def search(text: str) -> Request:
    """Return the request that the page sends for a sentence."""
    return "POST", "/v1/search", {"text": text, "k": 10}


def again() -> Iterator[Request]:
    """Yield sentences that were asked before."""
    return map(search, cycle(WORDS))


def fresh() -> Iterator[Request]:
    """Yield sentences that nobody asked before."""
    run = time.time_ns()
    return (search(f"{WORDS[number % len(WORDS)]} near place {run} {number}") for number in count())


def mixed(tile_ids: list[str]) -> Iterator[Request]:
    """Yield what a page asks for: searches old and new, counts, tiles, previews, an export now and then."""
    old, new, tiles = again(), fresh(), cycle(tile_ids)
    for number in count():
        tile = quote(next(tiles), safe="")
        facets: dict[str, Any] = {"time": {"bins": 60}, "sensor": {}, "cloud": {"bins": 10}}
        yield (
            next(old),
            next(new),
            ("GET", f"/v1/tiles/{tile}/preview.webp", None),
            ("POST", "/v1/facets", {"facets": facets}),
            ("GET", f"/v1/tiles/{tile}", None),
            ("GET", f"/v1/tiles/{tile}/preview.webp", None),
            ("GET", f"/v1/export?format=geojson&q={quote(WORDS[number % len(WORDS)])}&k=50", None),
        )[number % 7]


async def load(name: str, url: str, requests: Iterator[Request], *, clients: int, seconds: float) -> Load:
    """Send requests from many clients at once for a while."""
    found = Load(name=name)
    async with connected(url, clients) as client:
        for _ in range(WARM_UP):
            await _ask(client, next(requests))
        start = time.perf_counter()
        await asyncio.gather(*(_client(client, requests, start + seconds, found) for _ in range(clients)))
        found.seconds = time.perf_counter() - start
    return found


@asynccontextmanager
async def connected(url: str, clients: int) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that keeps one connection for each of many."""
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
        yield client


async def _client(client: httpx.AsyncClient, requests: Iterator[Request], end: float, found: Load) -> None:
    while (start := time.perf_counter()) < end:
        problem = await _ask(client, next(requests))
        if problem:
            found.failures[problem] += 1
        else:
            found.times.append((time.perf_counter() - start) * 1000)


async def _ask(client: httpx.AsyncClient, request: Request) -> str | None:
    """Return what went wrong, if anything."""
    method, path, body = request
    try:
        answer = await client.request(method, path, json=body)
    except httpx.HTTPError as error:
        return type(error).__name__
    return None if answer.status_code == 200 else f"{answer.status_code} {answer.text[:200]}"


def alone(url: str, echo_url: str, service: Service) -> dict[str, list[float]]:
    """Return milliseconds of a direct search, the same over HTTP, and the echo, asked in turns by one client."""
    times: dict[str, list[float]] = {name: [] for name in ("direct", "HTTP", "echo")}
    with httpx.Client(base_url=url, timeout=60) as client, httpx.Client(base_url=echo_url) as other:
        for number, (_, path, body) in zip(range(WARM_UP + ALONE), again(), strict=False):
            asked: dict[str, Callable[[], object]] = {
                "direct": partial(_direct, service, body),
                "HTTP": partial(client.post, path, json=body),
                "echo": partial(other.post, "/echo", json=body),
            }
            for name, ask in asked.items():
                start = time.perf_counter()
                answer = ask()
                spent = (time.perf_counter() - start) * 1000
                if isinstance(answer, httpx.Response):
                    answer.raise_for_status()
                if number >= WARM_UP:
                    times[name].append(spent)
    return times


def _direct(service: Service, body: dict[str, Any]) -> object:
    return service.searcher.search(SearchRequest.build(**body))


async def loads(url: str, echo_url: str, tile_ids: list[str], *, clients: int, seconds: float) -> list[Load]:
    """Put the service and the echo under load, one after the other; the service for ``seconds`` in all."""
    third = seconds / 3
    body: Request = ("POST", "/echo", search(WORDS[0])[2])
    return [
        await load("bare FastAPI echo", echo_url, cycle([body]), clients=clients, seconds=max(third / 2, 2)),
        await load("search, sentences asked before", url, again(), clients=clients, seconds=third),
        await load("search, new sentences", url, fresh(), clients=clients, seconds=third),
        await load("page: searches, counts, tiles, exports", url, mixed(tile_ids), clients=clients, seconds=third),
    ]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run."""

    service: Service
    """The index that was served."""
    clients: int
    """How many there were at once."""
    ready: float
    """Seconds from the start of the server to its being ready."""
    memory: tuple[float, float]
    """MB of resident memory before and after the load."""
    times: dict[str, list[float]]
    """Milliseconds of one client alone: direct, HTTP and echo."""
    loads: list[Load]
    """What many clients got."""

    def added(self) -> float:
        """Return the milliseconds that HTTP adds at the median."""
        return statistics.median(self.times["HTTP"]) - statistics.median(self.times["direct"])

    def failures(self) -> Counter[str]:
        """Return what went wrong, by kind."""
        return sum((load.failures for load in self.loads), Counter())


def report(run: Measured) -> str:
    """Return the page."""
    medians = {name: statistics.median(values) for name, values in run.times.items()}
    info = run.service.info()
    lines = [
        "# The service under load",
        "",
        "Written by `python -m benchmarks.serve`, which says how it measures. Client and servers share the machine, so"
        " the client's own time is in every figure, the echo's as well.",
        "",
        f"Machine: {machine()};"
        f" Python {platform.python_version()}, FastAPI {fastapi.__version__}, uvicorn {uvicorn.__version__}."
        f" Index: {info.tiles:,} tiles, {info.dim} dimensions, {info.encoder}.",
        "",
        "## One client",
        "",
        f"Median of {len(run.times['HTTP'])} searches of each kind, in turns, k = 10, sentences asked before.",
        "",
        *table(
            ("", "ms"),
            [
                ("direct call", f"{medians['direct']:.1f}"),
                ("over HTTP", f"{medians['HTTP']:.1f}"),
                ("**added by HTTP** (at most 5)", f"**{run.added():.1f}**"),
                ("bare FastAPI echo", f"{medians['echo']:.1f}"),
            ],
        ),
        "",
        f"## {run.clients} clients at once",
        "",
        *table(
            ("", "seconds", "answers", "errors", "answers/s", "p50 ms", "p95 ms", "p99 ms"),
            [load.row() for load in run.loads],
        ),
        "",
        f"Ready after {run.ready:.1f} s. Resident memory {run.memory[0]:,.0f} MB before the load,"
        f" {run.memory[1]:,.0f} MB after.",
        "",
    ]
    return "\n".join(lines)


def demo_index(into: Path) -> Path:
    """Make the demo's archive and index it."""
    import swath
    from demo import generate

    swath.index(str(generate(into / "archive").catalog), into=into / "index")
    return into / "index"


def measure(index: Path, *, clients: int, seconds: float) -> Measured:
    """Start both servers and ask them."""
    port, echo_port = free_port(), free_port()
    url, echo_url = (f"http://127.0.0.1:{each}" for each in (port, echo_port))
    own = [sys.executable, "-m", "swath", "serve", "--index", str(index), "--port", str(port)]
    bare = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.serve:echo_app", "--log-level", "warning"]
    with (
        server([*bare, "--port", str(echo_port)], echo_port, "/echo"),
        server(own, port, "/readyz") as (process, ready),
    ):
        service = open_service("demo", index)
        tile_ids = [hit.tile_id for hit in service.searcher.search(SearchRequest.build(text=WORDS[0], k=200))]
        times = alone(url, echo_url, service)
        before = process.memory_info().rss / 2**20
        found = asyncio.run(loads(url, echo_url, tile_ids, clients=clients, seconds=seconds))
        memory = before, process.memory_info().rss / 2**20
    return Measured(service=service, clients=clients, ready=ready, memory=memory, times=times, loads=found)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, help="index to serve; the demo's is made where none is given")
    parser.add_argument("--seconds", type=float, default=120, help="how long the service is under load in all")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--out", type=Path, help="where to write the report, in Markdown")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index = options.index or demo_index(Path(folder))
        run = measure(index, clients=options.clients, seconds=options.seconds)
        text = report(run)
    print(text)  # noqa: T201
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    for problem, often in run.failures().most_common(10):
        print(f"{often} x {problem}", file=sys.stderr)  # noqa: T201
    if run.failures() or run.added() >= LIMIT_MS:
        sys.exit(f"there were errors, or HTTP added {LIMIT_MS:g} ms or more")


if __name__ == "__main__":
    main()
