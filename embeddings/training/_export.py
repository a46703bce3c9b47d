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
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from core import ConfigError

from .._planes import RANGES
from .._sentence_output import add_sentence_output
from ._checkpoint import FINAL
from ._compress import compress
from ._config import TrainingConfig
from ._quantise import cosines, quantise
from ._sentence import SentenceTower, load_tower
from ._text import load_tokenizer
from ._towers import DIM, Tower, Towers
from ._warm_start import TOWERS

OPSET = 18
FILES = ("optical.onnx", "radar.onnx", "text.onnx", "tokenizer.json")
"""What makes vectors, and so the revision."""
LOCATION = "location.onnx"
"""Written only where places were learned from; tiles and sentences keep their vectors without it."""
LEAST_COSINE = 0.99
"""Least cosine of a stored tower to the trained one, for the mean and for the first percentile of real items."""
BATCH = 32


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


class PlacesGraph(nn.Module):
    """Places (n, 2), lon, lat in degrees, to unit vectors."""

    def __init__(self, towers: Towers) -> None:
        """Wrap the network over places."""
        super().__init__()
        self.towers = towers

    def forward(self, lonlat: Tensor) -> Tensor:
        """Return (n, 384)."""
        return self.towers.encode_places(lonlat)


class TextGraph(nn.Module):
    """Token ids and mask (n, t) to unit vectors: frozen tower, projection, scaling to length one."""

    def __init__(self, tower: SentenceTower, projection: nn.Module) -> None:
        """Wrap the frozen tower and the trained projection."""
        super().__init__()
        self.tower = tower
        self.projection = projection

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return (n, 384)."""
        sentence = functional.normalize(self.tower(ids, mask), dim=1)
        mapped: Tensor = self.projection(sentence)
        return functional.normalize(mapped, dim=1)


def export(
    config: TrainingConfig,
    run: Path,
    figures: Mapping[str, float],
    pools: Mapping[str, str],
    *,
    items: Mapping[str, Tensor] | None = None,
    others: Mapping[str, Tensor] | None = None,
) -> Path:
    """Write the encoder folder of a run.

    Args:
        config: The run's configuration.
        run: Folder of the run, with its final weights.
        figures: Figures of these weights on held-out items, kept in the manifest.
        pools: sha256 over the samples of each pool, by name.
        items: Planes by modality, uint8, that int8 is calibrated on.
        others: Planes by modality, uint8, on which the stored towers are held to those of the run.

    Returns:
        The encoder folder.

    Raises:
        ConfigError: The stored towers lose more than `LEAST_COSINE` allows; the run's weights are kept.
    """
    towers = _final_towers(config, run)
    folder = run / "encoder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    figures = dict(figures)
    for name, count in (("optical", len(RANGES)), ("radar", 2)):
        graph = PlanesGraph(getattr(towers, name), getattr(towers, f"normal_{name}")).eval()
        planes = torch.ones(2, count, config.size, config.size, dtype=torch.uint8)
        path = folder / f"{name}.onnx"
        _save(graph, (planes,), ["planes"], {"planes": {0: "n"}}, path, small=config.export.weights == "fp16")
        if config.export.weights == "int8":
            quantise(path, (items or {}).get(name))
            onnx.save_model(compress(onnx.load(path)), path)
        figures |= _kept(graph, path, (others or {}).get(name), config)
    _export_text(towers, folder / "text.onnx")
    _export_location(towers, folder / LOCATION)
    load_tokenizer(config.text.max_tokens).save(str(folder / "tokenizer.json"))
    save_file({name: half(value) for name, value in towers.state_dict().items()}, folder / TOWERS)
    (folder / "manifest.toml").write_text(manifest(config, folder, figures, pools), encoding="utf-8")
    return folder


def _final_towers(config: TrainingConfig, run: Path) -> Towers:
    towers = Towers()
    if config.location.weight:
        towers.add_location(config.location.width, config.location.degrees)
    state = load_file(run / FINAL)
    towers.text.fit_to(state)
    towers.load_state_dict(state)
    return towers.eval().requires_grad_(False)


def _kept(graph: PlanesGraph, path: Path, planes: Tensor | None, config: TrainingConfig) -> dict[str, float]:
    """Return how far the stored tower is from the run's, after checking that it is near enough."""
    if planes is None or len(planes) == 0:
        return {}
    mean, low = cosines(path, planes, torch.cat([graph(part) for part in torch.split(planes, BATCH)]))
    if min(mean, low) < LEAST_COSINE:
        raise ConfigError(
            f"{path.name} stored as {config.export.weights} keeps a cosine of {mean:.4f} (mean) and {low:.4f} (first "
            f"percentile) to the trained tower on {len(planes)} items; at least {LEAST_COSINE} is wanted. The trained "
            "weights are kept: set export.weights = 'fp16' and run the same command with --resume"
        )
    return {f"stored.{path.stem}.cosine_mean": mean, f"stored.{path.stem}.cosine_p1": low}


def half(value: Tensor) -> Tensor:
    """Return a tensor as it is stored for fine-tuning: fp16 where it is large, as it is where it is small."""
    large = value.dtype == torch.float32 and value.ndim > 1
    return (value.half() if large else value).detach().contiguous()


def _export_location(towers: Towers, path: Path) -> None:
    if towers.location is None:
        return
    example = torch.tensor([[12.5, 41.9], [-70.0, -33.0]])
    _save(PlacesGraph(towers).eval(), (example,), ["lonlat"], {"lonlat": {0: "n"}}, path)


def _export_text(towers: Towers, path: Path) -> None:
    graph = TextGraph(load_tower(), towers.text).eval()
    example = (torch.ones(2, 7, dtype=torch.int64), torch.ones(2, 7, dtype=torch.int64))
    axes = {0: "n", 1: "t"}
    _save(graph, example, ["ids", "mask"], {"ids": axes, "mask": axes}, path)
    add_sentence_output(path)


def _save(
    graph: nn.Module,
    example: tuple[Tensor, ...],
    names: list[str],
    axes: dict[str, dict[int, str]],
    path: Path,
    *,
    small: bool = True,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its own internals
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # "torchvision is not installed"
        program = _traced(graph, example, names, axes)
    onnx.save_model(compress(program.model_proto) if small else program.model_proto, path)


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
    names = [*FILES, *(name for name in (LOCATION, TOWERS) if (folder / name).is_file())]
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    revision = hashlib.sha256("".join(sums[name] for name in FILES).encode()).hexdigest()[:12]
    lines = [
        "# Written by `swath train`; every number is read back and checked by embeddings._weights.",
        f"name = {json.dumps(config.name)}",
        f'revision = "{revision}"',
        f"dim = {DIM}",
        f"size = {config.size}",
        f"max_tokens = {config.text.max_tokens}",
        "sentences = true",
        'inputs = ["optical", "sar", "text"]',
        f'weights = "{config.export.weights}"',
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
