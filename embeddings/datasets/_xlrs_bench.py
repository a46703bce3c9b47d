"""XLRS-Bench: multiple choice over pictures of up to 10,000 x 10,000 pixels (Wang et al. 2025).

The Arrow or Parquet shards of https://huggingface.co/datasets/initiacms/XLRS-Bench-lite, in whatever folders the hub
client put them: `path`, `index`, `question`, `multi-choice options`, `answer`, `category`, `l2-category` and `image`, a
list of pictures (how they are asked: https://github.com/AI9Stars/XLRS-Bench). The export for VLMEvalKit, pictures as
base64 in lines of JSON, is not read.

- A row is a sample with one question; the path of its picture is the group, because pictures are asked about often.
- Overall land use may have several right letters: the answer holds all of them (`ABD`).
- Rows with two pictures, about change, have the views `before` and `after`.
- Published as `train` though meant for testing only, so no split is told. No row tells where the answer is to be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from core import Dataset, InputError, Question, Sample, View, safe_name
from embeddings.datasets._choices import answer_letters, plain_choices, split_choices
from embeddings.datasets._listed import ListedDataset, tidy_text, wrong_layout
from embeddings.datasets._shards import picture_counts, shard_rows, shard_view, shards_under

EXPECTED = """ROOT/ (shards at any depth)
  data-00000-of-00087.arrow, ... or
  data/train-00000-of-00087.parquet, ...
  with the columns index, path, question, multi-choice options, answer, category, image"""

_COLUMNS = ("index", "path", "question", "multi-choice options", "answer", "category")


def open_xlrs_bench(name: str, root: Path) -> Dataset:
    """Find the shards under `root`; they are read when samples are asked for.

    Raises:
        InputError: There are none; the message shows the expected tree.
    """
    shards = shards_under(root)
    if not shards:
        raise wrong_layout(name, root, "no .arrow or .parquet shard", EXPECTED)
    return ListedDataset(name=name, splits=(), entries=partial(_samples, name, root, shards))


def _samples(name: str, root: Path, shards: Sequence[Path]) -> Iterator[Sample]:
    for shard in shards:
        try:
            rows = zip(shard_rows(shard, _COLUMNS), picture_counts(shard, "image"), strict=True)
            for number, (row, pictures) in enumerate(rows):
                yield _sample(name, shard, number, row, pictures)
        except InputError as error:
            raise wrong_layout(name, root, str(error), EXPECTED) from None


def _sample(name: str, shard: Path, number: int, row: Mapping[str, Any], pictures: int) -> Sample:
    sample_id = safe_name(f"{row['index']}")
    try:
        question = _question(row)
        path = row["path"][0] if isinstance(row["path"], list) else row["path"]
    except (IndexError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"row {number} of {shard.name} is not one of XLRS-Bench's ({error})") from None
    if pictures not in (1, 2):
        raise InputError(f"row {number} of {shard.name} has {pictures} pictures; expected one or two")
    return Sample(
        sample_id=sample_id,
        split=None,
        group=safe_name(Path(str(path)).with_suffix("").as_posix()),
        views=_views(name, sample_id, shard, number, pictures),
        questions=(question,),
    )


def _views(name: str, sample_id: str, shard: Path, number: int, pictures: int) -> tuple[View, ...]:
    roles = ("image",) if pictures == 1 else ("before", "after")
    return tuple(
        shard_view(name, sample_id, shard, number, column="image", index=index, role=role)
        for index, role in enumerate(roles)
    )


def _question(row: Mapping[str, Any]) -> Question:
    options = row["multi-choice options"]
    choices = split_choices(options) if isinstance(options, str) else plain_choices(options)
    answer = answer_letters(row["answer"], choices)
    return Question(text=tidy_text(row["question"]), answer=answer, kind=tidy_text(row["category"]), choices=choices)
