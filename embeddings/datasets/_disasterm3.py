"""DisasterM3: pictures before and after disasters with instructions, reports and masks (Wang et al. 2025).

Two folders of https://huggingface.co/datasets/Kingdrone-Junjue/DisasterM3: `DisasterM3_Instruct` with
`train_release.json` (split `train`) and `DisasterM3_Bench` with `benchmark_release.json` (split `test`), their archives
extracted. A row names its pictures with backslashes.

- Rows about the same pictures become one sample with one question a row. Where a row has options they are its choices
  and the letter is the answer; else `training_answer`, or `ground_truth`, is.
- Reports (`disaster caption`, `Disaster Report`) are captions as well; the disaster type is the label.
- A row of `Referring Expression Segmentation` is a sample of its own, whose mask is what its sentence, the caption,
  refers to. The mask is 1 where the picture is not black.
- Rows about one picture (`image_path`) have the view `image`; pairs have `before` and `after`, or `after-sar` where a
  row says that the later picture is SAR. Those are 8-bit pictures of unknown calibration, read as plain pictures.
- The event in the file name is the group. The table of the training set is large: set SWATH_MAX_METADATA_BYTES for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import Dataset, InputError, Question, Sample, View, safe_name
from embeddings.datasets._change_masks import read_colours
from embeddings.datasets._choices import answer_letters, plain_choices, split_choices
from embeddings.datasets._listed import ListedDataset, inside, read_json, tidy_text, wrong_layout
from embeddings.datasets._read import picture_view

TABLES: Mapping[str, str] = {
    "test": "DisasterM3_Bench/benchmark_release.json",
    "train": "DisasterM3_Instruct/train_release.json",
}
"""Split to its table."""

EXPECTED = """ROOT/
  DisasterM3_Instruct/
    train_release.json
    train_images/EVENT_00000001_pre_disaster.png, train_images/EVENT_00000001_post_disaster.png
    box_train_images/..., masks/... (where extracted)
  DisasterM3_Bench/ (either folder may be missing)
    benchmark_release.json
    test_images/..., masks/..."""

_REPORTS = ("disaster caption", "disaster report")
_TYPE = "disaster type recognition"
_SEGMENTATION = "referring expression segmentation"
_EVENT = re.compile(r"[-_]?\d{4,}.*")
"""The number of a picture and what follows it."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One checked row of a table."""

    pictures: tuple[Path, ...]
    """One, or the earlier and the later."""
    sar: bool
    """Whether the row says that the later picture is SAR."""
    task: str
    prompt: str
    answer: str
    choices: tuple[str, ...]
    target: str
    """`ground_truth` as text."""


def open_disasterm3(name: str, root: Path) -> Dataset:
    """Find the two tables under `root`; they are read when samples are asked for.

    Raises:
        InputError: Neither table is there, or its pictures are not; the message shows the expected tree.
    """
    tables = {split: root / table for split, table in TABLES.items() if (root / table).is_file()}
    if not tables:
        raise wrong_layout(name, root, f"neither {' nor '.join(TABLES.values())}", EXPECTED)
    for split, table in tables.items():
        pictures = table.parent / f"{split}_images"
        if not pictures.is_dir():
            raise wrong_layout(name, root, f"no folder {pictures.relative_to(root)} (extract its archive)", EXPECTED)
    return ListedDataset(name=name, splits=tuple(tables), entries=partial(_samples, name, tables))


def _samples(name: str, tables: Mapping[str, Path]) -> Iterator[Sample]:
    for split, table in tables.items():
        together: dict[tuple[Path, ...], list[_Row]] = {}
        for row in _rows(table):
            together.setdefault(row.pictures, []).append(row)
        for pictures, rows in together.items():
            sample_id = safe_name(f"{split}-{'-'.join(path.stem for path in pictures)}")
            roles = ("before", "after-sar" if any(row.sar for row in rows) else "after")
            named = zip(roles if len(pictures) == 2 else ("image",), pictures, strict=True)
            views = tuple(picture_view(name, sample_id, path, role=role) for role, path in named)
            group = _EVENT.sub("", pictures[0].stem) or pictures[0].stem
            asked = [row for row in rows if row.task.lower() != _SEGMENTATION]
            if asked:
                yield _pair(asked, sample_id=sample_id, split=split, group=group, views=views)
            outlined = (row for row in rows if row.task.lower() == _SEGMENTATION)
            for number, row in enumerate(outlined):
                yield Sample(
                    sample_id=f"{sample_id}.mask{number}",
                    split=split,
                    group=group,
                    views=views,
                    captions=(row.prompt,),
                    mask=partial(_outline, _inside(table, row.target)),
                )


def _pair(rows: list[_Row], *, sample_id: str, split: str, group: str, views: tuple[View, ...]) -> Sample:
    return Sample(
        sample_id=sample_id,
        split=split,
        group=group,
        views=views,
        labels=tuple(dict.fromkeys(tidy_text(row.target) for row in rows if row.task.lower() == _TYPE)),
        captions=tuple(tidy_text(row.answer) for row in rows if row.task.lower() in _REPORTS),
        questions=tuple(
            Question(text=row.prompt, answer=row.answer, kind=row.task, choices=row.choices) for row in rows
        ),
    )


def _rows(table: Path) -> Iterator[_Row]:
    document = read_json(table)
    if not isinstance(document, list):
        raise InputError(f"{table} holds no list of rows; expected the released table of DisasterM3")
    for number, row in enumerate(document):
        try:
            yield _row(table, row)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise InputError(
                f"row {number} of {table} is not one of DisasterM3's ({type(error).__name__}: {error}); expected "
                "pre_image_path and post_image_path, or image_path, with prompts, task and ground_truth"
            ) from None


def _row(table: Path, row: dict[str, Any]) -> _Row:
    prompt = row["prompts"] if isinstance(row["prompts"], str) else " ".join(row["prompts"])
    target = str(row["ground_truth"])
    options = row.get("options_str")
    answer = row.get("ground_truth_option") if options else row.get("training_answer")
    choices = _choices(row) if options and answer else ()
    return _Row(
        pictures=_pictures(table, row),
        sar=str(row.get("post_image_type", "")).lower() == "sar",
        task=row["task"],
        prompt=tidy_text(prompt) + (f"\n{options}" if options and not choices else ""),
        answer=answer_letters(str(answer), choices) if choices else str(answer or target),
        choices=choices,
        target=target,
    )


def _choices(row: dict[str, Any]) -> tuple[str, ...]:
    return plain_choices(row["options_list"]) if row.get("options_list") else split_choices(row["options_str"])


def _pictures(table: Path, row: dict[str, Any]) -> tuple[Path, ...]:
    keys = ("image_path",) if "image_path" in row else ("pre_image_path", "post_image_path")
    return tuple(_inside(table, row[key]) for key in keys)


def _inside(table: Path, name: str) -> Path:
    """Return the file a row names; `train_images/box_train_images/...` is published as `box_train_images/...`."""
    parts = name.replace("\\", "/").split("/")
    path = inside(table.parent, "/".join(parts))
    if path is None:
        raise InputError(f"{table} names a file outside of its folder: {name!r}")
    short = table.parent.joinpath(*parts[1:])
    return short if len(parts) > 2 and parts[1].startswith("box_") and not path.is_file() else path


def _outline(path: Path) -> NDArray[np.uint8]:
    marked: NDArray[np.uint8] = (read_colours(path).max(axis=-1) > 0).astype(np.uint8)
    return marked
