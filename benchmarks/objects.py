"""What a query of an index in a bucket costs, cold and warm, beside the same index in a folder.

Serves a bucket with moto's server in a process of its own on this machine, so a request costs its handling and no
network; requests are counted, and each costs a round trip more against a real store. Vectors are synthetic.

Run: ``python -m benchmarks.objects [--rows 50000]``.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.search import SPACE
from benchmarks.watches import GROUP, scenes
from indexer import Store
from retriever import Searcher, SearchRequest
from retriever.engine import optimize

WARM = 50
"""Queries of which the median is told."""
BUCKET = "s3://swath-bench"


def main() -> None:
    """Fill an index in a folder and one in a bucket, and ask both from processes of their own."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rows", type=int, default=50_000)
    given.add_argument("--ask", help=argparse.SUPPRESS)
    options = given.parse_args()
    if options.ask:
        ask(options.ask)
        return
    with tempfile.TemporaryDirectory() as work, _bucket(Path(work)) as log:
        for place in (f"{work}/index", f"{BUCKET}/index"):
            _measure(place, Path(work), log, options.rows)


def _measure(place: str, work: Path, log: Path, rows: int) -> None:
    os.environ["SWATH_INDEX_CACHE"] = str(work / "builder")
    started, asked = time.perf_counter(), _requests(log)
    store, rng = Store.create_or_open(place, space=SPACE), np.random.default_rng(5)
    for start in range(0, rows, GROUP):
        store.commit(list(scenes(start, min(GROUP, rows - start), rng)))
    _say(place, "filled", time.perf_counter() - started, _requests(log) - asked)
    # Each fresh cache is another machine; the second process on it finds what the first left there.
    _asked(place, "no search snapshot", work / "flat", log)
    started, asked = time.perf_counter(), _requests(log)
    size = optimize(store).bytes
    _say(place, f"optimized ({size / 1e6:.0f} MB)", time.perf_counter() - started, _requests(log) - asked)
    _asked(place, "search snapshot, first process on a machine", work / "other", log)
    _asked(place, "search snapshot, later process", work / "other", log)


def _asked(place: str, state: str, cache: Path, log: Path) -> None:
    environment = os.environ | {"SWATH_INDEX_CACHE": str(cache)}
    asked = _requests(log)
    command = [sys.executable, "-m", "benchmarks.objects", "--ask", place]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - itself
    told = json.loads(done.stdout)
    told["requests_of_all"] = _requests(log) - asked
    sys.stdout.write(f"{place.split('/', maxsplit=1)[0] or 'folder':7} {state}: {json.dumps(told)}\n")


def ask(place: str) -> None:
    """Ask from a fresh process: the first query, which opens everything, and the median of later ones; ms."""
    rng = np.random.default_rng(9)
    vectors = rng.normal(size=(WARM + 1, SPACE.dim))
    started = time.perf_counter()
    searcher = Searcher(Store.open(place))
    _query(searcher, vectors[0])
    first = time.perf_counter() - started
    warm = [_query(searcher, vector) for vector in vectors[1:]]
    told = {"first_ms": first * 1e3, "warm_p50_ms": statistics.median(warm) * 1e3, "warm_max_ms": max(warm) * 1e3}
    sys.stdout.write(json.dumps({name: round(value, 1) for name, value in told.items()}))


def _query(searcher: Searcher, vector: np.ndarray) -> float:
    started = time.perf_counter()
    hits = searcher.search(SearchRequest.build(vector=vector.tolist(), k=10))
    assert len(hits) == 10  # noqa: S101 - a benchmark that finds nothing measures nothing
    return time.perf_counter() - started


@contextmanager
def _bucket(work: Path) -> Iterator[Path]:
    """Serve a bucket; yields the log of its requests, one a line."""
    import boto3

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint, log = f"http://127.0.0.1:{port}", work / "requests.log"
    os.environ |= {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with log.open("w") as sink:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=sink, stderr=sink)  # noqa: S603 - names no input
        try:
            client = boto3.client("s3", endpoint_url=endpoint)
            _until_it_answers(port)
            client.create_bucket(Bucket=BUCKET.removeprefix("s3://"))
            yield log
        finally:
            server.terminate()
            server.wait()


def _until_it_answers(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("moto's server does not start")


def _requests(log: Path) -> int:
    return sum('HTTP/1.1"' in line or "HTTP/1.1\x1b" in line for line in log.read_text().splitlines())


def _say(place: str, what: str, seconds: float, requests: int) -> None:
    sys.stdout.write(f"{place.split('/', maxsplit=1)[0] or 'folder':7} {what}: {seconds:.1f} s, {requests} requests\n")


if __name__ == "__main__":
    main()
