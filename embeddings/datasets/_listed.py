"""What the adapters have in common: a listed dataset, and what they say when a folder is laid out otherwise."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from core import InputError, Sample, Settings, UnknownNameError, read_limited, safe_name

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
"""Endings of picture files, lower case."""


@dataclass(frozen=True, kw_only=True)
class ListedDataset:
    """A dataset whose samples are listed anew, in a fixed order, whenever they are asked for."""

    name: str
    """Registry name."""
    splits: tuple[str, ...]
    """Splits there are."""
    entries: Callable[[], Iterable[Sample]]
    """Lists the samples of every split; reads metadata only."""

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        """Yield the samples of a split, or of all.

        Raises:
            UnknownNameError: There is no such split; the message lists the splits.
        """
        if split is not None and split not in self.splits:
            raise UnknownNameError(f"split of {self.name}", split, self.splits)
        return (sample for sample in self.entries() if split in (None, sample.split))


def wrong_layout(name: str, root: Path, problem: str, tree: str) -> InputError:
    """Return the error of a folder that is laid out otherwise.

    Args:
        name: Registry name.
        root: Folder that was given.
        problem: What is missing, e.g. `no folder images/`.
        tree: The expected files and folders, one a line.
    """
    lines = "\n".join(f"  {line}" for line in tree.strip("\n").splitlines())
    return InputError(f"{root} is not laid out as {name}: {problem}; expected\n{lines}")


def tidy_text(text: str) -> str:
    """Return text on one line: runs of white space as one space, none at the ends."""
    return " ".join(text.split())


def sentences(texts: Iterable[object]) -> tuple[str, ...]:
    """Return what is text among the values, tidied, without empty ones; repeated sentences stay."""
    return tuple(tidy for text in texts if isinstance(text, str) and (tidy := tidy_text(text)))


def read_text(path: Path) -> str:
    """Return a UTF-8 document of at most `SWATH_MAX_METADATA_BYTES`.

    Raises:
        InputError: Missing, too large or not UTF-8; the message names the file.
    """
    try:
        return read_limited(path, Settings().max_metadata_bytes).decode("utf-8-sig")
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from None


def read_json(path: Path) -> Any:
    """Return a JSON document of at most `SWATH_MAX_METADATA_BYTES`.

    Raises:
        InputError: Missing, too large or not JSON; the message names the file.
    """
    try:
        return json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from None


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a comma-separated file with a header, of any length, one at a time.

    Raises:
        InputError: Missing, a column is missing, or a row is damaged; the message names the file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in columns if name not in (rows.fieldnames or ())]
            if missing:
                raise InputError(f"{path} has no column {missing[0]}; expected {', '.join(columns)}")
            yield from rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}") from None


def files_under(folder: Path, endings: Sequence[str] = PICTURE_ENDINGS) -> list[Path]:
    """Return the files directly in a folder with one of the endings, sorted by name; hidden ones left out."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in endings and not path.name.startswith(".") and path.is_file()
    )


def folders_under(folder: Path) -> list[Path]:
    """Return the folders directly in a folder, sorted by name; hidden ones left out."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def inside(root: Path, name: str) -> Path | None:
    """Return the path a document names below a folder, or None where it would lead out of it."""
    path = Path(name)
    if not name or "\0" in name or path.is_absolute() or ".." in path.parts:
        return None
    return root / path


def sample_ids(names: Sequence[str]) -> list[str]:
    """Return a unique safe id for each relative file name, without its ending where that tells it apart."""
    short = [safe_name(str(PurePosixPath(name).with_suffix(""))) for name in names]
    full = [safe_name(name) for name in names]
    taken, spelt = Counter(short), Counter(full)
    ids = [brief if taken[brief] == 1 else long for brief, long in zip(short, full, strict=True)]
    return [
        one if spelt[long] == 1 else f"{long}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        for one, long, name in zip(ids, full, names, strict=True)
    ]


def ordered_splits(splits: Iterable[str | None]) -> tuple[str, ...]:
    """Return each split once: train, val and test first, others by name."""
    usual = ("train", "val", "test")
    found = {split for split in splits if split}
    return (*(split for split in usual if split in found), *sorted(found - set(usual)))
