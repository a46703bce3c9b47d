"""The services of docker-compose.yml as processes of this machine: the very same commands, at other ports and paths."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests import compose_file

IMAGE_ENTRY = ["swath"]
"""What the image runs; tests/unit/test_image.py holds the Dockerfile to it."""

MACHINES = {"ray-head": "127.0.0.2", "ray-worker": "127.0.0.3", "ingest": "127.0.0.4"}
"""Loopback addresses that stand for containers; Ray takes 127.0.0.1 itself for the network card."""

PATIENCE_S = 180
"""Seconds that a service may take to be well, beside other work on the machine."""


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class LocalService:
    """Runs services of the compose file here.

    Args:
        folder: Where logs go, and what takes the place of volumes.
        settings: Variables of ``.env``, beside those that have no default.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.ports = {name: free_port() for name in ("store", "ray", "metrics", "api")}
        self.url = f"http://127.0.0.1:{self.ports['api']}"
        self.index, self.archive = folder / "index", folder / "archive"
        self.metrics = folder / "ingest.prom"
        self._folder = folder
        self._settings = dict(compose_file.SECRETS)
        # Ray's sockets lie there: the path must be short. All of our Ray's processes have it in their command line.
        self._ray = Path(tempfile.mkdtemp(prefix="sw-", dir="/tmp"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.store = f"http://127.0.0.1:{self.ports['store']}"
        self.services: dict[str, Any] = {}
        self.set(SWATH_STORE_URL=self.store, SWATH_WORKER_CPUS="2", **settings)

    def set(self, **settings: str) -> None:
        """Change ``.env``; what runs goes on as it was started."""
        self._settings = {**self._settings, **settings}
        self.services = compose_file.load(self._settings)["services"]

    def _here(self, words: Sequence[str], name: str) -> list[str]:
        """A command line with the addresses and paths of this machine in place of the containers'."""
        here = {
            "ray-head:6379": f"{MACHINES['ray-head']}:{self.ports['ray']}",
            "--port=6379": f"--port={self.ports['ray']}",
            # Each container has this port to itself.
            "--metrics-export-port=8080": f"--metrics-export-port={free_port()}",
            " --num-cpus=": f" --node-ip-address={MACHINES.get(name)} --num-cpus=",
            "127.0.0.1:8000": f"127.0.0.1:{self.ports['api']}",
            " --port 8000": f" --port {self.ports['api']}",
            " 0.0.0.0": " 127.0.0.1",
            "/archive": str(self.archive),
            " --into /index": f" --into {self.index}",
            "/metrics/": f"{self._folder}/",
            " --index /index": f" --index {self.index}",
        }
        text = "\0".join(words)
        for old, new in here.items():
            # In a script of one word there are spaces between words, in a list of words there is none.
            text = text.replace(old, new).replace(old.replace(" ", "\0"), new.replace(" ", "\0"))
        return text.split("\0")

    def own_environment(self, name: str) -> dict[str, str]:
        """The variables that the compose file gives a service."""
        service = self.services[name]
        return {variable: value for variable, value in service.get("environment", {}).items() if value is not None}

    def _environment(self, name: str) -> dict[str, str]:
        return {
            **os.environ,
            **self.own_environment(name),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(compose_file.ROOT),
            "RAY_TMPDIR": str(self._ray),
        }

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What ``docker compose run NAME ARGUMENTS`` runs, to its end."""
        service = self.services[name]
        words = [*service.get("entrypoint", IMAGE_ENTRY), *(arguments or service.get("command", []))]
        return subprocess.run(
            self._here(words, name), cwd=self._folder, env=self._environment(name), capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip

    def start(self, name: str) -> None:
        """What ``docker compose up --wait NAME`` starts; returns when its health check succeeds."""
        service = self.services[name]
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                self._here(compose_file.program(service, IMAGE_ENTRY), name), cwd=self._folder,
                env=self._environment(name), stdout=log, stderr=log,
            )  # fmt: skip
        self._processes[name] = process
        self.wait(lambda: process.poll() is not None or self.healthy(name), name)
        assert process.poll() is None, self.log(name)

    def wait(self, ready: Callable[[], bool], name: str) -> None:
        """Wait until something holds of a service; fail with what it has said where it takes too long."""
        end = time.monotonic() + PATIENCE_S
        while not ready():
            assert time.monotonic() < end, self.log(name)
            time.sleep(0.5)

    def start_store(self) -> None:
        """moto's server, in place of the one that needs an image of its own."""
        command = [
            str(Path(sys.executable).with_name("moto_server")),
            "-H",
            "127.0.0.1",
            "-p",
            str(self.ports["store"]),
        ]
        with (self._folder / "store.log").open("ab") as log:
            self._processes["store"] = subprocess.Popen(command, stdout=log, stderr=log)
        self.wait(lambda: _answers(self.ports["store"]), "store")

    def healthy(self, name: str) -> bool:
        """Whether a service's own health check succeeds."""
        service = self.services[name]
        kind, *test = service["healthcheck"]["test"]
        assert kind == "CMD"
        done = subprocess.run(
            self._here(test, name), env=self._environment(name), capture_output=True, timeout=60, check=False
        )
        return done.returncode == 0

    def log(self, name: str) -> str:
        """What a service has said."""
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def nodes(self) -> list[int]:
        """Process ids of the machines of our Ray cluster: one raylet is one machine."""
        return [process.pid for process in self._ray_processes() if process.name() == "raylet"]

    def _ray_processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                found += [process] * any(str(self._ray) in part for part in process.cmdline())
        return found

    def stop(self, name: str) -> None:
        """What ``docker compose stop NAME`` does."""
        process = self._processes[name]
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()

    def close(self) -> None:
        """End everything that was started."""
        for name in reversed(self._processes):
            self.stop(name)
        for left in self._ray_processes():
            with suppress(psutil.Error):
                left.kill()
        shutil.rmtree(self._ray, ignore_errors=True)

    def __enter__(self) -> "LocalService":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
