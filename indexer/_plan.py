"""What is to be done about a scene, and in which pieces."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from itertools import pairwise
from typing import Any

from core import Scene, Sensor, VectorSpace
from indexer._records import scene_key
from indexer._tiling import TilingOptions

UNIT_SIDE = 16
"""Most rows and columns of tiles in one unit of work.

At 224 px that is a square of 3,584 px, seven or eight 512-px blocks wide: a thread that reads it row by row needs about
16 MB of GDAL's cache for four uint16 bands, where a whole row of a 10,980-px scene needs 46 MB.
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A scene that is to be indexed."""

    scene: Scene
    """Which."""
    key: str
    """See ``scene_key``."""
    fingerprint: str
    """Source files, parameters and encoder."""
    parameters: str
    """JSON for the ledger: tiling, sensor and encoding."""


@dataclass(frozen=True, order=True, kw_only=True)
class Unit:
    """A rectangle of a scene's grid: the piece one thread reads and an interrupted run resumes at."""

    row: int
    """First grid row."""
    col: int
    """First grid column."""
    rows: int
    """Grid rows."""
    cols: int
    """Grid columns."""

    @property
    def name(self) -> str:
        """A file name that says which rectangle it is."""
        return f"r{self.row:05d}+{self.rows:02d}c{self.col:05d}+{self.cols:02d}"


def make_job(scene: Scene, tiling: TilingOptions, space: VectorSpace) -> Job:
    """Return the job of a scene; its fingerprint changes with everything that changes the scene's rows."""
    told = {
        "source": scene.fingerprint,
        "space": asdict(space),
        "tiling": _tiling(tiling),
        "sensor": _sensor(scene.sensor),
        "scene": _scene(scene),
    }
    text = json.dumps(told, default=_plain, sort_keys=True)
    return Job(
        scene=scene,
        key=scene_key(scene.collection, scene.scene_id),
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        parameters=json.dumps({**_tiling(tiling), "sensor": scene.sensor.name, "encoding": scene.encoding.name}),
    )


def _tiling(tiling: TilingOptions) -> Mapping[str, Any]:
    """The options that are set; one added since must not have earlier archives embedded again."""
    told = asdict(tiling)
    return told if tiling.reduce is not None else {name: value for name, value in told.items() if name != "reduce"}


def _sensor(sensor: Sensor) -> Mapping[str, Any]:
    """The numbers of a sensor; a corrected title or link is no reason to embed an archive again."""
    names = ("name", "unit", "scale", "offset", "nodata", "display")
    bands = [{name: getattr(band, name) for name in names} for band in sensor.bands]
    return {"name": sensor.name, "bands": bands, "renderings": sensor.renderings}


def _scene(scene: Scene) -> Mapping[str, Any]:
    """What a source found out about a scene, but for the hrefs: those may be signed anew each time."""
    names = ("encoding", "datetime", "georeferenced", "cloud", "offset", "label", "captions")
    mask = scene.cloud_mask
    return {
        **{name: getattr(scene, name) for name in names},
        "assets": [(asset.bands, asset.indexes) for asset in scene.assets],
        "cloud_mask": None if mask is None else (mask.index, mask.values, mask.bits),
    }


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def cut(rows: int, cols: int) -> tuple[Unit, ...]:
    """Cut a grid into rectangles of nearly equal size, at most ``UNIT_SIDE`` on a side."""
    return tuple(
        Unit(row=top, col=left, rows=height, cols=width)
        for top, height in _pieces(rows)
        for left, width in _pieces(cols)
    )


def _pieces(length: int) -> list[tuple[int, int]]:
    """First position and length of each piece."""
    count = -(-length // UNIT_SIDE)
    edges = [length * index // count for index in range(count + 1)]
    return [(start, end - start) for start, end in pairwise(edges)]
