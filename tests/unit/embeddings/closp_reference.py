"""CLOSP written a second time: published keys and shapes, a random file of them, and the forward pass over raw tensors.

From the paper (https://arxiv.org/abs/2507.10403) and those of its parts: ResNet-50 (https://arxiv.org/abs/1512.03385,
stride on the 3x3 convolution), ViT (https://arxiv.org/abs/2010.11929), BERT (https://arxiv.org/abs/1810.04805), SIREN
and SatCLIP. Uses neither the product's modules nor timm. Weights are random: figures made with them mean nothing.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.polynomial.legendre import Legendre
from torch.nn import functional

Shapes = dict[str, tuple[int, ...]]
State = Mapping[str, torch.Tensor]

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
WIDTHS = {"rn": 2048, "vs": 384, "vl": 1024}
DEPTHS = {"vs": 12, "vl": 24}
HEADS = {"rn": (1000, 1000), "vs": (0, 1000), "vl": (0, 0)}


def published_shapes(variant: str, *, located: bool = False) -> Shapes:
    """Return every key of the published file with its shape."""
    shapes = text_shapes()
    for sensor, channels, head in zip(("s1", "s2"), (2, 13), HEADS[variant], strict=True):
        tower = resnet_shapes(channels, head) if variant == "rn" else vit_shapes(variant, channels, head)
        shapes |= {f"{sensor}_encoder.{key}": shape for key, shape in tower.items()}
        shapes |= linear(f"{sensor}_projection", head or WIDTHS[variant], 384)
    return shapes | location_shapes() if located else shapes


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, width: int, *, batch: bool = False) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    if batch:
        shapes |= {f"{name}.running_mean": (width,), f"{name}.running_var": (width,), f"{name}.num_batches_tracked": ()}
    return shapes


def resnet_shapes(channels: int, head: int) -> Shapes:
    shapes = {"conv1.weight": (64, channels, 7, 7)} | norm("bn1", 64, batch=True) | linear("fc", 2048, head)
    inputs = 64
    for stage, (width, blocks) in enumerate(STAGES, start=1):
        for block in range(blocks):
            at = f"layer{stage}.{block}"
            kernels = (width, inputs, 1, 1), (width, width, 3, 3), (4 * width, width, 1, 1)
            for number, kernel in enumerate(kernels, start=1):
                shapes |= {f"{at}.conv{number}.weight": kernel} | norm(f"{at}.bn{number}", kernel[0], batch=True)
            if block == 0:
                shapes |= {f"{at}.downsample.0.weight": (4 * width, inputs, 1, 1)}
                shapes |= norm(f"{at}.downsample.1", 4 * width, batch=True)
            inputs = 4 * width
    return shapes


def vit_shapes(variant: str, channels: int, head: int) -> Shapes:
    width = WIDTHS[variant]
    shapes: Shapes = {"cls_token": (1, 1, width), "pos_embed": (1, 197, width)}
    shapes |= {"patch_embed.proj.weight": (width, channels, 16, 16), "patch_embed.proj.bias": (width,)}
    for block in range(DEPTHS[variant]):
        at = f"blocks.{block}"
        shapes |= norm(f"{at}.norm1", width) | norm(f"{at}.norm2", width)
        shapes |= linear(f"{at}.attn.qkv", width, 3 * width) | linear(f"{at}.attn.proj", width, width)
        shapes |= linear(f"{at}.mlp.fc1", width, 4 * width) | linear(f"{at}.mlp.fc2", 4 * width, width)
    return shapes | norm("norm", width) | (linear("head", width, head) if head else {})


def text_shapes() -> Shapes:
    at = "text_model.embeddings"
    shapes: Shapes = {f"{at}.word_embeddings.weight": (30522, 384), f"{at}.position_embeddings.weight": (512, 384)}
    shapes |= {f"{at}.token_type_embeddings.weight": (2, 384)} | norm(f"{at}.LayerNorm", 384)
    for layer in range(6):
        at = f"text_model.encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            shapes |= linear(f"{at}.attention.self.{part}", 384, 384)
        shapes |= linear(f"{at}.attention.output.dense", 384, 384) | norm(f"{at}.attention.output.LayerNorm", 384)
        shapes |= linear(f"{at}.intermediate.dense", 384, 1536) | linear(f"{at}.output.dense", 1536, 384)
        shapes |= norm(f"{at}.output.LayerNorm", 384)
    return shapes | linear("text_model.pooler.dense", 384, 384)


def location_shapes(width: int = 512) -> Shapes:
    at = "location_encoder.nnet"
    shapes = linear(f"{at}.layers.0", 100, width) | linear(f"{at}.layers.1", width, width)
    return shapes | linear(f"{at}.last_layer", width, 256) | linear("location_projection", 256, 384)


def random_tensor(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return weights that keep activations of a deep network within bounds and let every one of them matter."""
    random = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("num_batches_tracked"):
        return np.array(7, dtype=np.int64)
    if len(shape) == 1 and key.endswith(("weight", "running_var")):  # gains and variances
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    if key.endswith(("cls_token", "pos_embed")) or "_embeddings." in key:
        spread = 0.5
    elif len(shape) == 1:
        spread = 0.1
    else:
        inputs = int(np.prod(shape[1:]))
        spread = ((2.0 if len(shape) == 4 else 1.0) / inputs) ** 0.5
    return random.standard_normal(shape, dtype=np.float32) * np.float32(spread)


def write_random(path: Path, shapes: Shapes) -> Path:
    """Write a safetensors file tensor by tensor, so that 2.5 GB never lie in memory, as transformers writes it."""
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    ordered = sorted(shapes, key=lambda key: (not key.endswith("num_batches_tracked"), key))
    for key in ordered:
        kind, size = ("I64", 8) if key.endswith("num_batches_tracked") else ("F32", 4)
        end = offset + size * int(np.prod(shapes[key]))
        head[key] = {"dtype": kind, "shape": list(shapes[key]), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for key in ordered:
            stream.write(random_tensor(key, shapes[key]).tobytes())
    return path


def opened(path: Path) -> Any:
    from safetensors import safe_open

    return safe_open(str(path), framework="pt")


class OnDisk(Mapping[str, torch.Tensor]):
    """The tensors of a file, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path)
        self._keys = frozenset(self._file.keys())

    def __getitem__(self, key: str) -> torch.Tensor:
        tensor: torch.Tensor = self._file.get_tensor(key)
        return tensor

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def picture_vectors(state: State, variant: str, pictures: torch.Tensor) -> torch.Tensor:
    """Return (n, 384), not normalised, of (n, 2 or 13, h, w) as the towers take them."""
    sensor = "s1" if pictures.shape[1] == 2 else "s2"
    if variant == "rn":
        features = resnet(state, f"{sensor}_encoder", pictures)
    else:
        features = vit(state, f"{sensor}_encoder", aligned_resize(pictures, 224), variant)
    return affine(state, f"{sensor}_projection", features)


def affine(state: State, name: str, x: torch.Tensor) -> torch.Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def batch_norm(state: State, name: str, x: torch.Tensor) -> torch.Tensor:
    mean, variance, weight, bias = (
        state[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(variance + 1e-5) * weight + bias


def resnet(state: State, at: str, x: torch.Tensor) -> torch.Tensor:
    x = functional.conv2d(x, state[f"{at}.conv1.weight"], stride=2, padding=3)
    x = functional.max_pool2d(batch_norm(state, f"{at}.bn1", x).clamp(min=0), 3, stride=2, padding=1)
    for stage, (_, blocks) in enumerate(STAGES, start=1):
        for block in range(blocks):
            x = bottleneck(state, f"{at}.layer{stage}.{block}", x, stride=2 if stage > 1 and block == 0 else 1)
    return affine(state, f"{at}.fc", x.mean(dim=(2, 3)))


def bottleneck(state: State, at: str, x: torch.Tensor, stride: int) -> torch.Tensor:
    y = batch_norm(state, f"{at}.bn1", functional.conv2d(x, state[f"{at}.conv1.weight"])).clamp(min=0)
    y = functional.conv2d(y, state[f"{at}.conv2.weight"], stride=stride, padding=1)
    y = functional.conv2d(batch_norm(state, f"{at}.bn2", y).clamp(min=0), state[f"{at}.conv3.weight"])
    if f"{at}.downsample.0.weight" in state:
        x = functional.conv2d(x, state[f"{at}.downsample.0.weight"], stride=stride)
        x = batch_norm(state, f"{at}.downsample.1", x)
    return (batch_norm(state, f"{at}.bn3", y) + x).clamp(min=0)


def layer_norm(state: State, name: str, x: torch.Tensor, epsilon: float) -> torch.Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    scaled = centred / torch.sqrt(centred.square().mean(dim=-1, keepdim=True) + epsilon)
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def gelu(x: torch.Tensor) -> torch.Tensor:
    return x * 0.5 * (1 + torch.erf(x / 2**0.5))


def attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, width: int) -> torch.Tensor:
    """Return (n, t, d) of (n, t, d) with heads of `width`."""
    heads = [
        torch.softmax(query[..., at] @ key[..., at].transpose(1, 2) / width**0.5, dim=-1) @ value[..., at]
        for at in (slice(start, start + width) for start in range(0, query.shape[-1], width))
    ]
    return torch.cat(heads, dim=-1)


def vit(state: State, at: str, pictures: torch.Tensor, variant: str) -> torch.Tensor:
    count, width = len(pictures), WIDTHS[variant]
    kernel = state[f"{at}.patch_embed.proj.weight"].reshape(width, -1)
    patches = functional.unfold(pictures, 16, stride=16).transpose(1, 2)
    tokens = patches @ kernel.T + state[f"{at}.patch_embed.proj.bias"]
    x = torch.cat([state[f"{at}.cls_token"].expand(count, 1, width), tokens], dim=1) + state[f"{at}.pos_embed"]
    for block in range(DEPTHS[variant]):
        inside = f"{at}.blocks.{block}"
        parts = affine(state, f"{inside}.attn.qkv", layer_norm(state, f"{inside}.norm1", x, 1e-6))
        query, key, value = (parts[..., number * width : (number + 1) * width] for number in range(3))
        x = x + affine(state, f"{inside}.attn.proj", attention(query, key, value, 64))
        hidden = gelu(affine(state, f"{inside}.mlp.fc1", layer_norm(state, f"{inside}.norm2", x, 1e-6)))
        x = x + affine(state, f"{inside}.mlp.fc2", hidden)
    features = layer_norm(state, f"{at}.norm", x[:, 0], 1e-6)
    return affine(state, f"{at}.head", features) if f"{at}.head.weight" in state else features


def token_states(state: State, ids: list[int]) -> torch.Tensor:
    """Return (t, 384), the last layer's states of one text without padding."""
    at = "text_model.embeddings"
    x = state[f"{at}.word_embeddings.weight"][ids] + state[f"{at}.position_embeddings.weight"][: len(ids)]
    x = layer_norm(state, f"{at}.LayerNorm", x + state[f"{at}.token_type_embeddings.weight"][0], 1e-12)
    for layer in range(6):
        at = f"text_model.encoder.layer.{layer}"
        query, key, value = (
            affine(state, f"{at}.attention.self.{part}", x)[None] for part in ("query", "key", "value")
        )
        mixed = affine(state, f"{at}.attention.output.dense", attention(query, key, value, 32)[0])
        x = layer_norm(state, f"{at}.attention.output.LayerNorm", x + mixed, 1e-12)
        inner = gelu(affine(state, f"{at}.intermediate.dense", x))
        x = layer_norm(state, f"{at}.output.LayerNorm", x + affine(state, f"{at}.output.dense", inner), 1e-12)
    return x


def place_vectors(state: State, lonlat: np.ndarray) -> torch.Tensor:
    """Return (n, 384), not normalised, of (n, 2) lon, lat."""
    at = "location_encoder.nnet"
    x = torch.from_numpy(
        np.stack([published_harmonics(float(lon), float(lat)) for lon, lat in lonlat]).astype(np.float32)
    )
    x = torch.sin(30 * affine(state, f"{at}.layers.0", x))
    x = torch.sin(affine(state, f"{at}.layers.1", x))
    return affine(state, "location_projection", affine(state, f"{at}.last_layer", x))


def published_harmonics(lon: float, lat: float, degrees: int = 10) -> np.ndarray:
    """Return (100,) by the formula the published source was generated from, with polynomials instead of a recursion."""
    azimuth, cos = np.deg2rad(lon + 180.0), np.cos(np.deg2rad(lat + 90.0))
    values = []
    for degree in range(degrees):
        for order in range(-degree, degree + 1):
            size = abs(order)
            polynomial = Legendre.basis(degree).deriv(size)(cos) * (1 - cos**2) ** (size / 2)
            if order == 0:
                values.append(np.sqrt((2 * degree + 1) / 4 * np.pi) * polynomial)
                continue
            ratio = float(np.prod(np.arange(degree - size + 1, degree + size + 1, dtype=np.float64)))
            scale = np.sqrt(2 * (2 * degree + 1) / (4 * np.pi) / ratio)
            values.append(scale * polynomial * (np.sin(size * azimuth) if order < 0 else np.cos(size * azimuth)))
    return np.array(values)


def aligned_resize(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """Return (n, c, side, side): each pixel mixes its four neighbours, and corners stay corners."""
    for axis in (2, 3):
        length = pictures.shape[axis]
        at = torch.linspace(0, length - 1, side, dtype=torch.float64)
        low = at.floor().long().clamp(max=length - 1)
        high = (low + 1).clamp(max=length - 1)
        shape = [1, 1, 1, 1]
        shape[axis] = side
        share = (at - low).float().reshape(shape)
        pictures = pictures.index_select(axis, low) * (1 - share) + pictures.index_select(axis, high) * share
    return pictures
