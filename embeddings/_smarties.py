"""SMARTIES: one vision transformer for many sensors, https://arxiv.org/abs/2506.19585. Pictures only, it has no text.

Each band is cut into patches and projected by the layer of its wavelength range; the mean over the bands, times 12, is
the token. The class token after the last norm is the vector (`forward_features` of the published models_smarties.py,
which the published nearest-neighbour evaluation uses). Key names are the published ones, without the decoder of the
pretraining.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import EncodesTiles, InputError, SensorError, Tile, VectorSpace

from ._devices import Placed
from ._open_clip import define_torchvision_operators, require_torch
from ._picture import PREPARATION, square_planes
from ._presets import find_preset
from ._torch_weights import as_safetensors, fetch, load_into
from ._weights import sha256_of

if TYPE_CHECKING:
    import torch

SENSORS = Path(__file__).parent / "_smarties.toml"
DECODER = ("decoder_", "mask_token")
"""Beginnings of the keys that only pretraining uses."""
SIZE, PATCH = 224, 16
RANGES = 17
"""Wavelength ranges that have a projection of their own."""
PROJECTION_SCALE = 12.0
"""`projection_scaler` of the published code."""
SIZES = {"ViT-B-16": (768, 12, 12), "ViT-L-16": (1024, 24, 16)}
"""Width, blocks and heads of `vit_base_patch16` and `vit_large_patch16`, models_smarties_vit.py."""
SENSOR_OF = {"naip": "rgb", "sentinel-1-rtc": "sentinel-1-grd"}
"""Sensors fed with the numbers of a training sensor: 8-bit colours, and gamma0, which is brighter than sigma0 by
1 / cos(incidence) on flat ground (https://sentiwiki.copernicus.eu/web/s1-products)."""


@dataclass(frozen=True, kw_only=True)
class KnownBand:
    """A band of a training sensor."""

    band: str
    """Its name: the sensor's, or the common name for plain colours."""
    projection: int
    """Number of its wavelength range."""
    low: float
    """1st percentile, scaled to 0."""
    high: float
    """99th percentile, scaled to 1."""
    mean: float
    """Subtracted after scaling."""
    std: float
    """Divided by after that."""


@dataclass(frozen=True, kw_only=True)
class KnownSensor:
    """A training sensor."""

    title: str
    """One line for people."""
    scale: float
    """What our values are multiplied by to be in the percentiles' unit."""
    bands: tuple[KnownBand, ...]
    """In the order of the planes."""


@functools.cache
def known_sensors() -> dict[str, KnownSensor]:
    """Return the training sensors by the name of ours."""
    table = tomllib.loads(SENSORS.read_text(encoding="utf-8"))
    return {
        name: KnownSensor(
            title=row["title"], scale=row["scale"], bands=tuple(KnownBand(**band) for band in row["bands"])
        )
        for name, row in table.items()
    }


class SmartiesEncoder:
    """Encodes optical and SAR tiles with the weights of SMARTIES.

    Args:
        name: Name under which `open_encoder` finds it again.
        model: Key of SIZES.
        weights: Weights file; a pickled one is converted to safetensors beside it.

    Raises:
        MissingExtraError: If torch or timm is not installed.
        ConfigError: If the weights do not fit.
    """

    def __init__(self, *, name: str, model: str, weights: Path) -> None:
        width, depth, heads = SIZES[model]
        file = as_safetensors(weights)
        network = build_network(width, depth, heads)
        load_into(network, file, model, ignored=DECODER)
        self._name = name
        self._placed = Placed(network)
        self._space = VectorSpace(encoder=name, revision=f"{sha256_of(file)[:12]}.{PREPARATION}", dim=width)

    @property
    def space(self) -> VectorSpace:
        """The space the vectors live in."""
        return self._space

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return (3, 12 or 2, 224, 224) float32: colours, Sentinel-2 or SAR; a plane of NaN is absent. Thread-safe.

        Raises:
            SensorError: The tile is of no training sensor, or has none of its bands.
        """
        return sensor_planes(tile)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors of (n, bands, 224, 224) float32 planes from `prepare`."""
        import torch

        numbers = {len(sensor.bands): sensor for sensor in known_sensors().values()}
        if batch.dtype != np.float32 or batch.shape[1] not in numbers or batch.shape[2:] != (SIZE, SIZE):
            wanted = " or ".join(str(number) for number in sorted(numbers))
            raise InputError(f"planes must be (n, {wanted}, {SIZE}, {SIZE}) float32, got {batch.shape} {batch.dtype}")
        ranges = [band.projection for band in numbers[batch.shape[1]].bands]
        forward = functools.partial(vectors_of, self._placed.network, ranges)
        return self._placed.unit_vectors(forward, torch.from_numpy(np.array(batch)), self._space.dim)

    def onnx_graphs(self) -> Iterator[dict[str, Any]]:
        """Yield the graph of `swath export-encoder`: one plane for each wavelength range, NaN where there is none."""
        import torch

        forward = functools.partial(vectors_of, self._placed.network, list(range(RANGES)))
        example = {"planes": torch.zeros(2, RANGES, SIZE, SIZE)}
        yield {"file": "image.onnx", "forward": forward, "network": self._placed.network, "inputs": example}

    def onnx_facts(self) -> dict[str, Any]:
        """Return what the manifest of an exported folder says."""
        inputs = ["rgb", "optical", "sar"]
        return {"looks": "smarties", "dim": self._space.dim, "size": SIZE, "max_tokens": 0, "inputs": inputs}

    def __reduce__(self) -> tuple[Callable[[str], EncodesTiles], tuple[str]]:
        from ._encoders import open_encoder

        return open_encoder, (self._name,)


def open_smarties(name: str) -> SmartiesEncoder:
    """Open `smarties:ViT-B` or `smarties:ViT-L`."""
    preset = find_preset(name)
    require_torch("timm")
    weights = fetch(preset.place, repo=preset.repo, path=preset.path, url=preset.url, sha256=preset.sha256)
    return SmartiesEncoder(name=name, model=preset.model, weights=weights)


def sensor_of(tile: Tile) -> KnownSensor:
    """Return the training sensor of a tile.

    Raises:
        SensorError: There is none.
    """
    known = known_sensors()
    name = SENSOR_OF.get(tile.sensor.name, tile.sensor.name)
    if name not in known:
        raise SensorError(f"smarties was not trained on {tile.sensor.name}; it takes {', '.join((*known, *SENSOR_OF))}")
    return known[name]


def sensor_planes(tile: Tile) -> NDArray[np.float32]:
    """Return (3, 12 or 2, 224, 224): the bands of the training sensor, scaled; NaN where the tile has none.

    Raises:
        SensorError: The tile is of no training sensor, or has none of its bands.
    """
    sensor = sensor_of(tile)
    planes = np.full((len(sensor.bands), SIZE, SIZE), np.nan, dtype=np.float32)
    names = [_known_name(tile, name) for name in tile.bands]
    rows = [row for row, known in enumerate(sensor.bands) if known.band in names]
    if not rows:
        raise SensorError(f"smarties knows none of the bands {', '.join(tile.bands)} of {tile.sensor.name}")
    chosen = [scaled(tile.pixels[names.index(sensor.bands[row].band)], sensor, row) for row in rows]
    planes[rows] = square_planes(np.stack(chosen), tile.mask, SIZE, bicubic=True)
    return planes


def scaled(plane: NDArray[np.float32], sensor: KnownSensor, row: int) -> NDArray[np.float32]:
    """Return (h, w) in the unit of training: percentiles to 0..1, then mean and std."""
    band = sensor.bands[row]
    unit = np.clip((plane * sensor.scale - band.low) / (band.high - band.low), 0.0, 1.0)
    standard: NDArray[np.float32] = ((unit - band.mean) / band.std).astype(np.float32)
    return standard


def _known_name(tile: Tile, name: str) -> str:
    band = tile.sensor.band(name)
    return band.common_name if band.unit == "dn" else band.name


def build_network(width: int, depth: int, heads: int) -> torch.nn.Module:
    """Return the encoder under the published key names."""
    define_torchvision_operators()  # timm imports torchvision
    import torch
    from timm.models.vision_transformer import Block

    norm: Any = functools.partial(torch.nn.LayerNorm, eps=1e-6)
    network = torch.nn.Module()
    ranges = (torch.nn.ModuleDict({"proj": torch.nn.Linear(PATCH * PATCH, width)}) for _ in range(RANGES))
    network.spectrum_projection = torch.nn.ModuleDict({"spectrum_embeds": torch.nn.ModuleList(ranges)})
    network.cls_token = torch.nn.Parameter(torch.zeros(1, 1, width))
    network.pos_embed = torch.nn.Parameter(torch.zeros(1, (SIZE // PATCH) ** 2 + 1, width))
    blocks = (Block(width, heads, mlp_ratio=4.0, qkv_bias=True, norm_layer=norm) for _ in range(depth))
    network.blocks = torch.nn.ModuleList(blocks)
    network.norm = norm(width)
    return network


def vectors_of(network: Any, ranges: list[int], planes: torch.Tensor) -> torch.Tensor:
    """Return (n, width) vectors of planes (n, bands, 224, 224), whose absent ones are NaN.

    Args:
        network: From `build_network`.
        ranges: Number of the wavelength range of each plane.
        planes: On the network's device.
    """
    import torch

    there = ~planes[:, :, 0, 0].isnan()  # (n, bands)
    layers = network.spectrum_projection["spectrum_embeds"]
    side = SIZE // PATCH
    grid = planes.reshape(*planes.shape[:2], side, PATCH, side, PATCH).permute(0, 1, 2, 4, 3, 5)
    patches = grid.reshape(*planes.shape[:2], side * side, PATCH * PATCH).nan_to_num()
    bands = torch.stack([layers[number]["proj"](patches[:, row]) for row, number in enumerate(ranges)], dim=1)
    weight = there.to(bands.dtype)[:, :, None, None]
    tokens = PROJECTION_SCALE * (bands * weight).sum(1) / weight.sum(1)
    hidden = torch.cat([network.cls_token.expand(len(planes), -1, -1), tokens], dim=1) + network.pos_embed
    for block in network.blocks:
        hidden = block(hidden)
    vectors: torch.Tensor = network.norm(hidden)[:, 0]
    return vectors
