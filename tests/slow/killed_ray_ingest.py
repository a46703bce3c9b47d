"""A distributed ingest to be killed: run as a program it indexes a folder on Ray; imported it starts and kills that."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from core import Settings
from core.testing import MeanColourEncoder
from indexer import IngestOptions, Progress, TilingOptions
from indexer.distributed import RayOptions, ingest_on_ray
from indexer.sources import SourceOptions, open_source

ROOT = Path(__file__).parents[2]
PAUSE_S = 0.012
"""Slept for each tile by the encoder, so that there is time to be killed in: the archive has some 1,000 tiles."""


def index(folder: Path, into: Path, address: str) -> None:
    """What is killed."""
    source = open_source(str(folder), SourceOptions(collection="c", sensor="rgb", settings=Settings()))
    told: list[Progress] = []

    def progress(report: Progress) -> None:
        if not told:
            sys.stdout.write("working\n")
            sys.stdout.flush()
        told.append(report)

    report = ingest_on_ray(
        [source], into=into, open_encoder=partial(MeanColourEncoder, seconds_per_tile=PAUSE_S),
        ray=RayOptions(address=address, workers=2), tiling=TilingOptions(tile_size=16),
        options=IngestOptions(workers=1, commit_tiles=24, commit_seconds=0.1), progress=progress,
    )  # fmt: skip
    sys.stdout.write("".join(f"{failure.href}: {failure.reason}\n" for failure in report.failures))
    sys.exit(3 if report.failures else 0)


# Ray takes a loopback address for that of the network card, but where it believes that no cluster is wanted.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


class Cluster:
    """A Ray cluster on loopback, in processes that outlive their drivers."""

    def __init__(self, cpus: int = 3) -> None:
        # Three cores are said to be there: a killed driver's workers take a moment to go, and the next need not wait.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [
                Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--node-ip-address=127.0.0.1",
                f"--port={port}", f"--num-cpus={cpus}", "--include-dashboard=false",
                "--object-store-memory=200000000", "--disable-usage-stats",
            ],
            cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert any("Ray runtime started" in line for line in self._process.stdout)

    def workers(self) -> list[int]:
        """Process ids of the workers that run our pipeline: Ray names them after their class."""
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with suppress(psutil.Error):
                found += [process.pid] * any(part.startswith("ray::Worker") for part in process.cmdline())
        return found

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        started = psutil.Process(self._process.pid).children(recursive=True)
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        for process in started:
            with suppress(psutil.Error):
                process.kill()


def start(folder: Path, into: Path, address: str) -> subprocess.Popen[bytes]:
    """Start the program."""
    command = [sys.executable, "-m", "tests.slow.killed_ray_ingest", str(folder), str(into), address]
    return subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )


def at_work(process: subprocess.Popen[bytes]) -> bool:
    """Wait until a worker has started: until then there is nothing to kill; return whether there is work at all."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if line == b"working\n":
        return True
    # The run before was killed when all was committed.
    said = line + process.stdout.read()
    assert (process.wait(60), said) == (0, b""), said.decode()
    return False


def finish(process: subprocess.Popen[bytes]) -> float:
    """Wait for the program's end; return the seconds waited."""
    begin = time.monotonic()
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()
    return time.monotonic() - begin


def kill_driver(process: subprocess.Popen[bytes], after: float) -> bool:
    """Kill the program ``after`` seconds into its work; return whether it was still at it."""
    if not at_work(process):
        return False
    time.sleep(after)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def kill_worker(pid: int) -> bool:
    """Kill one worker; return whether it was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    index(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
