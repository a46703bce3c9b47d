"""Everything that is known of each encoder, for `swath encoders --verbose`. Nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ._encoders import EncoderRow, list_encoders
from ._presets import Preset, load_presets
from ._prompts import prompt_style
from ._smarties import known_sensors
from ._weights import SHIPPED, load_manifest


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """A file of weights. None means that the fact could not be read anywhere."""

    place: Path
    """Where it lies or belongs."""
    bytes: int | None
    """Size of the published file."""
    sha256: str | None
    """Its sum; another file is refused."""


@dataclass(frozen=True, kw_only=True)
class EncoderCard:
    """The manifest of an encoder; empty where it depends on weights that are yours."""

    row: EncoderRow
    """Name, vector length, inputs, licence, whether the weights are there."""
    files: tuple[WeightsFile, ...]
    """Files of weights."""
    repo: str | None
    """Hub repository; None where the weights are on no hub."""
    path: str | None
    """Path in that repository."""
    url: str | None
    """Where a person finds the file."""
    architecture: str
    """Network, activation included."""
    bands: tuple[str, ...]
    """What the network sees, in its order."""
    units: str
    """Unit of the bands before mean and std."""
    mean: tuple[float, ...]
    """Subtracted, one number a band."""
    std: tuple[float, ...]
    """Divided by, one number a band."""
    size: int | None
    """Side in pixels of what the network sees; None where the weights decide."""
    prompts: tuple[str, ...]
    """Sentences a class or phrase is put into; empty without text."""
    prompt_source: str
    """Where they were read or measured."""
    notes: str
    """What one would not expect, and what could not be read."""
    source: str
    """Where these facts were read."""


def describe_encoders() -> tuple[EncoderCard, ...]:
    """Return the card of each encoder, in the order of `list_encoders`."""
    presets = {preset.name: preset for preset in load_presets()}
    return tuple(_card(row, presets.get(row.name)) for row in list_encoders())


def _card(row: EncoderRow, preset: Preset | None) -> EncoderCard:
    if preset is not None:
        return _of_preset(row, preset)
    return _of_shipped(row) if (SHIPPED / row.name).is_dir() else _of_yours(row)


def _of_preset(row: EncoderRow, preset: Preset) -> EncoderCard:
    bands, mean, std = preset.bands, preset.mean, preset.std
    if preset.family == "smarties":
        bands, mean, std = _bands_of_smarties()
    return EncoderCard(
        row=row,
        files=(WeightsFile(place=preset.place, bytes=preset.bytes, sha256=preset.sha256),),
        repo=preset.repo,
        path=preset.path,
        url=preset.url,
        architecture=f"{preset.model}, {preset.activation}",
        bands=bands,
        units=preset.units,
        mean=mean,
        std=std,
        size=preset.size or None,
        prompts=preset.prompts,
        prompt_source=preset.prompt_source,
        notes=preset.notes,
        source=preset.source,
    )


def _bands_of_smarties() -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    known = [(name, band) for name, sensor in known_sensors().items() for band in sensor.bands]
    bands = tuple(f"{name} {band.band} {band.low:.6g}..{band.high:.6g}" for name, band in known)
    return bands, tuple(band.mean for _, band in known), tuple(band.std for _, band in known)


def _of_shipped(row: EncoderRow) -> EncoderCard:
    manifest = load_manifest(SHIPPED / row.name)
    files = ((manifest.folder / name, total) for name, total in manifest.sha256.items())
    return EncoderCard(
        row=row,
        files=tuple(WeightsFile(place=place, bytes=_size(place), sha256=total) for place, total in files),
        repo=None,
        path=None,
        url=None,
        architecture="ONNX graphs; normalisation is inside",
        bands=(),
        units="",
        mean=(),
        std=(),
        size=manifest.size,
        prompts=prompt_style(row.name).templates,
        prompt_source=prompt_style(row.name).source,
        notes="comes with Swath",
        source=str(manifest.folder / "manifest.toml"),
    )


def _size(place: Path) -> int | None:
    return place.stat().st_size if place.is_file() else None


def _of_yours(row: EncoderRow) -> EncoderCard:
    style = prompt_style(row.name)
    return EncoderCard(
        row=row,
        files=(),
        repo=None,
        path=None,
        url=None,
        architecture="that of the weights",
        bands=(),
        units="",
        mean=(),
        std=(),
        size=None,
        prompts=style.templates if "text" in row.inputs else (),
        prompt_source=style.source,
        notes="",
        source="",
    )
