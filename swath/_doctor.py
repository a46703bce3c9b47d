"""What ``swath doctor`` examines."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing examined."""

    name: str
    """What was looked at."""
    ok: bool
    """False where Swath cannot work without it."""
    found: str
    """What was found, or what is wrong."""


PACKAGES = ("lancedb", "pyarrow", "onnxruntime", "rasterio", "shapely", "h3", "pystac-client", "fastapi")
OPTIONAL = ("torch", "open_clip_torch", "faiss-cpu")


LEAST_FREE_GIB = 1
"""Room on a disk below which the next ingest is likely to fill it: 150,000 tiles of 6 kB."""


def examine() -> list[Check]:
    """Run every check; none raises."""
    return [*_platform(), *_packages(), _try("GDAL drivers", _drivers), _try("encoder swath-mini", _encode)]


def _platform() -> Iterator[Check]:
    yield Check(
        name="python", ok=sys.version_info >= (3, 11), found=f"{platform.python_version()} on {platform.platform()}"
    )
    free = shutil.disk_usage(".").free / 2**30
    yield Check(name="disk", ok=free > LEAST_FREE_GIB, found=f"{free:.1f} GiB free here")


def _packages() -> Iterator[Check]:
    for name in PACKAGES:
        found = _version(name)
        yield Check(name=name, ok=found is not None, found=found or "missing; run: pip install swath")
    for name in OPTIONAL:
        yield Check(name=name, ok=True, found=_version(name) or "not installed (optional)")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _try(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, found=check())
    except Exception as error:
        return Check(name=name, ok=False, found=" ".join(str(error).split()) or type(error).__name__)


def _drivers() -> str:
    from rasterio.drivers import raster_driver_extensions
    from rasterio.env import Env

    with Env() as env:
        drivers = env.drivers()
    missing = {"GTiff", "COG", "JPEG", "PNG"} - set(drivers)
    if missing:
        raise RuntimeError(f"GDAL lacks {', '.join(sorted(missing))}")
    return f"{len(drivers)} drivers, {len(raster_driver_extensions())} writable endings"


def _encode() -> str:
    import numpy as np

    from core import EncodesText
    from embeddings import open_encoder

    encoder = open_encoder("swath-mini")
    assert isinstance(encoder, EncodesText)  # noqa: S101 - narrows the type; swath-mini has text
    vectors = encoder.encode_text(["a river", "a river", "an airport"])
    if not np.allclose(vectors[0], vectors[1], atol=1e-5) or np.allclose(vectors[0], vectors[2], atol=1e-2):
        raise RuntimeError("the text encoder does not tell sentences apart; reinstall swath")
    return f"{encoder.space}, text works"
