"""SARCLIP: CLIP for radar, https://github.com/CAESAR-Radi/SARCLIP. Three planes in, made from VV and VH or one band.

Published are scaled planes instead of pictures: dB values are shifted and divided per polarisation and cut at the top
only; no mean and std of CLIP. How they are made is `readtif` of the repository's sar_clip/data.py, read as kept in
https://github.com/Jordan-Liao/IRAOD-New/blob/751c2700cf35fb5c7bb848d0643c61f349508498/sar_clip/data.py.
The side of the picture follows from the positions in the weights file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from core import ConfigError, InputError, SensorError, Tile

from ._open_clip import OpenClipEncoder, check_model, import_open_clip, weights_of
from ._picture import square_planes
from ._presets import find_preset
from ._torch_weights import read_tensors

if TYPE_CHECKING:
    import torch

PAIR_SHIFT, PAIR_RANGE = (25.0, 32.5), 25.0
"""dB added to VV and VH of a pair, and dB they are divided by (Sentinel-1 in the published training data)."""
SINGLE_SHIFT, SINGLE_RANGE = 25.0, 30.0
"""The same of a band alone (Capella in the published training data)."""
POSITIONS = ("visual.positional_embedding", "visual.attnpool.positional_embedding")
"""Key of the positions of a vision transformer and of a ResNet, https://github.com/mlfoundations/open_clip."""
RESNET_STRIDE = 32
"""Pixels a position of a ResNet stands for."""


class SarClipEncoder(OpenClipEncoder):
    """Encodes radar tiles and sentences with the weights of SARCLIP."""

    def _build(self, open_clip: Any, model: str, file: Path) -> torch.nn.Module:
        check_model(open_clip, model)
        patch = open_clip.get_model_config(model)["vision_cfg"].get("patch_size") or RESNET_STRIDE
        side = picture_side(file, model, patch)
        network: torch.nn.Module = open_clip.create_model(
            model, pretrained=None, load_weights=False, force_image_size=side
        )
        return network

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return (3, size, size) float32, the planes of `radar_planes`. Thread-safe.

        Raises:
            SensorError: The tile has neither one band nor VV and VH in dB, and is no 8-bit grey picture.
        """
        return square_planes(radar_planes(tile), tile.mask, self._size, bicubic=True)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors of (n, 3, size, size) float32 planes."""
        import torch

        if batch.dtype != np.float32 or batch.shape[1:] != (3, self._size, self._size):
            wanted = f"(n, 3, {self._size}, {self._size}) float32"
            raise InputError(f"radar planes must be {wanted}, got {batch.shape} {batch.dtype}")
        network: Any = self._placed.network
        planes = torch.from_numpy(np.array(batch))
        return self._placed.unit_vectors(network.encode_image, planes, self._space.dim)

    _onnx_looks: ClassVar[dict[str, Any]] = {"looks": "sarclip", "inputs": ["sar", "text"]}

    def _onnx_picture(self) -> tuple[str, Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
        import torch

        network: Any = self._placed.network
        return "planes", network.encode_image, torch.zeros(2, 3, self._size, self._size)


def open_sarclip(name: str) -> SarClipEncoder:
    """Open `sarclip:ViT-B-32` and its like."""
    preset = find_preset(name)
    import_open_clip()
    return SarClipEncoder(name=name, model=preset.model, weights=weights_of(preset))


def radar_planes(tile: Tile) -> NDArray[np.float32]:
    """Return (3, h, w): VV, VH and their mean, or one band three times; 0.5 becomes 0 and 1, the most there is, 1.

    Raises:
        SensorError: The tile has neither one band nor VV and VH in dB, and is no 8-bit grey picture.
    """
    units = {tile.sensor.band(name).unit for name in tile.bands}
    if units == {"dB"}:
        planes = _from_db(tile)
    elif units == {"dn"} and (tile.pixels == tile.pixels[:1]).all():
        planes = np.repeat(tile.pixels[:1] / np.float32(255.0), 3, axis=0)
    else:
        raise SensorError(
            f"sarclip sees radar: VV and VH or one band in dB, or an 8-bit grey picture; got {tile.sensor.name} "
            f"with {', '.join(tile.bands)}"
        )
    scaled: NDArray[np.float32] = ((planes - 0.5) * 2).astype(np.float32)
    return scaled


def _from_db(tile: Tile) -> NDArray[np.float32]:
    names = [tile.sensor.band(name).common_name for name in tile.bands]
    if {"vv", "vh"} <= set(names):
        pair = [tile.pixels[names.index(name)] for name in ("vv", "vh")]
        vv, vh = (np.minimum((x + shift) / PAIR_RANGE, 1.0) for x, shift in zip(pair, PAIR_SHIFT, strict=True))
        return np.stack([vv, vh, (vv + vh) / 2])
    if len(names) == 1:
        return np.repeat(np.minimum((tile.pixels + SINGLE_SHIFT) / SINGLE_RANGE, 1.0), 3, axis=0)
    raise SensorError(
        f"sarclip sees VV and VH together or one band; got {tile.sensor.name} with {', '.join(tile.bands)}"
    )


def picture_side(file: Path, model: str, patch: int) -> int:
    """Return the side in pixels that the positions in a weights file stand for.

    Raises:
        ConfigError: If the file holds none, or not one for the class and a square of patches.
    """
    tensors = read_tensors(file, model)
    found = [key for key in POSITIONS if key in tensors]
    if not found:
        raise ConfigError(f"{file} does not fit {model}: missing keys {' or '.join(POSITIONS)}")
    patches = tensors[found[0]].shape[0] - 1
    side = math.isqrt(max(0, patches))
    if side == 0 or side * side != patches:
        raise ConfigError(f"{file} does not fit {model}: {found[0]} has {patches + 1} rows, expected 1 and a square")
    return side * patch
