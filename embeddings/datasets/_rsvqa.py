"""RSVQA-LR and RSVQA-HR: questions and answers about Sentinel-2 and aerial pictures (Lobry et al. 2020).

The official JSON of https://rsvqa.sylvainlobry.com: three tables a split (images, questions, answers); rows not
`active` belong to other splits. HR has a second test split over Philadelphia, `test_phili`. Answers are given as
written: counts are numbers and areas end in `m2`; the buckets of the official LR evaluation are left to the protocol.

A fair split keeps together what was cut from one product or one aerial tile, so that is `Sample.group`.
The largest table of HR is above 64 MiB: set SWATH_MAX_METADATA_BYTES for it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import InputError, Question, Sample, UnknownNameError, safe_name
from embeddings.datasets._listed import read_json, wrong_layout
from embeddings.datasets._read import raster_view

EXPECTED = """ROOT/ (or the folder of one of the two)
  RSVQA-LR/
    LR_split_train_images.json, LR_split_train_questions.json, LR_split_train_answers.json
    LR_split_val_....json, LR_split_test_....json
    Images_LR/0.tif
  RSVQA-HR/
    USGS_split_train_images.json, USGS_split_train_questions.json, USGS_split_train_answers.json
    USGS_split_val_....json, USGS_split_test_....json, USGS_split_test_phili_....json
    Images/Data/0.tif (or Data/0.tif)"""

_TABLE = re.compile(r"(LR|USGS)_split_([a-z_]+)_images\.json")
_PICTURES: Mapping[str, tuple[str, ...]] = {"LR": ("Images_LR",), "USGS": ("Images/Data", "Data")}
"""Where the pictures of each part lie."""
_PLACE = re.compile(r"-?\d+-\d+\.tif$|_\d+-\d+\.tif$")
"""The offset of a picture in what it was cut from, at the end of `original_name`."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One split of LR or HR: where its tables and pictures lie."""

    split: str
    prefix: Path
    pictures: Path
    key: str


@dataclass(frozen=True, kw_only=True)
class Rsvqa:
    """RSVQA on disk; tables are read when samples are asked for."""

    name: str
    """Registry name."""
    splits: tuple[str, ...]
    """Splits of both parts, by name."""
    parts: tuple[_Part, ...]
    """What there is on disk."""

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        """Yield one sample a picture, with all its questions.

        Raises:
            UnknownNameError: There is no such split.
            InputError: A table cannot be read or refers to what is not there.
        """
        if split is not None and split not in self.splits:
            raise UnknownNameError(f"split of {self.name}", split, self.splits)
        for part in self.parts:
            if split in (None, part.split):
                yield from _samples(part)


def open_rsvqa(name: str, root: Path) -> Rsvqa:
    """Find the parts and splits under `root`.

    Raises:
        InputError: Neither part is there, or one lacks a table or its pictures; the message shows the expected tree.
    """
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    found = [match for folder in folders for path in sorted(folder.iterdir()) if (match := _part(name, root, path))]
    if not found:
        raise wrong_layout(name, root, "no LR_split_*_images.json or USGS_split_*_images.json", EXPECTED)
    return Rsvqa(name=name, splits=tuple(sorted({part.split for part in found})), parts=tuple(found))


def _part(name: str, root: Path, table: Path) -> _Part | None:
    match = _TABLE.fullmatch(table.name)
    if match is None:
        return None
    prefix = table.with_name(table.name.removesuffix("_images.json"))
    for kind in ("questions", "answers"):
        if not _table(prefix, kind).is_file():
            raise wrong_layout(name, root, f"no {_table(prefix, kind).name} beside {table.name}", EXPECTED)
    places = [table.parent / place for place in _PICTURES[match[1]]]
    pictures = next((place for place in places if place.is_dir()), None)
    if pictures is None:
        raise wrong_layout(name, root, f"no folder {_PICTURES[match[1]][0]} beside {table.name}", EXPECTED)
    return _Part(split=match[2], prefix=prefix, pictures=pictures, key={"LR": "lr", "USGS": "hr"}[match[1]])


def _table(prefix: Path, kind: str) -> Path:
    return prefix.with_name(f"{prefix.name}_{kind}.json")


def _rows(prefix: Path, kind: str) -> list[dict[str, Any]]:
    path = _table(prefix, kind)
    table = read_json(path)
    rows = table.get(kind) if isinstance(table, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
        raise InputError(f'{path} is not an RSVQA table; expected {{"{kind}": [{{"id": 0, "active": true, ...}}]}}')
    return [row for row in rows if row.get("active")]


def _samples(part: _Part) -> Iterator[Sample]:
    answers = {row["question_id"]: row for row in _rows(part.prefix, "answers")}
    questions: defaultdict[int, list[Question]] = defaultdict(list)
    for row in _rows(part.prefix, "questions"):
        if row["id"] not in answers:
            raise InputError(f"{_table(part.prefix, 'answers')} has no answer to question {row['id']}")
        answer = str(answers[row["id"]]["answer"])
        questions[row["img_id"]].append(Question(text=row["question"], answer=answer, kind=row["type"]))
    for row in _rows(part.prefix, "images"):
        yield _sample(part, row, tuple(questions.pop(row["id"], ())))
    if questions:
        raise InputError(f"{_table(part.prefix, 'questions')} asks about image {min(questions)}, which is not active")


def _sample(part: _Part, row: dict[str, Any], questions: tuple[Question, ...]) -> Sample:
    sample_id = f"{part.key}-{int(row['id'])}"
    origin = _PLACE.sub("", str(row.get("original_name", row["id"])))
    return Sample(
        sample_id=sample_id,
        split=part.split,
        group=safe_name(f"{part.key}-{origin}"),
        views=(raster_view("rsvqa", sample_id, part.pictures / f"{int(row['id'])}.tif", role="image", sensor="rgb"),),
        questions=questions,
    )
