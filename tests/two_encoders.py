"""Two encoders without weights whose vectors have nothing to do with each other, and archives to embed with both.

``plugged_in`` makes them known to every process whose path it is on, as an installed plug-in would.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from core import Tile, VectorSpace

DIMS = {"scatter-a": 24, "scatter-b": 40}
"""Of different length, so that a vector of one compared with one of the other is an error and no answer."""

GRID = 4
"""Rows and columns of the means that are taken of a tile."""


class Scatter:
    """Projects the mean colours of a tile's sixteen parts at random; a text is scattered by its letters alone."""

    def __init__(self, name: str) -> None:
        self.space = VectorSpace(encoder=name, revision="1", dim=DIMS[name])
        self._turn = np.random.default_rng(len(name) + DIMS[name]).normal(size=(GRID * GRID * 3, DIMS[name]))

    def prepare(self, tile: Tile) -> NDArray[np.float32]:
        side = min(tile.mask.shape) // GRID * GRID
        parts = tile.pixels[:3, :side, :side].reshape(-1, GRID, side // GRID, GRID, side // GRID).mean(axis=(2, 4))
        whole = np.resize(parts, (3, GRID, GRID)).ravel()
        centred: NDArray[np.float32] = (whole - whole.mean()).astype(np.float32)
        return centred

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        return _unit(batch.astype(np.float64) @ self._turn + 1e-3)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") for text in texts]
        rows = [np.random.default_rng(seed).normal(size=self.space.dim) for seed in seeds]
        return _unit(np.array(rows).reshape(len(texts), self.space.dim))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return result


def plugged_in(folder: Path) -> Path:
    """Write the metadata of an installed plug-in with both encoders; the folder belongs on PYTHONPATH."""
    home = folder / "two_encoders-1.dist-info"
    home.mkdir(parents=True)
    (home / "METADATA").write_text("Metadata-Version: 2.1\nName: two-encoders\nVersion: 1\n")
    lines = "".join(f"{name} = tests.two_encoders:Scatter\n" for name in DIMS)
    (home / "entry_points.txt").write_text(f"[swath.encoders]\n{lines}")
    return folder


def write_scenes(folder: Path, count: int, *, side: int, first: int = 0) -> list[Path]:
    """Write synthetic RGB GeoTIFFs of smooth noise, each with another seed."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        coarse = rng.integers(1, 255, (3, side // 8, side // 8), dtype=np.uint8)
        pixels = np.kron(coarse, np.ones((1, 8, 8), np.uint8))
        path = folder / f"synthetic{number:03d}.tif"
        place = Affine(10, 0, 400_000 + 20 * side * number, 0, -10, 5_000_000)
        with rasterio.open(
            path, "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8", nodata=0,
            crs="EPSG:32632", transform=place, photometric="rgb",
        ) as dataset:  # fmt: skip
            dataset.write(pixels)
        paths.append(path)
    return paths
