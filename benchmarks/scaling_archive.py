"""Archives whose ingest is measured: scenes of real Sentinel-2 pixels put together anew, or of noise."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.transform import from_origin

from benchmarks.ingest import make_scene

TILE = 224
"""Pixels a side of a tile."""

PIECE = 160
"""Pixels a side of the pieces of real patches: no divisor of a tile's, so that every tile is another."""

ACROSS = 22
"""Tiles a side of a scene: 484 tiles in four pieces, so that pieces are kept and put together as those of a product."""

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
"""Of a Level-2A product."""

Patches = list[NDArray[np.uint16]]
"""(12, 224, 224) each."""


def make_archive(folder: Path, tiles: int, real: Path | None) -> Path:
    """Write scenes enough for about so many tiles.

    Args:
        folder: Where.
        tiles: About how many.
        real: Folder of real Sentinel-2 patches of 224 pixels, ``terramind`` of the shared data, of which every scene is
            another mosaic; None links one scene of noise under many names.
    """
    folder.mkdir(parents=True)
    paths = [folder / f"scene{number:04d}.tif" for number in range(max(1, round(tiles / ACROSS**2)))]
    if real is None:
        make_scene(paths[0], ACROSS * TILE)
        for path in paths[1:]:
            os.link(paths[0], path)
    else:
        patches = _patches(real)
        for number, path in enumerate(paths):
            mosaic(path, patches, number)
    return folder


def mosaic(path: Path, patches: Patches, seed: int) -> None:
    """Write a COG of pieces of real patches, turned and mirrored, so that no two tiles are alike; all bands at 10 m."""
    rng = np.random.default_rng(seed)
    side, pieces = ACROSS * TILE, -(-ACROSS * TILE // PIECE)
    pixels = np.empty((len(BANDS), pieces * PIECE, pieces * PIECE), np.uint16)
    for place in range(pieces**2):
        top, left = (PIECE * at for at in divmod(place, pieces))
        pixels[:, top : top + PIECE, left : left + PIECE] = _piece(patches, rng)
    plain = path.with_suffix(".plain")
    profile = {
        "driver": "GTiff", "width": side, "height": side, "count": len(BANDS), "dtype": "uint16", "nodata": 0,
        "crs": "EPSG:32632", "transform": from_origin(300_000, 5_000_040, 10, 10), "interleave": "band",
    }  # fmt: skip
    with rasterio.open(plain, "w", **profile) as target:
        target.descriptions = BANDS
        target.write(pixels[:, :side, :side])
    with rasterio.open(plain) as source:
        # As in the public buckets: deflate with a predictor, 512-pixel blocks, each band by itself.
        options = {"compress": "deflate", "level": 1, "predictor": 2, "interleave": "band", "overviews": "none"}
        rasterio.shutil.copy(source, path, driver="COG", **options)
    plain.unlink()


def _piece(patches: Patches, rng: np.random.Generator) -> NDArray[np.uint16]:
    """(12, PIECE, PIECE) from somewhere in some patch."""
    top, left = rng.integers(0, TILE - PIECE + 1, 2)
    piece = patches[int(rng.integers(len(patches)))][:, top : top + PIECE, left : left + PIECE]
    piece = np.rot90(piece, int(rng.integers(4)), axes=(1, 2))
    return piece[:, :, ::-1] if rng.random() < 0.5 else piece


def _patches(real: Path) -> Patches:
    found = []
    for path in sorted((real / "S2L2A").glob("*.tif")):
        with rasterio.open(path) as source:
            found.append(source.read().clip(1, 10_000).astype(np.uint16))
    if not found:
        raise SystemExit(f"no real patches in {real / 'S2L2A'}")
    return found
