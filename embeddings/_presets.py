"""The published open_clip encoders of `_presets.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from core import UnknownNameError

from ._weights import weights_folder

TABLE = Path(__file__).parent / "_presets.toml"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One published encoder."""

    family: str
    """E.g. `remoteclip`."""
    variant: str
    """E.g. `ViT-B-32`."""
    model: str
    """open_clip model name, activation included."""
    dim: int
    """Length of a vector."""
    file: str
    """File name under the weights folder and the family."""
    url: str
    """Where a person finds the file."""
    licence: str
    """Terms in one line."""
    source: str
    """Where these facts were read."""
    repo: str | None = None
    """Hub repository; None where the weights are on no hub."""
    path: str | None = None
    """Path in that repository."""
    partial: bool = False
    """Whether harmless keys may be missing from the file."""

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
    """Return every preset in the order of the table."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return tuple(
        Preset(family=family, variant=variant, **row)
        for family, variants in table.items()
        for variant, row in variants.items()
    )


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
