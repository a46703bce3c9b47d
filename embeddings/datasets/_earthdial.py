"""Instructions as EarthDial, GeoChat and VRSBench publish them: conversations about pictures (Soni et al. 2025).

Two layouts are read, whatever their folders are called:

- Shards of https://huggingface.co/datasets/akshaydudhane/EarthDial-Dataset (Arrow, `save_to_disk`): the picture in
  `jpg`, and either `conversations` or `question` and `groundtruth` with the type in `ttype`, as
  https://github.com/hiyamdebary/EarthDial reads them (`src/earthdial/eval/rs_vqa`). Shards without `jpg` hold bands
  in arrays of unstated units and are left out. A row is a sample: shards do not say which rows share a picture.
- Lists of conversations beside their pictures, JSON or one row a line, as LLaVA reads them
  (https://github.com/haotian-liu/LLaVA/blob/main/docs/Finetune_Custom_Data.md): `image` and `conversations`, a list of
  `{"from": "human", "value"}` and `{"from": "gpt", "value"}`. Rows about the same pictures become one sample.

A turn of `human` with the answer of `gpt` is a question. Marks in brackets before it are taken off: the last that
names no sensor (`[vqa]`, `[refer]`; `[hr_rgb_0.5]` and `[s1_vh_1]` name one) is its kind. A box
`{<x0><y0><x1><y1>|<angle>}`, in percent of the picture, is the region of its answer; the angle is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from core import Dataset, InputError, Question, Sample, View, safe_name
from embeddings.datasets._listed import (
    ListedDataset,
    files_under,
    inside,
    ordered_splits,
    read_json,
    read_text,
    sample_ids,
    tidy_text,
    wrong_layout,
)
from embeddings.datasets._read import picture_view
from embeddings.datasets._shards import column_names, shard_rows, shard_view, shards_under

EXPECTED = """ROOT/
  VQA/RSVQA_LR/data-00000-of-00001.arrow (at any depth, with jpg, and question and groundtruth or conversations)
or ROOT/
  NAME_train.json (or .jsonl, a row a line)
    [{"image": "a.png", "conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}]
  a.png or images/a.png"""

REST = "rest"
"""Split of files that tell none, where others do."""

UNNAMED = "instruction"
"""Kind of questions that no mark names."""

_MARK = re.compile(r"\s*(?:\[([^\[\]]{1,40})\]|<image>|\\n)\s*")
_SENSOR = re.compile(r"(?:hr|s1|s2|l8|rgb|tree|ms)_.*|.*_temp_.*|\d.*")
"""Marks that name a sensor, such as hr_rgb_0.5 and s1_vh_1."""
_BOX = re.compile(r"\{\s*<(\d{1,3})>\s*<(\d{1,3})>\s*<(\d{1,3})>\s*<(\d{1,3})>\s*(?:\|\s*<-?\d+>)?\s*\}")
_SPLIT = re.compile(r"(?:^|[_.-])(train|val|test)(?:$|[_.-])")


def open_earthdial(name: str, root: Path) -> Dataset:
    """Find shards or lists of conversations under `root`; they are read when samples are asked for.

    Raises:
        InputError: There is neither; the message shows the expected tree.
    """
    if shards := shards_under(root):
        known = _splits(root, shards)
        return ListedDataset(
            name=name, splits=ordered_splits(known.values()), entries=partial(_of_shards, name, root, known)
        )
    lists = files_under(root, (".json", ".jsonl"))
    if not lists:
        raise wrong_layout(name, root, "no .arrow shard and no list of conversations", EXPECTED)
    known = _splits(root, lists)
    return ListedDataset(
        name=name, splits=ordered_splits(known.values()), entries=partial(_of_lists, name, root, known)
    )


def _splits(root: Path, files: Sequence[Path]) -> Mapping[Path, str | None]:
    """The split of each file; where only some tell theirs, the others are the rest."""
    told = {path: _split(root, path) for path in files}
    return {path: split or REST for path, split in told.items()} if any(told.values()) else told


def _split(root: Path, path: Path) -> str | None:
    """The split a file's name tells, or the folder it is in below the root."""
    parts = path.relative_to(root).with_suffix("").parts[-2:]
    found = [match[1] for part in reversed(parts) if (match := _SPLIT.search(part.lower()))]
    return found[0] if found else None


def _of_shards(name: str, root: Path, shards: Mapping[Path, str | None]) -> Iterator[Sample]:
    found = False
    for shard, split in shards.items():
        columns = set(column_names(shard))
        wanted = next((few for few in (("conversations",), ("question", "groundtruth")) if columns >= {*few}), None)
        if "jpg" not in columns or wanted is None:
            continue
        found = True
        kind = ("ttype",) if "ttype" in columns else ()
        stem = shard.relative_to(root).with_suffix("").as_posix()
        for number, row in enumerate(shard_rows(shard, (*wanted, *kind))):
            sample_id = safe_name(f"{stem}-{number}")
            view = shard_view(name, sample_id, shard, number, column="jpg")
            questions = _questions(f"row {number} of {shard.name}", row)
            yield _sample(sample_id, split, (view,), questions)
    if not found:
        raise wrong_layout(
            name, root, "no shard has jpg with conversations, or with question and groundtruth", EXPECTED
        )


def _of_lists(name: str, root: Path, lists: Mapping[Path, str | None]) -> Iterator[Sample]:
    for path, split in lists.items():
        together: dict[tuple[str, ...], list[Question]] = {}
        for number, row in enumerate(_rows(path)):
            where = f"row {number} of {path.name}"
            together.setdefault(_pictures(where, row), []).extend(_questions(where, row))
        ids = sample_ids([f"{path.stem}/{'-'.join(pictures)}" for pictures in together])
        for sample_id, (pictures, questions) in zip(ids, together.items(), strict=True):
            views = _views(name, sample_id, [_found(root, path, picture) for picture in pictures])
            yield _sample(sample_id, split, views, questions)


def _sample(sample_id: str, split: str | None, views: tuple[View, ...], questions: Sequence[Question]) -> Sample:
    captions = tuple(tidy_text(question.answer) for question in questions if "caption" in question.kind)
    return Sample(
        sample_id=sample_id, split=split, group=sample_id, views=views, captions=captions, questions=tuple(questions)
    )


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.suffix == ".json":
        document = read_json(path)
    else:
        try:
            document = [json.loads(line) for line in read_text(path).splitlines() if line.strip()]
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is not JSON line by line: {error}") from None
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise InputError(f"{path} holds no list of conversations; expected\n{EXPECTED}")
    yield from document


def _pictures(where: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    named = row.get("image", row.get("images"))
    pictures = (named,) if isinstance(named, str) else tuple(named or ())
    if not pictures or not all(isinstance(picture, str) for picture in pictures):
        raise InputError(f"{where} names no picture under image; expected\n{EXPECTED}")
    return pictures


def _found(root: Path, table: Path, picture: str) -> Path:
    """Return the picture beside the table, or in `images/`."""
    path = inside(root, picture)
    if path is None:
        raise InputError(f"{table} names a file outside of its folder: {picture!r}")
    return path if path.is_file() else root / "images" / picture


def _views(name: str, sample_id: str, pictures: Sequence[Path]) -> tuple[View, ...]:
    usual = {1: ("image",), 2: ("before", "after")}
    roles = usual.get(len(pictures), tuple(f"date-{number}" for number in range(1, len(pictures) + 1)))
    return tuple(picture_view(name, sample_id, path, role=role) for role, path in zip(roles, pictures, strict=True))


def _questions(where: str, row: Mapping[str, Any]) -> list[Question]:
    try:
        if "conversations" in row:
            return [_question(asked, answer) for asked, answer in _turns(row["conversations"])]
        return [_question(row["question"], row["groundtruth"], row.get("ttype"))]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{where} is no conversation ({type(error).__name__}: {error}); expected\n{EXPECTED}"
        ) from None


def _turns(conversations: Any) -> Iterator[tuple[str, str]]:
    turns = json.loads(conversations) if isinstance(conversations, str) else conversations
    if not turns or [turn["from"] for turn in turns] != ["human", "gpt"] * (len(turns) // 2):
        raise ValueError("turns of human and gpt do not alternate")
    return ((asked["value"], answer["value"]) for asked, answer in zip(turns[::2], turns[1::2], strict=True))


def _question(asked: str, answer: str, kind: str | None = None) -> Question:
    marks, text = _without_marks(asked.strip('" '))
    said = tidy_text(answer.strip('" '))
    if not text or not said:
        raise ValueError("an empty question or answer")
    named = [mark for mark in marks if not _SENSOR.fullmatch(mark.lower())]
    box = _BOX.search(said) or _BOX.search(text)
    return Question(
        text=text,
        answer=said,
        kind=tidy_text(kind.strip('" ')) if kind else (named[-1].lower() if named else UNNAMED),
        region=None if box is None else _region(box),
    )


def _without_marks(asked: str) -> tuple[list[str], str]:
    marks, start = [], 0
    while match := _MARK.match(asked, start):
        marks.append(match[1])
        start = match.end()
    return [mark for mark in marks if mark], tidy_text(asked[start:].replace("<image>", " "))


def _region(box: re.Match[str]) -> tuple[float, float, float, float] | None:
    left, upper, right, lower = (min(int(part), 100) / 100 for part in box.groups())
    return (left, upper, right, lower) if left < right and upper < lower else None
