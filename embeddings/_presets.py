"""The published encoders of `_presets.toml` and `_closp.toml`: what each is, where its weights are, how it is fed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import UnknownNameError

from ._weights import weights_folder

TABLES = (Path(__file__).parent / "_presets.toml", Path(__file__).parent / "_closp.toml")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The manifest of one published encoder. None means that the fact could not be read anywhere."""

    family: str
    """E.g. `remoteclip`."""
    variant: str
    """E.g. `ViT-B-32`."""
    model: str
    """Architecture: an open_clip model name, activation included, or the family's own."""
    dim: int
    """Length of a vector."""
    file: str
    """File name under the weights folder and the family."""
    url: str
    """Where a person finds the file."""
    licence: str
    """Terms of the weights in one line."""
    source: str
    """Where these facts were read."""
    repo: str | None = None
    """Hub repository; None where the weights are on no hub."""
    path: str | None = None
    """Path in that repository."""
    bytes: int | None = None
    """Size of the published file."""
    sha256: str | None = None
    """Sum of the published file."""
    partial: bool = False
    """Whether harmless keys may be missing from the file."""
    inputs: tuple[str, ...] = ("rgb", "text")
    """What it takes: `rgb`, `optical`, `sar`, `text`."""
    bands: tuple[str, ...] = ()
    """What the network sees, in its order."""
    units: str = ""
    """Unit of the bands before mean and std."""
    mean: tuple[float, ...] = ()
    """Subtracted, one number a band; empty where they stand elsewhere (see notes)."""
    std: tuple[float, ...] = ()
    """Divided by, likewise."""
    size: int = 224
    """Side in pixels of what the network sees; 0 where the weights decide."""
    activation: str = "GELU"
    """Of the transformers: `GELU` or `QuickGELU`."""
    prompts: tuple[str, ...] = ()
    """Sentences of the authors' evaluation, `{}` for the class; empty without text."""
    prompt_source: str = ""
    """Where the prompts stand."""
    notes: str = ""
    """What one would not expect, and what could not be read."""

    @property
    def name(self) -> str:
        """What `--encoder` takes."""
        return f"{self.family}:{self.variant}"

    @property
    def place(self) -> Path:
        """Where the file is looked up."""
        return weights_folder() / self.family / self.file

    def present(self) -> bool:
        """Return whether the weights are on this machine, as published or converted."""
        return self.place.is_file() or self.place.with_suffix(".safetensors").is_file()


def load_presets() -> tuple[Preset, ...]:
    """Return every preset in the order of the tables."""
    return tuple(preset for table in TABLES for family in read_families(table) for preset in family)


def read_families(table: Path) -> tuple[tuple[Preset, ...], ...]:
    """Return the presets of a table in the layout of `_presets.toml`, family by family."""
    families = tomllib.loads(table.read_text(encoding="utf-8"))
    return tuple(_family(name, shared) for name, shared in families.items())


def _family(name: str, shared: dict[str, Any]) -> tuple[Preset, ...]:
    variants = shared.pop("variants")
    rows = ((variant, shared | own) for variant, own in variants.items())
    return tuple(Preset(family=name, variant=variant, **_frozen(row)) for variant, row in rows)


def _frozen(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def find_preset(name: str) -> Preset:
    """Return the preset called `name`, e.g. `remoteclip:ViT-B-32`.

    Raises:
        UnknownNameError: If there is none; the message lists the family's.
    """
    presets = load_presets()
    for preset in presets:
        if preset.name == name:
            return preset
    family = name.partition(":")[0]
    raise UnknownNameError("encoder", name, tuple(preset.name for preset in presets if preset.family == family))
