"""Dataset adapters: a folder on disk becomes pictures in memory with captions, labels and a split."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import ConfigError

from .._words import class_words
from ._config import DataConfig


@dataclass(frozen=True, kw_only=True)
class CaptionedPictures:
    """One split of a captioned dataset, held in memory."""

    pictures: NDArray[np.uint8]
    """Pixels, shape (n, side, side, 3)."""
    labels: NDArray[np.int64]
    """Index into `names` of each picture, shape (n,)."""
    captions: tuple[tuple[str, ...], ...]
    """Captions of each picture, as they stand in the dataset."""
    names: tuple[str, ...]
    """Class names in words, lower case."""

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pictures)


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """The two splits of a dataset and a fingerprint of its list."""

    train: CaptionedPictures
    """Pictures that are learned from."""
    val: CaptionedPictures
    """Pictures that are only measured on."""
    fingerprint: str
    """sha256 of the dataset's caption file."""
    root: Path
    """Folder that was read."""


def load_aid_rsicd(config: DataConfig, size: int) -> TrainingData:
    """Read AID pictures with their RSICD captions from `captions.jsonl`.

    Args:
        config: Folder and side in memory of the training pictures.
        size: Side of the validation pictures, which are seen whole.

    Returns:
        The two splits.

    Raises:
        ConfigError: If the folder does not hold the dataset.
    """
    root = config.root or default_root("aid_rsicd")
    listing = root / "captions.jsonl"
    if not listing.is_file():
        raise ConfigError(f"no captions.jsonl in {root}; set data.root or the environment variable SWATH_DATA")
    content = listing.read_bytes()
    rows = [json.loads(line) for line in content.splitlines() if line.strip()]
    labels = sorted({row["label"] for row in rows})
    return TrainingData(
        train=_load_split(root, [row for row in rows if row["split"] == "train"], labels, config.side),
        val=_load_split(root, [row for row in rows if row["split"] == "val"], labels, size),
        fingerprint=hashlib.sha256(content).hexdigest(),
        root=root,
    )


ADAPTERS: dict[str, Callable[[DataConfig, int], TrainingData]] = {"aid_rsicd": load_aid_rsicd}


def load_data(config: DataConfig, size: int) -> TrainingData:
    """Read the dataset that the configuration names."""
    if config.adapter not in ADAPTERS:
        raise ConfigError(f"unknown data.adapter {config.adapter!r}; known: {', '.join(sorted(ADAPTERS))}")
    return ADAPTERS[config.adapter](config, size)


def default_root(folder: str) -> Path:
    """Return a dataset's folder under SWATH_DATA, read now and not at import."""
    return Path(os.environ.get("SWATH_DATA", "../shared/data")) / folder


def _load_split(root: Path, rows: list[dict[str, object]], labels: list[str], side: int) -> CaptionedPictures:
    if not rows:
        raise ConfigError(f"{root}/captions.jsonl holds no picture of one of the splits train and val")
    with ThreadPoolExecutor(2) as pool:
        pictures = list(pool.map(lambda row: _load_picture(root / str(row["image"]), side), rows))
    return CaptionedPictures(
        pictures=np.stack(pictures),
        labels=np.array([labels.index(str(row["label"])) for row in rows], dtype=np.int64),
        captions=tuple(tuple(row["captions"]) for row in rows),  # type: ignore[arg-type]
        names=tuple(class_words(label) for label in labels),
    )


def _load_picture(path: Path, side: int) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        rgb = picture.convert("RGB")
    if rgb.size != (side, side):
        rgb = rgb.resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(rgb, dtype=np.uint8)
