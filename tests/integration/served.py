"""A server in a process of its own, watched from outside: what it answers, how soon, and how much memory it takes."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.integration.real import ROOT

_RUN = """
import json, sys, uvicorn
from pathlib import Path
from api import Limits, ServeConfig, create_app, server_options
given = json.loads(sys.argv[1])
keys = given.pop("api_keys", None)
config = ServeConfig(
    indexes={"archive": Path(given.pop("index"))},
    api_keys=Path(keys) if keys else None,
    limits=Limits(**given.pop("limits", {})),
    **{name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if name != "port"},
)
uvicorn.run(create_app(config), port=given["port"], **server_options())
"""


@dataclass
class Served:
    """One running server."""

    port: int
    process: psutil.Process
    log: Path
    warm: float = 0.0
    """Resident memory in MB when the test began."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rss(self) -> float:
        """Resident memory in MB."""
        return float(self.process.memory_info().rss) / 2**20

    @contextmanager
    def peak(self) -> Iterator[list[float]]:
        """Most resident memory inside the block beyond what it was before, in MB, as the only item of a list."""
        before, most, over = self.rss(), [0.0], threading.Event()

        def watch() -> None:
            while not over.wait(0.005):
                most[0] = max(most[0], self.rss() - before)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield most
        finally:
            over.set()
            watcher.join()

    def access_log(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["logger"] == "swath.access"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(command: list[str], port: int, log: Path) -> Iterator[Served]:
    """Run a server until the block ends; its output is in ``log``."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=ROOT) as process:
        try:
            _wait(process, port, log)
            yield Served(port=port, process=psutil.Process(process.pid), log=log)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def served_command(index: Path, log: Path, *options: str) -> Iterator[Served]:
    """Run ``swath serve`` as its user does."""
    port = free_port()
    command = [sys.executable, "-m", "swath", "serve", "--index", str(index), "--port", str(port), *options]
    with served(command, port, log) as found:
        yield found


@contextmanager
def served_with(index: Path, log: Path, **config: Any) -> Iterator[Served]:
    """Run a server with fields of ``ServeConfig`` that the test needs small."""
    port = free_port()
    given = json.dumps({"index": str(index), "port": port, **config})
    with served([sys.executable, "-c", _RUN, given], port, log) as found:
        yield found


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"no server after a minute:\n{log.read_text()}")
