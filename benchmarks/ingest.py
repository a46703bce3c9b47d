"""Ingest of one full-size scene: how busy the encoder is, tiles a second, and peak memory.

Makes a synthetic 10,980 x 10,980 four-band uint16 COG (the grid of a Sentinel-2 tile at 10 m) in a temporary folder and
indexes it. Run: ``python -m benchmarks.ingest``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.transform import from_origin
from rasterio.windows import Window

from core import EncodesTiles, Settings
from core.testing import MeanColourEncoder
from embeddings import open_encoder
from indexer import IngestOptions, IngestReport, Progress, ingest
from indexer.sources import SourceOptions, open_source

SIDE = 10_980
"""Pixels a side of a Sentinel-2 tile at 10 m (https://sentiwiki.copernicus.eu/web/s2-products)."""

BANDS = ("B02", "B03", "B04", "B08")
SENSOR = "sentinel-2-l2a/dn"

BUSY_GOAL = 0.70
MEMORY_GOAL_MB = 2000


def make_scene(path: Path, side: int, *, seed: int = 7) -> None:
    """Write a COG of smooth synthetic terrain with noise, strip by strip; another seed has other noise and ground."""
    rng = np.random.default_rng(seed)
    plain = path.with_suffix(".plain.tif")
    profile = {
        "driver": "GTiff", "width": side, "height": side, "count": len(BANDS), "dtype": "uint16", "nodata": 0,
        "crs": "EPSG:32632", "transform": from_origin(300_000, 5_000_040, 10, 10), "tiled": True, "blockxsize": 512,
        "blockysize": 512, "interleave": "pixel",
    }  # fmt: skip
    with rasterio.Env(GDAL_CACHEMAX=128 * 2**20):
        with rasterio.open(plain, "w", **profile) as target:
            target.descriptions = BANDS
            for top in range(0, side, 512):
                height = min(512, side - top)
                target.write(_strip(rng, top, height, side), window=Window(0, top, side, height))
        with rasterio.open(plain) as source:
            options = {"compress": "zstd", "level": 1, "predictor": 2, "overview_resampling": "average"}
            rasterio.shutil.copy(source, path, driver="COG", num_threads="all_cpus", **options)
    plain.unlink()


def _strip(rng: np.random.Generator, top: int, height: int, side: int) -> NDArray[np.uint16]:
    y, x = np.ogrid[top : top + height, 0:side]
    relief = np.sin(x / 311) * np.cos(y / 257) + 0.5 * np.sin((x + 2 * y) / 71)
    levels = np.array([500, 700, 600, 2500], np.float32)[:, None, None]
    noise = rng.integers(-40, 40, (len(BANDS), height, side), dtype=np.int16)
    strip: NDArray[np.uint16] = (levels * (1 + 0.4 * relief[None]) + noise).clip(1, 10_000).astype(np.uint16)
    return strip


def run(scene: Path, into: Path, encoder: EncodesTiles, options: IngestOptions) -> IngestReport:
    """Index the scene with a progress line on stderr."""
    sources = [open_source(str(scene), SourceOptions(sensor=SENSOR, settings=Settings()))]
    return ingest(sources, into=into, encoder=encoder, options=options, progress=_Line())


class _Line:
    """The progress line, redrawn at most five times a second."""

    def __init__(self) -> None:
        self._drawn = 0.0

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self._drawn < 0.2:
            return
        self._drawn = time.monotonic()
        eta = "?" if progress.eta_seconds is None else f"{progress.eta_seconds:.0f}"
        done = f"{progress.tiles_done:,}/{progress.tiles_total:,} tiles"
        sys.stderr.write(f"\r{done}, {progress.tiles_per_second:.0f} tiles/s, {eta} s left   ")


def main() -> int:
    """Run the benchmark; exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=SIDE, help="pixels a side")
    parser.add_argument("--encoder", default="swath-mini", help="name of an encoder; 'none' measures reading alone")
    parser.add_argument("--workers", type=int, default=IngestOptions().workers, help="reader threads")
    parser.add_argument("--scene", type=Path, help="index this file instead of making one")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="swath-bench-") as folder:
        scene = chosen.scene or Path(folder, "synthetic.tif")
        if chosen.scene is None:
            # In a process of its own, so that its memory does not count.
            child = multiprocessing.get_context("spawn").Process(target=make_scene, args=(scene, chosen.side))
            child.start()
            child.join()
            if child.exitcode:
                return 1  # it has said why
        encoder = MeanColourEncoder() if chosen.encoder == "none" else open_encoder(chosen.encoder)
        report = run(scene, Path(folder, "index"), encoder, IngestOptions(workers=chosen.workers))
        return _judge(report, scene, chosen.workers)


def _judge(report: IngestReport, scene: Path, workers: int) -> int:
    fine = report.encoder_busy >= BUSY_GOAL and report.peak_memory_mb < MEMORY_GOAL_MB and not report.failures
    sys.stdout.write(
        f"\n{scene.stat().st_size / 1e6:,.0f} MB scene, {report.tiles_written:,} tiles in {report.seconds:.1f} s "
        f"with {workers} reader threads\n"
        f"encoder busy  {report.encoder_busy:7.0%}     goal at least {BUSY_GOAL:.0%}\n"
        f"tiles/s       {report.tiles_per_second:7.0f}\n"
        f"peak memory   {report.peak_memory_mb:7,.0f} MB  goal under {MEMORY_GOAL_MB:,} MB\n"
        f"{'goals met' if fine else 'GOALS MISSED'}\n"
    )
    for failure in report.failures:
        sys.stdout.write(f"failed: {failure.href}: {failure.reason}\n")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
