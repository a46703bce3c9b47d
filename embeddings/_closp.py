"""CLOSP and GeoCLOSP: sentences, Sentinel-2 and Sentinel-1 in one space. Needs the torch extra.

`closp:rn`, `closp:vs`, `closp:vl` and `geoclosp:rn` take the published weights; `closp:rn@FILE` takes one's own of the
same structure. Tiles are fed exactly as the published code feeds them (docs/design/closp.md).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import EncodesTiles, InputError, MissingExtraError, SensorError, Tile, VectorSpace

from ._devices import Placed
from ._open_clip import define_torchvision_operators
from ._presets import Preset, find_preset
from ._torch_weights import as_safetensors, fetch
from ._weights import sha256_of

if TYPE_CHECKING:
    from ._closp_towers import ClospNetwork

PACKAGES = ("torch", "torchvision", "timm", "safetensors")
TOKENS = 64
"""Tokens after which a text is cut (models/closp.py, encode_text)."""
PREPARATION = 1
"""Part of the revision: raise it when the same tile looks different."""

OPTICAL = ("sentinel-2-l1c", "sentinel-2-l2a")
RADAR = ("sentinel-1-grd", "sentinel-1-rtc")
OPTICAL_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""Order of SSL4EO-S12, whose weights the towers start from. Level 2A has no B10: zeros stand at its index, 10
(dataset/crisis_land_mark.py)."""
CIRRUS = "B10"
RADAR_BANDS = ("VV", "VH")
MISSING_RADAR = 1e-6
"""What the published loader puts for NaN (dataset/crisis_land_mark.py), in dB, i.e. very bright."""
MISSING_ALL_BANDS = 1e-10
"""The same 1e-6 where all 13 bands are there, divided by 10,000; with 12 bands it puts 0."""


class ClospEncoder:
    """Encodes Sentinel-2 and Sentinel-1 tiles and sentences with a CLOSP network.

    Args:
        name: Name under which `open_encoder` finds it again.
        preset: Architecture and preparation.
        weights: Weights file; a pickled one is converted to safetensors beside it.

    Raises:
        ConfigError: If the weights do not fit the architecture; the message names keys or shapes.
    """

    located = False
    """Whether the file holds a location encoder."""

    def __init__(self, *, name: str, preset: Preset, weights: Path) -> None:
        from ._closp_towers import load_network
        from .training._text import load_tokenizer

        file = as_safetensors(weights)
        self._name = name
        self._network: ClospNetwork = load_network(file, name, preset.model, side=preset.size, located=self.located)
        self._placed = Placed(self._network)
        self._tokenizer: Any = load_tokenizer(TOKENS)
        self._space = VectorSpace(encoder=name, revision=f"{sha256_of(file)[:12]}.{PREPARATION}", dim=preset.dim)

    @property
    def space(self) -> VectorSpace:
        """The space the vectors live in."""
        return self._space

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return the tile's own pixels, float32: (13, h, w) reflectance or (2, h, w) dB. Thread-safe.

        Raises:
            SensorError: If it is no tile of Sentinel-2 or Sentinel-1, or lacks bands.
        """
        return planes(tile)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return (n, 384) unit vectors of (n, 13 or 2, h, w) float32; the number of channels tells the sensor."""
        import torch

        if batch.ndim != 4 or batch.dtype != np.float32 or batch.shape[1] not in {len(OPTICAL_BANDS), len(RADAR_BANDS)}:
            wanted = "(n, 13, h, w) for Sentinel-2, zeros for a missing B10, or (n, 2, h, w) for Sentinel-1, float32"
            raise InputError(f"tiles must be {wanted}; got {batch.shape} {batch.dtype}")
        pictures = torch.from_numpy(np.ascontiguousarray(batch))
        return self._placed.unit_vectors(self._network.encode_pictures, pictures, self._space.dim)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 384) unit vectors of sentences; long ones are cut at 64 tokens."""
        import torch

        encoded = self._tokenizer.encode_batch(list(texts))
        tokens = np.array([(item.ids, item.attention_mask) for item in encoded], dtype=np.int64)
        return self._placed.unit_vectors(self._network.encode_tokens, torch.from_numpy(tokens), self._space.dim)

    def __reduce__(self) -> tuple[Callable[[str], EncodesTiles], tuple[str]]:
        from ._encoders import open_encoder

        return open_encoder, (self._name,)


class GeoClospEncoder(ClospEncoder):
    """CLOSP that was trained with a location encoder beside the towers.

    Places are encoded on request only: as in the published model, no vector of a tile or a text depends on one.
    """

    located = True

    def encode_places(self, lonlat: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return (n, 384) unit vectors of places, comparable with those of tiles.

        Args:
            lonlat: (n, 2) lon, lat in degrees, EPSG:4326.

        Raises:
            InputError: If the shape is another, or a place is not on the globe (lat before lon, most often).
        """
        import torch

        from ._location import check_places

        places = torch.from_numpy(np.ascontiguousarray(lonlat, dtype=np.float32))
        check_places(places)
        return self._placed.unit_vectors(self._network.encode_places, places, self._space.dim)


def planes(tile: Tile) -> NDArray[np.float32]:
    """Return what the towers see of a tile: (13, h, w) reflectance of Sentinel-2 or (2, h, w) dB of Sentinel-1.

    Raises:
        SensorError: If the tile is of another sensor, or lacks bands.
    """
    if tile.sensor.name in OPTICAL:
        _require(tile, tuple(band for band in OPTICAL_BANDS if band != CIRRUS))
        return _chosen(tile, OPTICAL_BANDS, MISSING_ALL_BANDS if CIRRUS in tile.bands else 0.0)
    if tile.sensor.name in RADAR:
        _require(tile, RADAR_BANDS)
        return _chosen(tile, RADAR_BANDS, MISSING_RADAR)
    raise SensorError(
        f"CLOSP takes tiles of {', '.join(OPTICAL + RADAR)}; got {tile.sensor.name} ({', '.join(tile.bands)}). "
        "swath-mini takes any sensor; remoteclip, georsclip and skyclip take any that has a colour rendering"
    )


def open_closp(name: str) -> ClospEncoder:
    """Open `closp:rn` and its like, or `closp:rn@FILE` with weights of one's own.

    Raises:
        UnknownNameError: If there is no such variant.
        InputError: If the file after the @ is left out.
    """
    known, at, own = name.partition("@")
    preset = find_preset(known)
    if at and not own:
        raise InputError(f"{name!r} lacks the file after the @, for example {known}@/models/my-closp.safetensors")
    _require_packages()
    if own:
        weights = fetch(Path(own), repo=None, path=None, url=None)
    else:
        weights = fetch(preset.place, repo=preset.repo, path=preset.path, url=preset.url, sha256=preset.sha256)
    kind = GeoClospEncoder if preset.family == "geoclosp" else ClospEncoder
    return kind(name=name, preset=preset, weights=weights)


def _require_packages() -> None:
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, extra="torch")
    define_torchvision_operators()  # timm imports torchvision


def _require(tile: Tile, bands: tuple[str, ...]) -> None:
    missing = [band for band in bands if band not in tile.bands]
    if missing:
        raise SensorError(
            f"CLOSP needs {', '.join(bands)} of {tile.sensor.name}, got {', '.join(tile.bands)}; "
            f"missing: {', '.join(missing)}"
        )


def _chosen(tile: Tile, bands: tuple[str, ...], missing: float) -> NDArray[np.float32]:
    """Return the bands in that order: zeros for one the tile has not, `missing` for pixels without data."""
    out = np.zeros((len(bands), *tile.mask.shape), dtype=np.float32)
    for index, band in enumerate(bands):
        if band in tile.bands:
            plane = tile.pixels[tile.bands.index(band)]
            out[index] = np.where(tile.mask & np.isfinite(plane), plane, np.float32(missing))
    return out
