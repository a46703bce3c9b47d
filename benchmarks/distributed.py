"""Ingest over Ray workers: tiles a second of one and of two, and what plain processes reach on the same cores.

Makes synthetic scenes in a temporary folder and indexes them in six ways, each over again, best of all rounds. A worker
has one reader thread and one encoder thread. "Pinned" keeps both on one logical processor, which is what Ray counts a
worker with one CPU as; not pinned, a single worker spreads over two. Rates are from the first batch to the last, so no
start is in them; the wall clock has all of it. Wants a machine that does nothing else. Run: ``python -m
benchmarks.distributed``, or with ``--pinned --scenes 24 --rounds 1`` in under four minutes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.ingest import SENSOR, make_scene
from core import EncodesTiles, Settings, TileSource
from embeddings import DEFAULT_ENCODER, open_encoder
from indexer import IngestOptions, IngestReport, ingest
from indexer.distributed import RayOptions, ingest_on_ray
from indexer.sources import SourceOptions, open_source

SIDE = 3_136
"""Pixels a side of a scene: 14 x 14 tiles, one piece of work."""

TILES = (SIDE // 224) ** 2
"""Tiles of a scene."""

OPTIONS = IngestOptions(workers=1)


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to index the archive."""

    name: str
    """For the table."""
    lanes: int
    """Workers or processes."""
    run: Callable[[Sequence[Path], Path, bool], float]
    """Indexes the folders into a folder; returns tiles a second from the first batch to the last."""
    pinned: bool
    """Whether each lane is kept on a logical processor of its own."""


def opener(taken: Path, pinned: bool) -> EncodesTiles:
    """Open the encoder; keep this thread, and those it starts, on a processor that nobody of this run has taken."""
    # The first call is the driver's own, which reads and encodes nothing.
    if pinned and multiprocessing.current_process().name != "driver" and "ray" in sys.modules:
        _pin(taken)
    return open_encoder(DEFAULT_ENCODER)


def _pin(taken: Path) -> None:
    for cpu in sorted(os.sched_getaffinity(0)):
        try:
            (taken / str(cpu)).touch(exist_ok=False)
        except FileExistsError:
            continue
        os.sched_setaffinity(0, {cpu})
        return
    raise RuntimeError("more workers than processors")


def on_ray(lanes: int, folders: Sequence[Path], into: Path, pinned: bool) -> float:
    """Index with Ray workers on this machine."""
    taken = into.with_name(into.name + "-taken")
    taken.mkdir()
    multiprocessing.current_process().name = "driver"
    report = ingest_on_ray(
        [_source(folder) for folder in folders], into=into, open_encoder=partial(opener, taken, pinned),
        ray=RayOptions(workers=lanes), options=OPTIONS,
    )  # fmt: skip
    return _rate(report)


def in_processes(lanes: int, folders: Sequence[Path], into: Path, pinned: bool) -> float:
    """Index with plain processes, each with its share of the folders and an index of its own: no commit is shared."""
    context = multiprocessing.get_context("spawn")
    shares = [folders[lane::lanes] for lane in range(lanes)]
    jobs = [
        (share, into.with_name(f"{into.name}-{lane}"), lane if pinned else None) for lane, share in enumerate(shares)
    ]
    with context.Pool(lanes) as pool:
        return sum(pool.starmap(_alone, jobs, chunksize=1))


def _alone(folders: Sequence[Path], into: Path, lane: int | None) -> float:
    if lane is not None:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[lane]})
    sources = [_source(folder) for folder in folders]
    return _rate(ingest(sources, into=into, encoder=open_encoder(DEFAULT_ENCODER), options=OPTIONS))


def _source(folder: Path) -> TileSource:
    return open_source(str(folder), SourceOptions(sensor=SENSOR, collection="c", settings=Settings()))


def _rate(report: IngestReport) -> float:
    if report.failures:
        sys.exit(f"failed: {report.failures[0].reason}")
    return report.tiles_per_second


def make_archive(base: Path, scenes: int) -> list[Path]:
    """Write one scene and link it under the names of many, in two folders."""
    folders = [base / "a", base / "b"]
    make_scene(base / "scene.tif", SIDE)
    for number in range(scenes):
        folder = folders[number % 2]
        folder.mkdir(exist_ok=True)
        os.link(base / "scene.tif", folder / f"scene{number:03d}.tif")
    return folders


WAYS = [
    Way(name=f"{kind}{', pinned' if pinned else ''}", lanes=lanes, run=partial(run, lanes), pinned=pinned)
    for pinned in (False, True)
    for kind, run in (("plain process", in_processes), ("Ray worker", on_ray))
    for lanes in (1, 2)
]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=16, help="scenes of 196 tiles")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pinned", action="store_true", help="only workers that are kept on one processor each")
    options = parser.parse_args()
    # Neither ONNX Runtime's threads nor a lower priority of Ray's workers are to tell the ways apart.
    os.environ |= {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"}
    before = os.getloadavg()[0]
    ways = [way for way in WAYS if way.pinned or not options.pinned]
    with tempfile.TemporaryDirectory() as text:
        folders = make_archive(Path(text), options.scenes)
        best, wall = [0.0] * len(ways), [float("inf")] * len(ways)
        for number in range(options.rounds):
            for place, way in enumerate(ways):
                start = time.perf_counter()
                rate = way.run(folders, Path(text) / f"index-{number}-{place}", way.pinned)
                wall[place] = min(wall[place], time.perf_counter() - start)
                sys.stderr.write(f"{way.name}: {way.lanes}: {rate:.0f} tiles/s, {wall[place]:.1f} s\n")
                best[place] = max(best[place], rate)
    sys.stdout.write(f"{options.scenes} scenes of {TILES} tiles; load of the machine before: {before:.1f}\n\n")
    sys.stdout.write("| tiles/s (s in all) | one | two | ratio |\n|---|---|---|---|\n")
    for place in range(0, len(ways), 2):
        one, two = (f"{best[at]:.0f} ({wall[at]:.0f})" for at in (place, place + 1))
        sys.stdout.write(f"| {ways[place].name} | {one} | {two} | {best[place + 1] / best[place]:.2f} |\n")


if __name__ == "__main__":
    main()
