"""The Zarr archives of SSL4EO-S12 v1.1: as zips of 64 places, or as tars of zips of one place.

Zarr can name codecs that run whatever a file says (pickle); arrays with such codecs, or with objects in them, are
refused before anything is decoded.
"""

from __future__ import annotations

import io
import json
import math
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import InputError, MissingExtraError, Offset, Sample, SceneError, Tile, View, safe_name
from embeddings.datasets._listed import files_under
from embeddings.datasets._opening import check_pixels
from embeddings.datasets._read import stored_tile

_L2A = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")


@dataclass(frozen=True, kw_only=True)
class Product:
    """One of the products of SSL4EO-S12."""

    role: str
    """Role of its view."""
    sensor: str
    """Sensor and encoding."""
    bands: tuple[str, ...]
    """In the order of the arrays."""


PRODUCTS: Mapping[str, Product] = {
    "S2L2A": Product(role="s2", sensor="sentinel-2-l2a/dn", bands=_L2A),
    "S2L1C": Product(role="s2-l1c", sensor="sentinel-2-l1c/dn", bands=(*_L2A[:10], "B10", *_L2A[10:])),
    "S1GRD": Product(role="s1", sensor="sentinel-1-grd/db", bands=("VV", "VH")),
}
"""Folder of v1.1 to product; the first that is there is listed."""

SHIFT = Offset(value=-1000, origin="dataset")
"""1000 was added to the Sentinel-2 numbers of the zips of 64 places: see the means in the README of v1.1
(https://github.com/DLR-MF-DAS/SSL4EO-S12-v1.1), a thousand above those that its loader of the tars has."""

_MEMBER_BYTES = 2**28
"""Largest zip taken out of a tar; one place holds 4 x 13 x 264 x 264 numbers of 2 bytes, 7 MB, before compression."""

_CHUNK_NUMBERS = 2**28
"""Largest chunk decoded: 64 places x 13 x 264 x 264 numbers are a fifth of it."""

_METADATA_BYTES = 2**24
"""Largest description of arrays read out of a zip."""

_COMPRESSORS = ("blosc", "zstd", "zlib", "lz4", "gzip", "bz2", "lzma")

_UNITS: Mapping[str, Any] = {
    "nanoseconds": "ns",
    "microseconds": "us",
    "milliseconds": "ms",
    "seconds": "s",
    "minutes": "m",
    "hours": "h",
    "days": "D",
}
"""Units that xarray writes times in (https://cfconventions.org/cf-conventions/cf-conventions.html#time-coordinate)."""

Shards = Mapping[str, tuple[Path, ...]]
"""Folder of a product to its archives."""


def shard_files(folder: Path) -> Shards:
    """Return the archives of each product in the folder of a split; products without any are left out."""
    found = {key: tuple(_archives(folder / key)) for key in PRODUCTS if (folder / key).is_dir()}
    return {key: paths for key, paths in found.items() if paths}


def _archives(folder: Path) -> list[Path]:
    return [path for path in files_under(folder, (".zip", ".tar")) if path.name.endswith((".zarr.zip", ".tar"))]


def shard_samples(name: str, splits: Mapping[str, Shards]) -> Iterator[Sample]:
    """Yield a sample a place and season; opens each archive of the first product for the names in it.

    Raises:
        InputError: An archive of another product is missing, or one is not what it should be.
        MissingExtraError: zarr is not installed.
    """
    for split, shards in splits.items():
        for path in next(iter(shards.values())):
            twins = {key: _twin(path, key) for key in shards}
            for missing in (twin for twin in twins.values() if not twin.is_file()):
                raise InputError(
                    f"no {missing} to go with {path}; download both or remove the folder {missing.parent.name}"
                )
            for place in _places(path):
                for season in range(place.seasons):
                    yield _sample(name, split, twins, place, season)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a place is in its archive."""

    name: str
    index: int | None
    """Row of a zip of many places; None in a tar."""
    seasons: int


def _twin(path: Path, key: str) -> Path:
    return path.parent.parent / key / path.name


def _places(path: Path) -> list[_Place]:
    if path.suffix == ".tar":
        return [_Place(name=member, index=None, seasons=4) for member in _members(path)]
    try:
        with _opened(path, None) as group:
            names, seasons = _array(group, "sample", path), group["bands"].shape[1]
            return [_Place(name=str(place), index=row, seasons=seasons) for row, place in enumerate(names)]
    except SceneError as error:
        raise InputError(f"{path} {error}") from None


def _members(path: Path) -> list[str]:
    try:
        with tarfile.open(path, "r:") as archive:
            files = [member.name for member in archive if member.isfile()]
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{path} is not a tar: {error}") from None
    return sorted(file.removesuffix(".zarr.zip") for file in files if file.endswith(".zarr.zip"))


def _sample(name: str, split: str, twins: Mapping[str, Path], place: _Place, season: int) -> Sample:
    sample_id = safe_name(f"{place.name}-{season}")
    views = (
        View(
            role=PRODUCTS[key].role,
            read=partial(_tile, path, place, season, PRODUCTS[key], {"name": sample_id, "collection": name}),
            files=(path,),
        )
        for key, path in twins.items()
    )
    return Sample(sample_id=sample_id, split=split, group=safe_name(place.name), views=tuple(views))


def _tile(path: Path, place: _Place, season: int, product: Product, named: Mapping[str, str]) -> Tile:
    with _opened(path, place.name if place.index is None else None) as group:
        at = (season,) if place.index is None else (place.index, season)
        if place.index is not None and str(_array(group, "sample", path)[place.index]) != place.name:
            raise SceneError(f"has another place in row {place.index} than {place.name}")
        stored = _array(group, "bands", path, at)
        known: dict[str, Any] = {
            "datetime": _instant(group, path, at),
            "centroid": _centre(group, path, at[:-1]),
            "gsd": 10.0,
        }
    shifted = SHIFT if place.index is not None and product.sensor.startswith("sentinel-2") else None
    return stored_tile(
        stored.astype(np.float32) if stored.dtype == np.float16 else stored,
        sensor=product.sensor,
        bands=product.bands,
        offset=shifted,
        name=f"{named['name']}.{product.role}",
        collection=named["collection"],
        href=str(path),
        **known,
    )


def _instant(group: Any, path: Path, at: Sequence[int]) -> datetime | None:
    name = next((name for name in ("time_", "time") if name in group and group[name].ndim == len(at)), None)
    if name is None:
        return None
    value = int(np.asarray(_array(group, name, path, tuple(at))).astype("int64"))
    unit, _, origin = str(group[name].attrs.get("units", "nanoseconds since 1970-01-01")).partition(" since ")
    try:
        when = np.datetime64(origin.strip().replace(" ", "T"), "s") + np.timedelta64(value, _UNITS[unit])
    except (KeyError, ValueError):
        return None
    return datetime.fromtimestamp(int(when.astype("datetime64[s]").astype("int64")), UTC)


def _centre(group: Any, path: Path, at: tuple[int, ...]) -> tuple[float, float] | None:
    if "center_lon" not in group or "center_lat" not in group:
        return None
    lon, lat = (float(np.asarray(_array(group, name, path, at))) for name in ("center_lon", "center_lat"))
    return (lon, lat)


def _array(group: Any, name: str, path: Path, at: tuple[int, ...] = ()) -> NDArray[Any]:
    """Read one array, or the part of it at the leading indexes, after checking what it is made with."""
    if name not in group:
        raise SceneError(f"has no array {name!r}; expected bands and sample")
    array = group[name]
    if np.dtype(array.dtype).kind not in "biufMmU":
        raise SceneError(f"has {array.dtype} in {name!r}; expected numbers")
    if math.prod(array.chunks) > _CHUNK_NUMBERS:
        raise SceneError(
            f"has chunks of {array.chunks} in {name!r}; at most {_CHUNK_NUMBERS:,} numbers are decoded at once"
        )
    if name == "bands":
        check_pixels(*array.shape[-2:])
    try:
        return np.asarray(array[at] if at else array[...])
    except (ValueError, RuntimeError, KeyError, IndexError, OSError) as error:
        raise SceneError(f"cannot be read: {' '.join(str(error).split())}") from None


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[Any]:
    """Open the Zarr group of a zip, or of a zip inside a tar."""
    try:
        import zarr
    except ImportError:
        raise MissingExtraError("zarr", extra="datasets") from None
    try:
        with zipfile.ZipFile(path if member is None else io.BytesIO(_extracted(path, member))) as archive:
            _check_codecs(archive)
            store: Any = zarr.storage.ZipStore(path, mode="r") if member is None else _in_memory(archive)
            with closing(store):
                yield zarr.open_group(store, mode="r", zarr_format=2)
    except (zipfile.BadZipFile, tarfile.TarError, FileNotFoundError, KeyError) as error:
        raise SceneError(f"{path.name} is not a Zarr archive: {' '.join(str(error).split())}") from None


def _extracted(path: Path, member: str) -> bytes:
    with tarfile.open(path, "r:") as archive:
        found = archive.getmember(f"{member}.zarr.zip")
        file = archive.extractfile(found)
        if file is None or found.size > _MEMBER_BYTES:
            raise SceneError(f"{path.name} holds {member} as no file of at most {_MEMBER_BYTES:,} bytes")
        return file.read()


def _in_memory(archive: zipfile.ZipFile) -> Any:
    from zarr.core.buffer.cpu import Buffer
    from zarr.storage import MemoryStore

    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if sum(entry.file_size for entry in entries) > 4 * _MEMBER_BYTES:
        raise SceneError(f"unpacks to more than {4 * _MEMBER_BYTES:,} bytes")
    return MemoryStore({entry.filename: Buffer.from_bytes(archive.read(entry)) for entry in entries})


def _check_codecs(archive: zipfile.ZipFile) -> None:
    """Refuse arrays whose decoding could run code: objects, filters, and codecs that are not plain compression."""
    for entry in archive.infolist():
        if entry.filename.endswith((".zarray", ".zmetadata")):
            if entry.file_size > _METADATA_BYTES:
                raise SceneError(
                    f"has a description of {entry.file_size:,} bytes; at most {_METADATA_BYTES:,} are read"
                )
            document = json.loads(archive.read(entry))
            for array in document.get("metadata", {"": document}).values():
                codec = (array.get("compressor") or {}).get("id", "zstd")
                if codec not in _COMPRESSORS or array.get("filters") or "O" in str(array.get("dtype", "")):
                    raise SceneError(
                        f"has an array made with {codec} and {array.get('filters')}; only compression is read"
                    )
