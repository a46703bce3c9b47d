"""Checkpoints without pickles: tensors in safetensors, everything else as JSON in the same file.

A checkpoint is one file that is written under a temporary name and renamed, so a killed run leaves the previous one
whole. The JSON is written beside it as well, for people.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn, optim

from core import ConfigError

STATE = "last.safetensors"
ABOUT = "last.json"
FIRST = "first-stage.safetensors"
FINAL = "final.safetensors"


@dataclass(kw_only=True)
class Position:
    """Where a run stands."""

    step: int = 0
    """Optimiser steps taken."""
    seconds: float = 0.0
    """Training time over all sessions."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Figures of each look."""


@dataclass(frozen=True, kw_only=True)
class RunState:
    """The parts of a run that hold tensors."""

    model: nn.Module
    """Network as the optimiser sees it."""
    average: nn.Module
    """Network with averaged weights."""
    optimiser: optim.Optimizer
    """The optimiser with its moments."""
    queues: dict[int, tuple[Tensor, Tensor, Tensor]]
    """Earlier pairs of each pool with an optical-SAR term: two sets of vectors and the sites."""


def save_checkpoint(folder: Path, state: RunState, position: Position, recipe: str) -> None:
    """Write the state of a run at a step.

    Args:
        folder: Folder of the run.
        state: Networks and optimiser.
        position: Where the run stands.
        recipe: Fingerprint of configuration and data; resuming demands the same.
    """
    tensors = {f"model.{name}": value for name, value in state.model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in state.average.state_dict().items()}
    tensors |= _optimiser_tensors(state.optimiser)
    for number, parts in state.queues.items():
        tensors |= {f"queue.{number}.{place}": part for place, part in enumerate(parts)}
    about = json.dumps({"recipe": recipe, **asdict(position)}, indent=1)
    _replace(tensors, folder / STATE, {"about": about})
    _replace_text(about, folder / ABOUT)


def save_weights(path: Path, network: nn.Module) -> None:
    """Write the weights of a network."""
    _replace(network.state_dict(), path, {})


def load_checkpoint(folder: Path, state: RunState, recipe: str) -> Position:
    """Restore a run and return where it stood; a fresh position when there is no checkpoint.

    Raises:
        ConfigError: If the checkpoint belongs to another configuration or other data, or is damaged.
    """
    if not (folder / STATE).is_file():
        return Position()
    about = _about(folder)
    if about.pop("recipe") != recipe:
        raise ConfigError(f"{folder} holds a run with another configuration or other data; choose another --out")
    tensors = load_file(folder / STATE)
    state.model.load_state_dict(_under("model.", tensors))
    state.average.load_state_dict(_under("average.", tensors))
    _restore_optimiser(state.optimiser, _under("optimiser.", tensors))
    for number, parts in state.queues.items():
        kept = _under(f"queue.{number}.", tensors)
        one, other, places = (kept[str(place)].to(part.device) for place, part in enumerate(parts))
        state.queues[number] = (one, other, places)
    return Position(**about)


def _about(folder: Path) -> dict[str, Any]:
    try:
        with safe_open(folder / STATE, framework="pt") as stored:
            about: dict[str, Any] = json.loads((stored.metadata() or {})["about"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ConfigError(f"{folder / STATE} is not a checkpoint of `swath train`: {error}") from None
    return about


def _optimiser_tensors(optimiser: optim.Optimizer) -> dict[str, Tensor]:
    state = optimiser.state_dict()["state"]
    return {f"optimiser.{index}.{key}": value for index, entry in state.items() for key, value in entry.items()}


def _restore_optimiser(optimiser: optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = _laid_out(value, parameters[int(index)])
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def _laid_out(value: Tensor, parameter: Tensor) -> Tensor:
    """Return a moment in the memory order of its parameter, as an undisturbed run has it."""
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value) if value.shape == parameter.shape else value


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _replace(tensors: dict[str, Tensor], path: Path, about: dict[str, str]) -> None:
    part = path.with_suffix(".part")
    save_file({name: value.detach().contiguous() for name, value in tensors.items()}, part, metadata=about)
    part.replace(path)


def _replace_text(text: str, path: Path) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
