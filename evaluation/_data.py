"""From `NAME:PATH` or a folder to the samples a protocol is run on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from core import Dataset, InputError, Sample
from embeddings import class_words
from embeddings.datasets import dataset_names, open_dataset

from ._options import Options

LISTING = "captions.jsonl"
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
EVERYTHING = "all"
Entry = TypeVar("Entry")


def open_data(data: str | Path) -> Dataset:
    """Open `NAME:PATH` with the adapter of that name, or a bare folder.

    A folder with captions.jsonl is read as `captions`, one with a folder a class as `pictures`.

    Raises:
        InputError: There is no such folder, or it is laid out otherwise; the message shows what would work.
    """
    name, colon, path = str(data).partition(":")
    if colon and name in dataset_names():
        return open_dataset(name, Path(path))
    folder = Path(data)
    if not folder.is_dir():
        hint = f"; before a colon stands one of {', '.join(dataset_names())}" if colon else ""
        raise InputError(f"no dataset folder at {folder}{hint}")
    return open_dataset(_layout(folder), folder)


def choose_split(dataset: Dataset, split: str | None) -> str | None:
    """Return the split to measure on: the one that was named, else test, val or everything.

    Raises:
        InputError: There is no such split.
    """
    if split == EVERYTHING:
        return None
    if split is None:
        return next((name for name in ("test", "val", "validation") if name in dataset.splits), None)
    if split not in dataset.splits:
        known = ", ".join((*dataset.splits, EVERYTHING))
        raise InputError(f"{dataset.name} has no split {split!r}; it has {known}")
    return split


def choose_samples(dataset: Dataset, split: str | None, options: Options) -> tuple[Sample, ...]:
    """Return the samples of a split that the options keep.

    Raises:
        InputError: No sample is left, or a class or group to be kept does not exist.
    """
    samples = list(dataset.samples(split))
    if options.only_classes:
        wanted = known_classes(samples, options.only_classes)
        samples = [sample for sample in samples if wanted & {class_words(label) for label in sample.labels}]
    if options.only_groups:
        _require_groups(samples, options.only_groups)
        samples = [sample for sample in samples if sample.group in options.only_groups]
    if not samples:
        raise InputError(f"{dataset.name} has no sample in split {split or EVERYTHING}")
    return tuple(spaced(samples, options.limit))


def known_classes(samples: Sequence[Sample], names: Sequence[str]) -> frozenset[str]:
    """Return class names in words.

    Raises:
        InputError: A name is no class of the samples; the message lists the classes.
    """
    known = {class_words(label) for sample in samples for label in sample.labels}
    wanted = frozenset(class_words(name) for name in names)
    if strange := sorted(wanted - known):
        raise InputError(f"no class {', '.join(map(repr, strange))}; the classes are {', '.join(sorted(known))}")
    return wanted


def spaced(entries: Sequence[Entry], limit: int | None) -> list[Entry]:
    """Return at most `limit` entries, evenly spaced, so that a sorted listing still gives every class."""
    if limit is None or limit >= len(entries):
        return list(entries)
    return [entries[index * len(entries) // limit] for index in range(limit)]


def is_synthetic(dataset: Dataset) -> bool:
    """Return whether a dataset was made: by its own word, or by its name."""
    return bool(getattr(dataset, "synthetic", dataset.name.startswith("synthetic")))


def _require_groups(samples: Sequence[Sample], names: Sequence[str]) -> None:
    known = sorted({sample.group for sample in samples})
    if strange := sorted(set(names) - set(known)):
        listed = ", ".join(known[:40]) + ("..." if len(known) > 40 else "")
        raise InputError(f"no group {', '.join(map(repr, strange))}; the groups are {listed}")


def _layout(folder: Path) -> str:
    if (folder / LISTING).is_file():
        return "captions"
    if any(path.suffix.lower() in PICTURES for path in folder.glob("*/*")):
        return "pictures"
    raise InputError(
        f"{folder} holds neither {LISTING} (one object a line: image, label, split, captions) nor pictures in a folder "
        f"a class (CLASS/PICTURE.jpg); name another layout as NAME:{folder}, NAME being one of "
        f"{', '.join(dataset_names())}"
    )
