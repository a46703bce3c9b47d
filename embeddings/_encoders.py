"""Names to encoders. A new encoder is one line in BUILT_IN, or an entry point in the group `swath.encoders`.

A name is `KIND` or `KIND:ARGUMENT`; what a kind stands for is a callable that takes the whole name and returns an
encoder. Nothing heavy is imported before an encoder is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from core import EncodesText, EncodesTiles, Registry, SpaceMismatchError, UnknownNameError, VectorSpace

from ._presets import Preset, load_presets
from ._weights import SHIPPED, load_manifest

DEFAULT_ENCODER = "swath-mini"
BUILT_IN = {
    "swath-mini": "embeddings._onnx:open_shipped",
    "onnx": "embeddings._onnx:open_folder",
    "open_clip": "embeddings._open_clip:open_model",
    "remoteclip": "embeddings._open_clip:open_preset",
    "georsclip": "embeddings._open_clip:open_preset",
    "skyclip": "embeddings._open_clip:open_preset",
    "sarclip": "embeddings._sarclip:open_sarclip",
    "priorclip": "embeddings._priorclip:open_priorclip",
    "smarties": "embeddings._smarties:open_smarties",
    "closp": "embeddings._closp:open_closp",
    "geoclosp": "embeddings._closp:open_closp",
}
ENCODERS = Registry("encoder", BUILT_IN, group="swath.encoders")


@runtime_checkable
class EncodesBoth(EncodesTiles, EncodesText, Protocol):
    """Turns tiles and sentences into unit vectors of one space."""


@dataclass(frozen=True, kw_only=True)
class EncoderRow:
    """One line of `swath encoders`."""

    name: str
    """What `--encoder` takes."""
    dim: int | None
    """Length of a vector; None where it depends on the model."""
    inputs: tuple[str, ...]
    """What it takes: `rgb`, `optical`, `sar`, `text`."""
    licence: str
    """Terms of the weights in one line."""
    weights: Literal["present", "missing", "yours"]
    """Whether the weights are on this machine; `yours` where the name itself says where they are."""
    needs: str | None
    """Extra of Swath that it needs; None for none."""


def open_encoder(name: str) -> EncodesTiles:
    """Open an encoder by name.

    Args:
        name: `swath-mini`, `onnx:FOLDER`, `open_clip:MODEL@WEIGHTS`, or a preset such as `remoteclip:ViT-B-32`.

    Returns:
        The encoder; all built-in ones also encode text (`EncodesBoth`).

    Raises:
        UnknownNameError: If there is no such encoder; the message lists the known ones.
        WeightsNotFoundError: If its weights are not on this machine and cannot be fetched.
        MissingExtraError: If it needs a package that is not installed.
    """
    kind = name.partition(":")[0]
    if kind not in ENCODERS.names():
        raise UnknownNameError("encoder", name, encoder_names())
    encoder: EncodesTiles = ENCODERS.resolve(kind)(name)
    return encoder


def open_encoder_of(space: VectorSpace) -> EncodesTiles:
    """Open the encoder that made the vectors of an index.

    Raises:
        SpaceMismatchError: The encoder of that name that is installed makes other vectors.
        UnknownNameError: As `open_encoder`, and likewise its other errors.
    """
    encoder = open_encoder(space.encoder)
    if encoder.space != space:
        raise SpaceMismatchError(
            f"the index holds vectors of {space}, but the encoder installed is {encoder.space}; "
            "bring the index to it while it is searched: swath reembed INDEX --encoder " + space.encoder
        )
    return encoder


def encoder_names() -> tuple[str, ...]:
    """Every name or pattern that `open_encoder` takes."""
    return tuple(row.name for row in list_encoders())


def list_encoders() -> tuple[EncoderRow, ...]:
    """Return one row an encoder, without importing any engine."""
    presets = [_preset_row(preset) for preset in load_presets()]
    others = sorted(set(ENCODERS.names()) - set(BUILT_IN))
    return (
        _shipped_row(DEFAULT_ENCODER),
        *presets,
        _open_row("onnx:FOLDER", None),
        _open_row("open_clip:MODEL@WEIGHTS", "torch"),
        *(_open_row(name, None) for name in others),
    )


def _shipped_row(name: str) -> EncoderRow:
    manifest = load_manifest(SHIPPED / name)
    return EncoderRow(
        name=name,
        dim=manifest.dim,
        inputs=manifest.inputs,
        licence=manifest.licence,
        weights="present" if manifest.complete() else "missing",
        needs=None,
    )


def _preset_row(preset: Preset) -> EncoderRow:
    return EncoderRow(
        name=preset.name,
        dim=preset.dim,
        inputs=preset.inputs,
        licence=preset.licence,
        weights="present" if preset.present() else "missing",
        needs="torch",
    )


def _open_row(name: str, needs: str | None) -> EncoderRow:
    return EncoderRow(
        name=name, dim=None, inputs=("rgb", "text"), licence="that of the weights", weights="yours", needs=needs
    )
