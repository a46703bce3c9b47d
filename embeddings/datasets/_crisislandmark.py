"""CrisisLandMark: Sentinel-1 and Sentinel-2 patches with land-cover and crisis labels (Rege Cambrin et al. 2025).

Layout of https://huggingface.co/datasets/DarthReca/crisislandmark: `crisislandmark.h5` links to shards beside it; each
key holds `image` (2 or 12 bands, 120 x 120, float32), `coords` (x, y of each pixel), and the attributes `crs` (EPSG
code) and `timestamp`. `metadata.parquet` gives split (`training`, `corpus`) and labels of each key.

The key names the source. As the published loader does (https://github.com/DarthReca/closp), Sentinel-1 of `benv2s1`
and `sen1flood` is taken as VH, VV and turned round, and of `quakeset`, which has two dates, the later is read. Sources
store Sentinel-1 as power or in dB and do not say which: power is never negative and dB of land and sea is, so the
numbers do.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import MissingExtraError, Sample, SceneError, Tile, View, safe_name
from embeddings.datasets._listed import ListedDataset, inside, ordered_splits, sentences, wrong_layout
from embeddings.datasets._opening import check_pixels
from embeddings.datasets._place import place_of
from embeddings.datasets._read import stored_tile
from embeddings.datasets._tables import read_parquet

S1_SOURCES = ("benv2s1", "mmflood", "sen1flood", "quakeset")
"""Sources of Sentinel-1, as parts of keys; all others are Sentinel-2 (https://github.com/DarthReca/closp)."""

_TURNED = ("benv2s1", "sen1flood")
_COLUMNS = ("key", "split", "labels")
_TREE = """
crisislandmark.h5   (key -> image (2 or 12, 120, 120), coords (2, 120, 120); attributes crs, timestamp)
*.h5                (the shards it links to)
metadata.parquet    (key, split, labels; metadata_*.parquet are read as well)
"""


def open_crisislandmark(name: str, root: Path) -> ListedDataset:
    """Open CrisisLandMark.

    Raises:
        InputError: A file is missing; the message shows the expected tree.
        MissingExtraError: h5py is not installed.
    """
    _h5py()
    tables = sorted(root.glob("metadata*.parquet"))
    archive = root / "crisislandmark.h5"
    if not tables or not archive.is_file():
        raise wrong_layout(name, root, "no metadata.parquet" if not tables else "no crisislandmark.h5", _TREE)
    splits = ordered_splits(row["split"] for table in tables for row in read_parquet(table, _COLUMNS))
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, archive, tables))


def _h5py() -> Any:
    try:
        import h5py
        import hdf5plugin  # noqa: F401 - registers the compression the shards are written with
    except ImportError as error:
        raise MissingExtraError(error.name or "h5py", extra="datasets") from None
    return h5py


def _samples(name: str, archive: Path, tables: list[Path]) -> Iterator[Sample]:
    for table in tables:
        for row in read_parquet(table, _COLUMNS):
            key = str(row["key"])
            sample_id, role = safe_name(key), "s1" if any(source in key for source in S1_SOURCES) else "s2"
            labels = sentences(row["labels"] or ())
            read = partial(_read, archive, key, name=f"{sample_id}.{role}", collection=name)
            view = View(role=role, read=read, files=(archive,))
            yield Sample(sample_id=sample_id, split=row["split"], group=sample_id, views=(view,), labels=labels)


def _read(archive: Path, key: str, *, name: str, collection: str) -> Tile:
    image, known = _stored(archive, key)
    href = f"{archive}#{key}"
    if any(source in key for source in S1_SOURCES):
        image = image[-2:][:: -1 if any(source in key for source in _TURNED) else 1]
        encoding = "db" if (image[np.isfinite(image)] < 0).any() else "linear"
        sensor = f"sentinel-1-grd/{encoding}"
    else:
        sensor = "sentinel-2-l2a/dn"
    return stored_tile(image, sensor=sensor, name=name, collection=collection, href=href, **known)


def _stored(archive: Path, key: str) -> tuple[NDArray[Any], dict[str, Any]]:
    """The numbers of a key, and its place and date."""
    h5py = _h5py()
    try:
        with h5py.File(archive, "r") as file:
            link = file.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink) and inside(archive.parent, link.filename) is None:
                raise SceneError(f"links to {link.filename!r}, which is outside the folder of {archive.name}")
            item = file[key]
            check_pixels(*item["image"].shape[-2:])
            check_pixels(*item["coords"].shape[-2:])
            image, coords, attributes = item["image"][()], item["coords"][()], dict(item.attrs)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise SceneError(f"{key} cannot be read from {archive.name}: {' '.join(str(error).split())}") from None
    return image, {**_place(coords, attributes.get("crs")), "datetime": _date(attributes.get("timestamp"))}


def _place(coords: NDArray[Any], code: Any) -> dict[str, Any]:
    """The fields of the tile that follow from the coordinates of its pixel centres."""
    from affine import Affine
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    if code is None or not np.isfinite(coords).all():
        return {}
    xs, ys = coords.astype(np.float64)
    height, width = xs.shape
    across, down = (xs[0, -1] - xs[0, 0]) / (width - 1), (ys[-1, 0] - ys[0, 0]) / (height - 1)
    transform = Affine(across, 0, xs[0, 0] - across / 2, 0, down, ys[0, 0] - down / 2)
    try:
        crs = CRS.from_epsg(int(np.ravel(code)[0]))
    except (CRSError, ValueError) as error:
        raise SceneError(f"has the EPSG code {code!r}, which is none: {error}") from None
    return place_of(SimpleNamespace(crs=crs, transform=transform, width=width, height=height))


def _date(value: Any) -> datetime | None:
    """Seconds since 1970 or ISO text; None where the source gave no time."""
    first = np.ravel(value)[0] if value is not None and np.size(value) else None
    text = first.decode() if isinstance(first, bytes) else first
    try:
        if isinstance(text, str):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        return datetime.fromtimestamp(float(text), UTC) if text is not None and float(text) > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
