"""What ``swath doctor`` examines of an installation."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from swath._doctor_check import Check, bounded
from swath._doctor_disk import disks
from swath._doctor_gpu import gpu
from swath._doctor_model import answer_model, encoder_files, first_encoding
from swath._doctor_rasters import coordinate_systems, drivers

PACKAGES = ("lancedb", "pyarrow", "onnxruntime", "rasterio", "shapely", "h3", "pystac-client", "fastapi", "faiss-cpu")
OPTIONAL = {"torch": "torch", "open_clip_torch": "torch", "ray": "distributed", "pylance": "distributed"}
"""Packages that need not be there, and the extra that brings each."""


def examine() -> list[Check]:
    """Run every check; none raises, and none takes more than a minute."""
    return [
        _python(),
        *_packages(),
        *disks(),
        bounded("raster formats", drivers, advice="pip install --force-reinstall rasterio"),
        bounded("coordinate systems", coordinate_systems, advice="unset PROJ_DATA, PROJ_LIB and GDAL_DATA"),
        bounded("gpu", gpu),
        bounded("encoder swath-mini", first_encoding, advice="reinstall swath"),
        *(bounded(name, partial(encoder_files, name)) for name in _present()),
        bounded("answer model", answer_model, advice="see docs/how-to/answer-models.md"),
    ]


def _python() -> Check:
    fits = sys.version_info >= (3, 11)
    found = f"{platform.python_version()} on {platform.platform()}"
    return Check(name="python", state="ok" if fits else "fail", found=found, advice="" if fits else "install 3.11")


def _packages() -> Iterator[Check]:
    for name in PACKAGES:
        found = _version(name)
        if found is None:
            yield Check(name=name, state="fail", found="missing", advice="pip install swath")
        else:
            yield Check(name=name, state="ok", found=found)
    for name, extra in OPTIONAL.items():
        yield Check(name=name, state="ok", found=_version(name) or f"not installed; it comes with swath[{extra}]")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _present() -> list[str]:
    """Encoders whose weights are here."""
    from embeddings import list_encoders

    return [row.name for row in list_encoders() if row.weights == "present"]
