"""The tables of a training configuration, one frozen dataclass each; every field says what it decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class PoolConfig:
    """One source of samples, and what is learned from it."""

    name: str
    """Name in figures and messages."""
    dataset: str
    """Name of the dataset adapter, see `swath.embeddings.datasets`."""
    root: str
    """Folder of the dataset: absolute, beside the configuration file, or under SWATH_DATA (default ../shared/data)."""
    split: str | None = None
    """Split to read; None reads everything."""
    optical: tuple[str, ...] = ()
    """Roles of the optical views; several make several items of a sample."""
    radar: tuple[str, ...] = ()
    """Roles of the SAR views, each beside the optical view at the same position."""
    side: int = 150
    """Side in pixels at which planes are held in memory."""
    tile_px: int | None = None
    """Side in the views' own pixels of the squares that each is cut into, so that both views of a pair show the same
    ground; None takes views whole. Labels and captions of the sample go with every square."""
    batch: int = 32
    """Items of this pool in every step."""
    scale: tuple[float, float] = (0.4, 1.2)
    """Smallest and largest side of a view over the side of the picture; above 1 is reflected outwards."""
    caption: float = 1.0
    """Weight of the contrast with captions."""
    label: float = 0.0
    """Weight of the cross-entropy over class names."""
    image: float = 0.0
    """Weight of the supervised contrast of picture with picture."""
    balanced: bool = False
    """Whether rare classes count as much as frequent ones in the cross-entropy over class names."""
    pair: float = 0.0
    """Weight of the contrast of optical with SAR of the same place."""
    val_split: str | None = None
    """Split of the dataset that is measured on, all classes and groups of it; None measures on `held_out`."""
    held_out: float = 0.0
    """Share of the groups (scenes, sites) that is measured on and never learned from."""
    groups_out: tuple[str, ...] = ()
    """Groups that are neither learned from nor measured on."""
    classes_out: tuple[str, ...] = ()
    """Classes that are neither learned from nor measured on."""
    limit: int | None = None
    """Most samples to read."""


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """The frozen text tower and the sentences made of class names."""

    tower: Literal["all-minilm-l6-v2"] = "all-minilm-l6-v2"
    """Name of the frozen sentence encoder."""
    max_tokens: int = 128
    """Tokens after which a text is cut."""
    templates: tuple[str, ...] = ("{}",)
    """Sentences for a class name; a template listed twice is drawn twice as often."""


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Temperatures and smoothing; the weights stand with each pool."""

    label_smoothing: float = 0.1
    """Share of the target spread over all classes."""
    image_temperature: float = 0.1
    """Temperature of the picture-picture contrast."""
    gap: float = 0.0
    """Weight of the distance between the mean optical and the mean SAR vector of a step's pairs: a constant offset
    between the sensors costs nothing in their contrast, but keeps them from ranking in one list."""
    queue: int = 0
    """Earlier pairs of a pool that serve as further negatives of the optical-SAR contrast."""


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How far a view may stray from the stored planes."""

    aspect: float = 0.15
    """Standard deviation of the log of the side ratio."""
    rotation: float = 20.0
    """Largest rotation in degrees, on top of the eight symmetries of the square."""
    gain: float = 0.10
    """Standard deviation of the log gain of each plane."""
    brightness: float = 0.25
    """Standard deviation of the log gain of all planes."""
    contrast: float = 0.25
    """Standard deviation of the log contrast."""
    gamma: float = 0.25
    """Standard deviation of the log exponent."""
    offset: float = 0.06
    """Standard deviation of the haze added, on the 0..1 scale."""
    saturation: tuple[float, float] = (0.3, 1.5)
    """Range of the colour saturation factor."""
    grayscale: float = 0.1
    """Share of three-colour pictures without colour."""
    channel_shuffle: float = 0.03
    """Share of three-colour pictures with their channels in another order."""
    blur: float = 0.3
    """Share of items resampled through a coarser grid."""
    blur_side: tuple[int, int] = (24, 80)
    """Smallest and largest side of that coarser grid in pixels."""
    noise: float = 0.03
    """Largest standard deviation of the noise, on the 0..1 scale."""
    cutout: float = 0.3
    """Share of items with a rectangle blanked out."""
    cutout_side: float = 0.4
    """Largest side of that rectangle over the side of the view."""
    band_dropout: float = 0.5
    """Share of many-band items that keep only the bands of a lesser sensor."""
    db_offset: float = 1.5
    """Standard deviation of the dB added to a whole SAR item, and half of it to each polarisation."""
    db_contrast: float = 0.15
    """Standard deviation of the log factor on the dB around their mean."""
    speckle: float = 2.0
    """Largest standard deviation of further speckle, in dB."""
    polarisation_dropout: float = 0.3
    """Share of SAR items with two polarisations that keep one."""


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """Length and step sizes of the training."""

    steps: int = 2000
    """Optimiser steps."""
    size: int = 96
    """Side in pixels that the towers see while training."""
    learning_rate: float = 1e-3
    """Peak learning rate; the schedule is a linear warm-up and a cosine to zero."""
    weight_decay: float = 0.05
    """AdamW weight decay."""
    warmup: float = 0.08
    """Share of all steps spent warming up."""
    ema: float = 0.998
    """Decay a step of the averaged weights, which are the ones evaluated and exported."""
    precision: Literal["bf16", "fp32"] = "fp32"
    """Arithmetic of the towers while training; bf16 pays on GPUs and where two or more threads work."""
    chunk: int = 0
    """Views a tower holds gradients of at a time, for steps larger than memory (gradient caching); 0 takes all."""
    evaluate_every: int = 250
    """Steps between two looks at the held-out items."""
    frozen: tuple[Literal["optical", "radar", "text"], ...] = ()
    """Parts that stay as they start, norms included."""
    save_every: int = 50
    """Steps between two checkpoints."""


@dataclass(frozen=True, kw_only=True)
class WordsConfig:
    """The second stage, in which the text map learns captions anew and single words of them."""

    pictures: int = 60
    """Fewest items of a pool whose captions must use a word for it to become a query."""
    views: int = 2
    """Random views of each item to fit on."""
    steps: int = 200
    """Steps; 0 leaves the projection as the first stage made it."""
    batch: int = 1024
    """Items a step."""
    learning_rate: float = 3e-3
    """Learning rate of the first step; it falls linearly to zero."""
    weight: float = 1.0
    """Weight of the words beside captions and class names."""
    hidden: int = 0
    """Width of the hidden layer that is added to the text map; 0 leaves the map linear."""
    dropout: float = 0.3
    """Share of the hidden layer that is left out at random while fitting."""
    anchor: float = 0.0
    """Weight of staying where the first stage put the words that no caption uses, so that they are not forgotten."""
    anchors: int = 6000
    """Most such words; they are those that the text tower's tokenizer knows whole."""


@dataclass(frozen=True, kw_only=True)
class CardConfig:
    """What the manifest says about the weights; it decides nothing that is computed."""

    licence: str = "not stated"
    """Terms of the weights in one line."""
    data_terms: str = "not stated"
    """Terms of the training data in one line."""
    sensors: tuple[str, ...] = ()
    """Sensors whose pictures were learned from."""


@dataclass(frozen=True, kw_only=True)
class LocationConfig:
    """The term that ties pictures to where they are, of items that have a place (GeoCLOSP, SatCLIP)."""

    weight: float = 0.0
    """Weight of the contrast of pictures with places; 0 leaves it out."""
    width: int = 256
    """Units of each of the two hidden layers of the network over places."""
    degrees: int = 10
    """Degrees of spherical harmonics: 10 tell places apart that lie some 2,000 km from each other, 40 some 500 km."""


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """How the towers are stored."""

    weights: Literal["fp16", "int8"] = "fp16"
    """`fp16` computes in fp32 from numbers stored in half; `int8` computes in int8, after a look at real items."""
    items: int = 96
    """Items of the pools that `int8` is calibrated on, and as many others that it is held to fp32 on."""
