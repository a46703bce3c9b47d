"""What an ingest costs, by stage: processor seconds, bytes, files, and requests where the archive is in a bucket.

Every stage runs in the thread that calls it, with ONNX Runtime held to one thread, so the clock of that thread tells
what the stage cost whatever else the machine does. What no stage accounts for is ``rest``: Lance's own threads, which
write the table, and the interpreter. The archive's pages are in memory; waiting for a disk is no processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.ingest import SENSOR
from benchmarks.scale import disk
from core import EncodesTiles, Settings, Tile, VectorSpace
from embeddings import DEFAULT_ENCODER, open_encoder
from indexer import IngestOptions, ingest
from indexer.sources import SourceOptions, open_source

STAGES = ("open", "read", "preview", "prepare", "encode", "record", "staging", "digest", "commit", "rest")
"""Open a file; read, decode and lay on the grid; draw the preview; normalise and resize; encode; make rows; keep pieces
of large scenes; check sums; hand over to Lance; everything else."""

_In = ParamSpec("_In")
_Out = TypeVar("_Out")


class Clock:
    """Processor seconds by stage; a stage within another counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._own = threading.local()
        self._lock = threading.Lock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of this thread for a stage."""
        outer = getattr(self._own, "inner", 0.0)
        self._own.inner = 0.0
        start = time.thread_time()
        try:
            yield
        finally:
            spent = time.thread_time() - start
            with self._lock:
                self.seconds[name] += spent - self._own.inner
            self._own.inner = outer + spent

    def timed(self, name: str, function: Callable[_In, _Out]) -> Callable[_In, _Out]:
        """Return a function that counts for a stage."""

        def run(*args: _In.args, **kwargs: _In.kwargs) -> _Out:
            with self.stage(name):
                return function(*args, **kwargs)

        return run


class TimedEncoder:
    """An encoder whose work is counted.

    Args:
        encoder: Does it.
        clock: Counts it.
    """

    def __init__(self, encoder: EncodesTiles, clock: Clock) -> None:
        self._encoder = encoder
        self._clock = clock

    @property
    def space(self) -> VectorSpace:
        """The space the vectors live in."""
        return self._encoder.space

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """See ``EncodesTiles``."""
        with self._clock.stage("prepare"):
            return self._encoder.prepare(tile)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """See ``EncodesTiles``."""
        with self._clock.stage("encode"):
            return self._encoder.encode(batch)


@contextmanager
def counted(clock: Clock) -> Iterator[None]:
    """Have the pipeline's stages counted while the block runs."""
    from indexer import _assembly, _digest, _intake, _pipeline, _pixels, _readers, _staging

    sums = _digest.row_sums
    places: tuple[tuple[Any, str, str], ...] = (
        (_readers, "open_scene", "open"),
        (_pixels.OpenScene, "read", "read"),
        (_readers, "make_preview", "preview"),
        (_readers, "tile_row", "record"),
        (_assembly, "rows_to_batch", "record"),
        (_staging.Staging, "write", "staging"),
        (_pipeline, "write_scenes", "commit"),
    )
    with ExitStack() as stack:
        for owner, name, stage in places:
            stack.enter_context(patch.object(owner, name, clock.timed(stage, getattr(owner, name))))
        # A generator is work of whoever asks it for the next one; as a list it is work of its own.
        listed = clock.timed("digest", lambda batch: list(sums(batch)))
        stack.enter_context(patch.object(_intake, "row_sums", listed))
        yield


def measure(sources: Sequence[str], into: Path, sensor: str) -> dict[str, Any]:
    """Index an archive and return what that cost; ``OMP_NUM_THREADS`` is 1."""
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise SystemExit("set OMP_NUM_THREADS=1: the encoder has to work in the one thread whose clock is read")
    clock, before = Clock(), _used()
    encoder = open_encoder(DEFAULT_ENCODER)
    _warm(encoder)
    started, wall = _used(), time.perf_counter()
    options = SourceOptions(sensor=sensor, collection="c", settings=Settings())
    with counted(clock):
        report = ingest(
            [open_source(source, options) for source in sources], into=into, encoder=TimedEncoder(encoder, clock),
            options=IngestOptions(workers=1),
        )  # fmt: skip
    ended = _used()
    if report.failures:
        raise SystemExit(f"failed: {report.failures[0].reason}")
    spent = {name: ended[name] - started[name] for name in ended}
    stages = {name: float(clock.seconds[name]) for name in STAGES}
    stages["rest"] = spent["processor"] - sum(stages.values())
    return {
        "tiles": report.tiles_written,
        "scenes": report.scenes_indexed,
        "stages": stages,
        "processor": spent["processor"],
        "start": started["processor"] - before["processor"],
        "seconds": time.perf_counter() - wall,
        "bytes_read": spent["read"],
        "bytes_written": spent["written"],
        "files": sum(path.is_file() for path in into.rglob("*")),
        "index_bytes": disk(into),
    }


def _warm(encoder: EncodesTiles) -> None:
    """Load the weights, which happens once a process however many tiles there are."""
    encoder.encode_text(["water"]) if hasattr(encoder, "encode_text") else None


def _used() -> dict[str, float]:
    """Processor seconds of this process, and bytes that it read and wrote by system calls."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return {"processor": time.process_time(), "read": float(lines["rchar"]), "written": float(lines["wchar"])}


def main() -> None:
    """Index an archive in this process, and print what it cost as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--sensor", default=SENSOR)
    options = parser.parse_args()
    print(json.dumps(measure(options.sources, options.into, options.sensor)))  # noqa: T201


if __name__ == "__main__":
    main()
