"""From the final weights of a run to the folder that `swath` loads without torch."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import onnx
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from .._planes import RANGES
from ._checkpoint import FINAL
from ._compress import compress
from ._config import TrainingConfig
from ._sentence import SentenceTower, load_tower
from ._text import load_tokenizer
from ._towers import DIM, Tower, Towers, normal_optical, normal_radar

OPSET = 18
FILES = ("optical.onnx", "radar.onnx", "text.onnx", "tokenizer.json")


class PlanesGraph(nn.Module):
    """Planes (n, 12 or 2, size, size) uint8 to unit vectors: normalisation and scaling to length one are inside."""

    def __init__(self, tower: Tower, normal: Callable[[Tensor], Tensor]) -> None:
        """Wrap a tower with the normalisation of its planes."""
        super().__init__()
        self.tower = tower
        self.normal = normal

    def forward(self, planes: Tensor) -> Tensor:
        """Return (n, 384)."""
        return functional.normalize(self.tower(self.normal(planes)), dim=1)


class TextGraph(nn.Module):
    """Token ids and mask (n, t) to unit vectors: frozen tower, projection, scaling to length one."""

    def __init__(self, tower: SentenceTower, projection: nn.Linear) -> None:
        """Wrap the frozen tower and the trained projection."""
        super().__init__()
        self.tower = tower
        self.projection = projection

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return (n, 384)."""
        sentence = functional.normalize(self.tower(ids, mask), dim=1)
        return functional.normalize(self.projection(sentence), dim=1)


def export(config: TrainingConfig, run: Path, figures: Mapping[str, float], pools: Mapping[str, str]) -> Path:
    """Write the encoder folder of a run.

    Args:
        config: The run's configuration.
        run: Folder of the run, with its final weights.
        figures: Figures of these weights on held-out items, kept in the manifest.
        pools: sha256 over the samples of each pool, by name.

    Returns:
        The encoder folder.
    """
    towers = Towers().eval().requires_grad_(False)
    towers.load_state_dict(load_file(run / FINAL))
    folder = run / "encoder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _export_tower(towers.optical, normal_optical, len(RANGES), config.size, folder / "optical.onnx")
    _export_tower(towers.radar, normal_radar, 2, config.size, folder / "radar.onnx")
    _export_text(towers, folder / "text.onnx")
    load_tokenizer(config.text.max_tokens).save(str(folder / "tokenizer.json"))
    (folder / "manifest.toml").write_text(manifest(config, folder, figures, pools), encoding="utf-8")
    return folder


def _export_tower(tower: Tower, normal: Callable[[Tensor], Tensor], count: int, size: int, path: Path) -> None:
    example = torch.ones(2, count, size, size, dtype=torch.uint8)
    _save(PlanesGraph(tower, normal).eval(), (example,), ["planes"], {"planes": {0: "n"}}, path)


def _export_text(towers: Towers, path: Path) -> None:
    graph = TextGraph(load_tower(), towers.text).eval()
    example = (torch.ones(2, 7, dtype=torch.int64), torch.ones(2, 7, dtype=torch.int64))
    axes = {0: "n", 1: "t"}
    _save(graph, example, ["ids", "mask"], {"ids": axes, "mask": axes}, path)


def _save(
    graph: nn.Module, example: tuple[Tensor, ...], names: list[str], axes: dict[str, dict[int, str]], path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its own internals
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # "torchvision is not installed"
        program = _traced(graph, example, names, axes)
    onnx.save_model(compress(program.model_proto), path)


def _traced(
    graph: nn.Module, example: tuple[Tensor, ...], names: list[str], axes: dict[str, dict[int, str]]
) -> torch.onnx.ONNXProgram:
    program = torch.onnx.export(
        graph,
        example,
        input_names=names,
        output_names=["vectors"],
        dynamic_shapes=tuple(axes[name] for name in names),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:  # the type of torch.onnx.export allows it; dynamo=True never returns it
        raise RuntimeError("torch.onnx.export returned nothing")
    return program


def manifest(config: TrainingConfig, folder: Path, figures: Mapping[str, float], pools: Mapping[str, str]) -> str:
    """Return the text of manifest.toml: what the encoder is, what it was made from and the sum of each file."""
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    revision = hashlib.sha256("".join(sums.values()).encode()).hexdigest()[:12]
    lines = [
        "# Written by `swath train`; every number is read back and checked by embeddings._weights.",
        f"name = {json.dumps(config.name)}",
        f'revision = "{revision}"',
        f"dim = {DIM}",
        f"size = {config.size}",
        f"max_tokens = {config.text.max_tokens}",
        'inputs = ["optical", "sar", "text"]',
        f"licence = {json.dumps(config.card.licence)}",
        f"data_terms = {json.dumps(config.card.data_terms)}",
        f"sensors = {json.dumps(list(config.card.sensors))}",
        "",
        "[training_data]",
        "# sha256 over ids, labels and captions of each pool",
        *(f'"{name}" = "{value}"' for name, value in pools.items()),
        "",
        "[validation]",
        *(f'"{name}" = {value:.4f}' for name, value in figures.items()),
        "",
        "[sha256]",
        *(f'"{name}" = "{value}"' for name, value in sums.items()),
    ]
    return "\n".join(lines) + "\n"
