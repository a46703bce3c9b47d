"""Labelled pictures on disk: a folder with captions.jsonl, or one folder a class."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from core import InputError, SceneError, Tile, picture_tile
from embeddings import class_words

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
LISTING = "captions.jsonl"


@dataclass(frozen=True, kw_only=True)
class LabelledPicture:
    """One picture and what is known about it."""

    path: Path
    """The file."""
    label: str
    """Class, as the dataset writes it."""
    captions: tuple[str, ...] = ()
    """Sentences about it; may be empty."""


@dataclass(frozen=True, kw_only=True)
class LabelledPictures:
    """A dataset, or one split of it."""

    name: str
    """Folder name."""
    split: str | None
    """Split that was chosen; None for everything."""
    pictures: tuple[LabelledPicture, ...]
    """In the order of the listing."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class, sorted."""
        return tuple(sorted({picture.label for picture in self.pictures}))

    @property
    def names(self) -> tuple[str, ...]:
        """Every class in words, in the order of `labels`."""
        return tuple(class_words(label) for label in self.labels)

    @property
    def label_numbers(self) -> NDArray[np.int64]:
        """Index into `labels` of each picture."""
        number = {label: index for index, label in enumerate(self.labels)}
        return np.array([number[picture.label] for picture in self.pictures], dtype=np.int64)


def load_labelled_pictures(folder: Path, *, split: str | None = None) -> LabelledPictures:
    """List a dataset without reading a picture.

    Args:
        folder: Folder with captions.jsonl (image, label, split, captions a line), or with one folder a class.
        split: Split of captions.jsonl to keep; None keeps everything.

    Raises:
        InputError: If the folder is no such dataset, the split is unknown, or fewer than two classes are left.
    """
    if not folder.is_dir():
        raise InputError(f"no dataset folder at {folder}")
    pictures = _from_listing(folder, split) if (folder / LISTING).is_file() else _from_folders(folder, split)
    dataset = LabelledPictures(name=folder.resolve().name, split=split, pictures=tuple(pictures))
    if len(dataset.labels) < 2:
        raise InputError(f"{folder} must hold pictures of at least 2 classes, got {len(dataset.labels)}")
    return dataset


def read_tile(picture: LabelledPicture) -> Tile:
    """Return a picture as one ordinary tile of the rgb sensor.

    Raises:
        SceneError: If the file cannot be read.
    """
    try:
        with Image.open(picture.path) as opened:
            colours = np.asarray(opened.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise SceneError(f"cannot read {picture.path}: {error}") from error
    return picture_tile(
        colours,
        np.ones(colours.shape[:2], dtype=np.bool_),
        name=picture.path.stem,
        collection=picture.label,
        href=str(picture.path),
        label=picture.label,
        captions=picture.captions,
    )


def _from_listing(folder: Path, split: str | None) -> list[LabelledPicture]:
    lines = (folder / LISTING).read_text(encoding="utf-8").splitlines()
    try:
        rows = [json.loads(line) for line in lines if line.strip()]
        splits = sorted({str(row["split"]) for row in rows if "split" in row})
        if split is not None and split not in splits:
            raise InputError(f"{folder} has no split {split!r}; it has {', '.join(splits) or 'none'}")
        kept = [row for row in rows if split is None or row.get("split") == split]
        return [
            LabelledPicture(
                path=folder / row["image"], label=str(row["label"]), captions=tuple(row.get("captions", ()))
            )
            for row in kept
        ]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{folder / LISTING} must hold one object a line with image and label: {error!r}") from None


def _from_folders(folder: Path, split: str | None) -> list[LabelledPicture]:
    if split is not None:
        raise InputError(f"{folder} has no {LISTING}, so it has no split {split!r}")
    files = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in SUFFIXES)
    return [LabelledPicture(path=path, label=path.parent.name) for path in files]
