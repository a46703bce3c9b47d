"""Small georeferenced scenes of which every area is known, and the records and rows that would come of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds, transform_geom
from shapely.geometry import box, mapping, shape
from shapely.geometry.base import BaseGeometry

from core import Offset, PixelWindow, Record, VectorSpace
from indexer import scene_key
from retriever._memory import MemoryRows
from retriever.rag import EvidenceTile

SENTINEL_2 = ("sentinel-2-l2a", "dn", ("B02", "B03", "B04", "B08", "B11", "B12"))
NAIP = ("naip", "dn", ("R", "G", "B", "NIR"))
UTM = "EPSG:32632"
STEP = 10.0
"""Metres of a pixel."""

Spectrum = tuple[int, ...]
"""Stored numbers of a pixel, band by band."""

# Stored reflectance is a thousandth of a percent plus 1000 since 2022; these scenes are of 2019 and have no offset.
WATER: Spectrum = (600, 800, 500, 200, 100, 80)
FOREST: Spectrum = (300, 500, 300, 3500, 1500, 700)
BARE: Spectrum = (1200, 1500, 1900, 2400, 3000, 2800)
SNOW: Spectrum = (8000, 8000, 7900, 7000, 900, 700)
BURN: Spectrum = (500, 600, 800, 1200, 2400, 2300)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A scene on disk."""

    path: Path
    when: datetime
    sensor: str
    encoding: str
    footprint: BaseGeometry
    size: tuple[int, int]
    cloud: float | None


def ground(shape_: tuple[int, int], spectrum: Spectrum) -> NDArray[np.uint16]:
    """(bands, h, w) of one kind of ground."""
    return np.broadcast_to(np.array(spectrum, np.uint16)[:, None, None], (len(spectrum), *shape_)).copy()


def put(pixels: NDArray[np.uint16], rows: slice, cols: slice, spectrum: Spectrum) -> NDArray[np.uint16]:
    """Lay another kind of ground into a window."""
    pixels[:, rows, cols] = np.array(spectrum, np.uint16)[:, None, None]
    return pixels


def write_scene(  # a scene is that much
    folder: Path,
    pixels: NDArray[Any],
    when: str,
    *,
    sensor: tuple[str, str, tuple[str, ...]] = SENTINEL_2,
    origin: tuple[float, float] = (500_000.0, 5_000_000.0),
    crs: str = UTM,
    step: float = STEP,
    cloud: float | None = None,
) -> Scene:
    """Write a scene as a GeoTIFF whose bands have names."""
    name, encoding, bands = sensor
    path = folder / f"{name}-{when}-{len(list(folder.iterdir()))}.tif"
    count, height, width = pixels.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=count, dtype=pixels.dtype, crs=crs,
        transform=from_origin(*origin, step, step), nodata=0,
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
        dataset.descriptions = bands[:count]
        bounds = dataset.bounds
    outline = shape(transform_geom(crs, "EPSG:4326", mapping(box(*bounds))))
    return Scene(
        path=path,
        when=datetime.fromisoformat(when).replace(tzinfo=UTC),
        sensor=name,
        encoding=encoding,
        footprint=outline,
        size=(width, height),
        cloud=cloud,
    )


def record_of(scene: Scene, window: PixelWindow | None = None) -> Record:
    """The record of a tile of a scene: the whole of it where no window is given."""
    width, height = scene.size
    west, south, east, north = transform_bounds("EPSG:4326", "EPSG:4326", *scene.footprint.bounds)
    return Record(
        tile_id=scene.path.stem, scene_id=scene.path.stem, collection="made", sensor=scene.sensor,
        encoding=scene.encoding, datetime=scene.when, bbox=(west, south, east, north),
        centroid=((west + east) / 2, (south + north) / 2), footprint=scene.footprint, h3=None, h3_cover=(), gsd=STEP,
        crs=UTM, href=str(scene.path), window=window or PixelWindow(col_off=0, row_off=0, width=width, height=height),
        valid=1.0, cloud=scene.cloud, offset=Offset(), label=None, captions=(), preview=b"",
    )  # fmt: skip


def evidence_of(scenes: Sequence[Scene]) -> tuple[EvidenceTile, ...]:
    """One tile of each scene, numbered in the order of the scenes."""
    return tuple(
        EvidenceTile(number=number, record=record_of(scene), sought=None, period=None, score=None, probability=None)
        for number, scene in enumerate(scenes, start=1)
    )


def rows_of(tiles: Sequence[EvidenceTile]) -> MemoryRows:
    """The tile table that holds just these tiles, as far as measuring reads it."""
    records = [tile.record for tile in tiles]
    columns = {
        "tile_id": [record.tile_id for record in records],
        "scene_key": [scene_key(record.collection, record.scene_id) for record in records],
        "footprint": [shapely.to_wkb(record.footprint) for record in records],
        "col_off": [record.window.col_off for record in records],
        "row_off": [record.window.row_off for record in records],
        "width": [record.window.width for record in records],
        "height": [record.window.height for record in records],
        "cloud": pa.array([record.cloud for record in records], pa.float64()),
    }
    return MemoryRows(pa.table(columns), space=VectorSpace(encoder="none", revision="1", dim=1))


@dataclass(frozen=True, kw_only=True)
class Measurable:
    """An archive as measuring sees it."""

    rows: MemoryRows
    reach: None = None
