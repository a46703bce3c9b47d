"""A service over some hundred made-up tiles, for tests of what counts and carries away many."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import MultiPolygon, box
from shapely.geometry.base import BaseGeometry

from api._services import Service
from core.testing import MeanColourEncoder
from indexer import LedgerRow, SceneRows, Store, scene_key
from retriever import Searcher
from tests.unit.retriever.tables import SPACE, row, table, unit_vectors

COUNT = 700
"""Tiles in it: more than one piece of a streamed file."""

EVIL = "=cmd|' /C calc'!A0 <script>alert(1)</script>"


def made_up_tiles() -> list[dict[str, Any]]:
    """Tiles with and without place, date, cloud and label; one crosses the antimeridian."""
    rng, vectors = np.random.default_rng(3), np.abs(unit_vectors(COUNT, seed=4))
    tiles = []
    for number in range(COUNT):
        lon, lat = rng.uniform(-20, 20), rng.uniform(30, 60)
        place: BaseGeometry | None = box(lon, lat, lon + 0.02, lat + 0.02) if number % 10 else None
        if number == 5:
            place = MultiPolygon([box(179.9, -17, 180, -16.9), box(-180, -17, -179.9, -16.9)])
        tiles.append(
            row(
                f"c~s~{number:04d}",
                place,
                scene_key=scene_key("c", "s"),
                vector=vectors[number].tolist(),
                datetime=datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number) if number % 7 else None,
                cloud=float(rng.uniform()) if number % 3 else None,
                crs="EPSG:4326" if place is not None else None,
                sensor=["rgb", "sentinel-2-l2a"][number % 2],
                label=[None, "forest", EVIL][number % 3],
                captions=["a, b", 'c"d'] if number % 2 else [],
                preview=b"RIFF\x00\x00\x00\x00WEBP",
            )
        )
    return tiles


def fill(path: Path, tiles: list[dict[str, Any]]) -> Path:
    """Write them as an index."""
    ledger = LedgerRow(
        scene_key=scene_key("c", "s"),
        scene_id="s",
        collection="c",
        href="none",
        fingerprint="1",
        tiles=len(tiles),
        dropped=0,
        parameters="{}",
        committed=datetime(2024, 1, 1, tzinfo=UTC),
    )
    store = Store.create_or_open(path, space=SPACE, dtype="float32")
    store.commit([SceneRows(ledger=ledger, batches=iter(table(tiles).to_batches()))])
    return path


def opened(name: str, path: Path) -> Service:
    """Open it with the encoder that sees colours."""
    store = Store.open(path)
    return Service(name=name, path=path, store=store, searcher=Searcher(store, MeanColourEncoder()))
