"""An ingest to be killed: run as a program it indexes a folder slowly; imported it kills that program and compares."""

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from core import Settings
from core.testing import MeanColourEncoder
from indexer import IngestOptions, Store, TilingOptions, ingest, verify_tables
from indexer.sources import SourceOptions, open_source

ROOT = Path(__file__).parents[2]
SIDES = [48] * 6 + [480] + [48] * 6
"""Pixels a side of the scenes; at 16 px the large one is 900 tiles in four pieces."""

PAUSE_S = 0.001
"""Slept for each tile by the encoder, so that there is time to be killed in."""

Tiles = dict[str, tuple[bytes, bytes]]


def make_archive(folder: Path) -> None:
    """A scene of several pieces between a dozen of one piece; the last rows of each are without data."""
    rng = np.random.default_rng(5)
    folder.mkdir()
    for number, side in enumerate(SIDES):
        pixels = rng.integers(1, 255, (3, side, side), dtype=np.uint8)
        pixels[:, int(side * 0.9) :] = 0
        place = Affine(10, 0, 400_000 + 10_000 * number, 0, -10, 5_000_000)
        with rasterio.open(
            folder / f"scene{number:02d}.tif", "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8",
            nodata=0, crs="EPSG:32632", transform=place, photometric="rgb",
        ) as dataset:  # fmt: skip
            dataset.write(pixels)


def index(folder: Path, into: Path, tile_size: int) -> None:
    """What is killed."""
    source = open_source(str(folder), SourceOptions(collection="c", sensor="rgb", settings=Settings()))
    options = IngestOptions(workers=2, commit_tiles=24, commit_seconds=0.1)
    encoder = MeanColourEncoder(seconds_per_tile=PAUSE_S)
    import_module("lancedb")  # takes a second or more, in which there would be nothing to kill
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    report = ingest([source], into=into, encoder=encoder, tiling=TilingOptions(tile_size=tile_size), options=options)
    sys.exit(3 if report.failures else 0)


def start(folder: Path, into: Path, tile_size: int = 16) -> subprocess.Popen[str]:
    """Start the program; return when it is about to ingest."""
    command = [sys.executable, "-m", "tests.integration.killed_ingest", str(folder), str(into), str(tile_size)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(folder: Path, into: Path, tile_size: int = 16) -> float:
    """Run the program to its end; return the seconds it took."""
    process = start(folder, into, tile_size)
    begin = time.monotonic()
    process.communicate(timeout=300)
    assert process.returncode == 0
    return time.monotonic() - begin


def kill_once(folder: Path, into: Path, after: float, tile_size: int = 16) -> bool:
    """Kill the program ``after`` seconds into its ingest; return whether it was still at work."""
    process = start(folder, into, tile_size)
    time.sleep(after)
    process.kill()
    process.communicate()
    return process.returncode == -9


def kill_at_random(folder: Path, into: Path, rng: random.Random, *, within: float, tile_size: int = 16) -> bool:
    """Kill the program at a random moment of what is, undisturbed, an ingest of ``within`` seconds."""
    return kill_once(folder, into, rng.uniform(0.02, within), tile_size)


def contents(into: Path) -> Tiles:
    """Vector and preview of every tile; a tile that is there twice is an error."""
    found: Tiles = {}
    for batch in Store.open(into).snapshot().scan(["tile_id", "vector", "preview"]):
        for row in batch.to_pylist():
            assert row["tile_id"] not in found, f"{row['tile_id']} is there twice"
            found[row["tile_id"]] = (np.array(row["vector"], np.float16).tobytes(), row["preview"])
    return found


def ledger(into: Path) -> dict[str, tuple[object, ...]]:
    """What the ledger says, but for when it was written."""
    rows = Store.open(into).ledger().values()
    return {row.scene_id: (row.fingerprint, row.tiles, row.dropped, row.href, row.parameters) for row in rows}


def progress(into: Path) -> tuple[int, int]:
    """How far an ingest came before it was killed: scenes in the ledger, finished pieces waiting."""
    return len(Store.open(into).ledger()) if Store.exists(into) else 0, len(list(into.glob("staging/*/*.arrow")))


def damage(into: Path) -> list[str]:
    """What a check of the index finds lost or wrong; scenes that are not finished are neither."""
    findings = verify_tables(Store.open(into)).findings if Store.exists(into) else ()
    return [finding.message for finding in findings if finding.damage]


class Watcher:
    """Looks at an index all the time, and remembers how many tiles of each scene it ever saw."""

    def __init__(self, into: Path) -> None:
        self.seen: dict[str, set[int]] = {}
        self.looks = 0
        self._into = into
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.is_set():
            if Store.exists(self._into):
                counts: Counter[str] = Counter()
                for batch in Store.open(self._into).snapshot().scan(["scene_id"]):
                    counts.update(batch["scene_id"].to_pylist())
                for name, count in counts.items():
                    self.seen.setdefault(name, set()).add(count)
                self.looks += 1
            time.sleep(0.02)


if __name__ == "__main__":
    index(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
