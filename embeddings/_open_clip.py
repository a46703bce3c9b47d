"""open_clip encoders: `open_clip:MODEL@WEIGHTS` and the presets of `_presets.toml`. Needs the torch extra.

WEIGHTS is a local file, a tag open_clip publishes for the model, or a hub repository. Pickled files are read with
`weights_only=True`, once, and kept as safetensors from then on.
"""

from __future__ import annotations

import difflib
import functools
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from core import ConfigError, EncodesTiles, InputError, MissingExtraError, Tile, VectorSpace

from ._devices import Placed
from ._picture import PREPARATION, square_picture
from ._presets import Preset, find_preset
from ._torch_weights import SUFFIXES, as_safetensors, fetch, fetch_first, load_into
from ._weights import sha256_of, weights_folder

if TYPE_CHECKING:
    import torch

HUB_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""Names under which open_clip publishes weights, https://github.com/mlfoundations/open_clip (push_to_hf_hub.py)."""


class OpenClipEncoder:
    """Encodes RGB renderings and sentences with an open_clip model.

    Args:
        name: Name under which `open_encoder` finds it again.
        model: open_clip model name.
        weights: Weights file; a pickled one is converted to safetensors beside it.
        partial: Whether harmless keys may be missing from the file.

    Raises:
        MissingExtraError: If torch or open_clip is not installed.
        ConfigError: If open_clip does not know the model, or the weights do not fit it.
    """

    def __init__(self, *, name: str, model: str, weights: Path, partial: bool = False) -> None:
        import torch

        open_clip = import_open_clip()
        file = as_safetensors(weights)
        network = self._build(open_clip, model, file)
        load_into(network, file, model, partial=partial)
        self._name = name
        self._placed = Placed(network)
        self._tokenizer = open_clip.get_tokenizer(self._architecture(model))
        seen = open_clip.get_model_preprocess_cfg(network)
        self._size = int(seen["size"][0] if isinstance(seen["size"], tuple | list) else seen["size"])
        self._mean, self._std = (torch.tensor(seen[key]).view(1, 3, 1, 1) * 255.0 for key in ("mean", "std"))
        dim = int(open_clip.get_model_config(self._architecture(model))["embed_dim"])
        self._space = VectorSpace(encoder=name, revision=f"{sha256_of(file)[:12]}.{PREPARATION}", dim=dim)

    def _architecture(self, model: str) -> str:
        """Return the open_clip name that tells tokenizer and vector length."""
        return model

    def _build(self, open_clip: Any, model: str, file: Path) -> torch.nn.Module:
        """Return the network, to be filled from `file`."""
        del file
        check_model(open_clip, model)
        network: torch.nn.Module = open_clip.create_model(model, pretrained=None, load_weights=False)
        return network

    @property
    def space(self) -> VectorSpace:
        """The space the vectors live in."""
        return self._space

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return the tile's rendering, (size, size, 3) uint8, resampled bicubically as CLIP does. Thread-safe."""
        return square_picture(tile, self._size, bicubic=True)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors of (n, size, size, 3) uint8 pictures."""
        import torch

        if batch.dtype != np.uint8 or batch.shape[1:] != (self._size, self._size, 3):
            wanted = f"(n, {self._size}, {self._size}, 3) uint8"
            raise InputError(f"pictures must be {wanted}, got {batch.shape} {batch.dtype}")
        pictures = torch.from_numpy(np.array(batch))  # a copy: torch wants memory it may write to
        return self._placed.unit_vectors(self.picture_vectors, pictures, self._space.dim)

    def picture_vectors(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return (n, dim) vectors of any length for (n, size, size, 3) uint8 pictures on the network's device."""
        x = pictures.permute(0, 3, 1, 2).float()
        network: Any = self._placed.network
        vectors: torch.Tensor = network.encode_image((x - self._mean.to(x.device)) / self._std.to(x.device))
        return vectors

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors of sentences; long ones are cut at the model's context length."""
        import torch

        tokens = self._tokenizer(list(texts)) if texts else torch.empty((0, 1), dtype=torch.int64)
        network: Any = self._placed.network
        return self._placed.unit_vectors(network.encode_text, tokens, self._space.dim)

    @property
    def tokenizer(self) -> Any:
        """open_clip's tokenizer."""
        return self._tokenizer

    def onnx_graphs(self) -> Iterator[dict[str, Any]]:
        """Yield the graphs of `swath export-encoder`: file, what it computes, the network in it, example inputs."""
        import torch

        network: Any = self._placed.network
        tokens = torch.ones(2, self._tokenizer.context_length, dtype=torch.int64)
        texts = {"ids": tokens, "mask": tokens.clone()}  # one tensor given twice would be traced as one input
        name, forward, example = self._onnx_picture()
        yield {"file": "image.onnx", "forward": forward, "network": network, "inputs": {name: example}}
        yield {"file": "text.onnx", "forward": self._masked_text, "network": network, "inputs": texts}

    def _masked_text(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        network: Any = self._placed.network
        vectors: torch.Tensor = network.encode_text(ids * mask)
        return vectors

    def _onnx_picture(self) -> tuple[str, Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
        import torch

        return "pictures", self.picture_vectors, torch.zeros(2, self._size, self._size, 3, dtype=torch.uint8)

    def onnx_facts(self) -> dict[str, Any]:
        """Return what the manifest of an exported folder says."""
        tokens = self._tokenizer.context_length
        return self._onnx_looks | {"dim": self._space.dim, "size": self._size, "max_tokens": tokens}

    _onnx_looks: ClassVar[dict[str, Any]] = {"looks": "clip", "inputs": ["rgb", "text"]}

    def __reduce__(self) -> tuple[Callable[[str], EncodesTiles], tuple[str]]:
        from ._encoders import open_encoder

        return open_encoder, (self._name,)


def open_preset(name: str) -> OpenClipEncoder:
    """Open `remoteclip:ViT-B-32` and its like."""
    preset = find_preset(name)
    import_open_clip()
    return OpenClipEncoder(name=name, model=preset.model, weights=weights_of(preset), partial=preset.partial)


def weights_of(preset: Preset) -> Path:
    """Return the weights file of a preset, from this machine or the hub.

    Raises:
        WeightsNotFoundError: If it is nowhere, or is another file than the published one.
    """
    return fetch(preset.place, repo=preset.repo, path=preset.path, url=preset.url, sha256=preset.sha256)


def open_model(name: str) -> OpenClipEncoder:
    """Open `open_clip:MODEL@WEIGHTS`."""
    model, at, weights = name.partition(":")[2].partition("@")
    if not (model and at and weights):
        example = "open_clip:ViT-B-32@/models/my-clip.safetensors"
        raise InputError(f"{name!r} must be open_clip:MODEL@WEIGHTS, for example {example}")
    open_clip = import_open_clip()
    check_model(open_clip, model)
    return OpenClipEncoder(name=name, model=model, weights=_find_weights(open_clip, model, weights))


def check_model(open_clip: Any, model: str) -> None:
    """Raise ConfigError when open_clip does not know a model."""
    known = open_clip.list_models()
    if model not in known:
        alike = difflib.get_close_matches(model, known, n=8, cutoff=0.0)
        raise ConfigError(f"open_clip knows no model {model!r}; the nearest of its names: {', '.join(alike)}")


def _find_weights(open_clip: Any, model: str, weights: str) -> Path:
    if weights.endswith(SUFFIXES):
        return fetch(Path(weights), repo=None, path=None, url=None)
    repo = weights
    if weights in open_clip.list_pretrained_tags_by_model(model):
        repo = str(open_clip.get_pretrained_cfg(model, weights).get("hf_hub", "")).strip("/")
    if repo.count("/") != 1:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"
        raise InputError(
            f"weights {weights!r} are no {'/'.join(SUFFIXES)} file, no hub repository ORG/NAME and no tag that "
            f"open_clip has on the hub for {model}; its tags: {tags}"
        )
    return fetch_first(weights_folder() / "open_clip" / repo.replace("/", "--"), repo=repo, paths=HUB_FILES)


@functools.cache
def import_open_clip() -> Any:
    """Import open_clip, also where torchvision's binary is linked to a CUDA that is not there.

    Raises:
        MissingExtraError: If a package is missing.
    """
    require_torch("torchvision", "open_clip")
    define_torchvision_operators()
    import open_clip

    return open_clip


def require_torch(*modules: str) -> None:
    """Raise MissingExtraError when torch or one of the modules is not installed."""
    for module in ("torch", *modules):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(module, extra="torch")


_KEPT: list[torch.library.Library] = []
"""Operator libraries; torch forgets the operators when their library is collected."""


def define_torchvision_operators() -> None:
    """Declare the operators that torchvision's import looks for, where its own binary cannot be loaded.

    The torchvision wheel is linked to CUDA; beside a CPU torch its binary does not load, and the import then fails on
    the missing schemas although nothing here calls them.
    """
    import torch

    if torch.version.cuda is not None or "torchvision" in sys.modules or _KEPT:
        return
    found = importlib.util.find_spec("torchvision")
    folder = Path(found.origin).parent if found and found.origin else Path()
    for binary in folder.glob("_C*.so"):
        try:
            torch.ops.load_library(str(binary))  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]
    _KEPT.append(library)
