"""Pictures and pixels of real imagery, from a real server, read back by GDAL over HTTP as QGIS does."""

import io
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
import pytest
import rasterio
from PIL import Image

from tests.integration.real import ROOT, rows_of


@pytest.fixture(scope="module")
def server(real_index: Path) -> Iterator[str]:
    """Serve the index of everything real, with the Landsat composites' sensor file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = f'["{ROOT / "docs/examples/landsat-uint8-composite.toml"}"]'
    command = [sys.executable, "-m", "swath", "serve", "--index", str(real_index), "--port", str(port)]
    running = subprocess.Popen(
        command, env={**os.environ, "SWATH_SENSOR_FILES": known, "PYTHONPATH": str(ROOT)}, cwd=ROOT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, running)
        yield address
    finally:
        running.terminate()
        running.wait(30)


def _wait(address: str, running: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert running.poll() is None, "the server ended"
        try:
            urlopen(f"{address}/healthz", timeout=5).close()  # noqa: S310  # our own server
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start")


COLLECTIONS = {
    "naip": ("true-color", "false-color", "index:ndvi", "index:ndwi"),
    "landsat": ("swir", "false-color", "index:ndvi", "index:ndwi", "index:ndsi"),
    "terramind-s1": ("sar", "gray", "gray-vh"),
    "terramind-s2": ("true-color", "false-color", "swir", "index:ndvi", "index:ndwi", "index:nbr", "index:ndsi"),
    "floods-s1": ("sar", "gray", "gray-vh"),
    "aid": ("true-color",),
}


def tile_of(index: Path, collection: str) -> str:
    return str(next(row["tile_id"] for row in rows_of(index) if row["collection"] == collection))


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_rendering_of_a_real_tile_comes_from_its_original(server: str, real_index: Path, collection: str) -> None:
    tile = f"{server}/v1/tiles/{quote(tile_of(real_index, collection), safe='')}"
    pictures = []
    for rendering in COLLECTIONS[collection]:
        with urlopen(f"{tile}/image.png?rendering={rendering}&size=128") as answer:  # noqa: S310  # our own server
            assert answer.headers["X-Swath-Pixels"] == "original", answer.headers["X-Swath-Reason"]
            pictures.append(np.asarray(Image.open(io.BytesIO(answer.read()))))
    assert all(max(picture.shape) == 128 for picture in pictures)
    assert all(picture[..., :3].std() > 2 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_gdal_reads_a_window_over_http_as_it_reads_the_file(server: str, real_index: Path) -> None:
    row = next(row for row in rows_of(real_index) if row["collection"] == "terramind-s2")
    address = f"/vsicurl/{server}/v1/tiles/{quote(row['tile_id'], safe='')}/pixels.tif"
    with rasterio.open(address) as sent, rasterio.open(row["href"]) as stored:
        assert (sent.crs, sent.transform, sent.count) == (stored.crs, stored.transform, stored.count)
        assert sent.units == ("reflectance",) * 12
        expected = (stored.read().astype(np.float32) + np.float32(row["offset"])) * np.float32(1e-4)
        valid = ~np.isnan(sent.read())
        assert np.allclose(sent.read()[valid], expected[valid], atol=1e-6)
        assert valid.mean() > 0.9
        assert re.fullmatch(r"EPSG:32\d{3}", str(sent.crs))


def test_a_place_in_north_dakota_is_seen_in_every_year(server: str, real_index: Path) -> None:
    import json

    tile = quote(tile_of(real_index, "naip"), safe="")
    with urlopen(f"{server}/v1/tiles/{tile}/series") as answer:  # noqa: S310  # our own server
        series = json.load(answer)
    dates = [one["datetime"] for one in series["tiles"]]
    assert dates == sorted(dates)
    assert len({date[:4] for date in dates}) >= 7
    assert series["datetime"] not in dates
