"""MME-RealWorld, its remote-sensing part: multiple choice over very large pictures (Zhang et al. 2024).

The files of https://huggingface.co/datasets/yifanzhang114/MME-RealWorld: one list of questions a language
(`MME_RealWorld.json`, and `MME_RealWorld_CN.json` in Chinese), whose rows of `"Subtask": "Remote Sensing"` are read,
and the pictures of the joined `remote_sensing.tar.gz.part_*`. The fields are those of
`evaluation/output_test_template.json` of https://github.com/yfzhang114/MME-RealWorld. `MME-RealWorld-Lite` has the
same rows and is read as well.

- Rows about one picture become one sample; the category (`color`, `count`, `position`) is the kind of a question.
- The fifth choice says that the picture does not show it; the answer is a letter.
- The split is `test`, that of the Chinese list `test-cn`. No row tells where in the picture the answer is to be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core import Dataset, InputError, Question, Sample
from embeddings.datasets._choices import answer_letters, plain_choices
from embeddings.datasets._listed import ListedDataset, inside, read_json, sample_ids, tidy_text, wrong_layout
from embeddings.datasets._read import picture_view

EXPECTED = """ROOT/
  MME_RealWorld.json (MME_RealWorld_CN.json, or MME-RealWorld-Lite.json)
  remote_sensing/03553_Toronto.png (extracted; also below images/ or data/)"""

SUBTASK = "remote sensing"
"""`Subtask` of the rows that are read, in lower case; the others show streets, charts and signs."""

_PLACES = ("", "images", "data")


def open_mme_realworld(name: str, root: Path) -> Dataset:
    """Find the lists of questions and the pictures under `root`; the lists are read when samples are asked for.

    Raises:
        InputError: There is no list, two of one split, or no folder of pictures; the message shows the tree.
    """
    lists = sorted([*root.glob("MME*Real*orld*.json"), *root.glob("data/MME*Real*orld*.json")])
    if not lists:
        raise wrong_layout(name, root, "no MME_RealWorld.json", EXPECTED)
    places = [root / place for place in _PLACES if (root / place / "remote_sensing").is_dir()]
    if not places:
        raise wrong_layout(name, root, "no folder remote_sensing (join and extract its archives)", EXPECTED)
    tables: dict[str, Path] = {}
    for path in lists:
        split = "test-cn" if "CN" in path.stem else "test"
        if (other := tables.setdefault(split, path)) != path:
            reason = f"{other.name} and {path.name} both hold split {split}; keep one of them"
            raise wrong_layout(name, root, reason, EXPECTED)
    return ListedDataset(name=name, splits=tuple(sorted(tables)), entries=partial(_samples, name, tables, places[0]))


def _samples(name: str, tables: Mapping[str, Path], pictures: Path) -> Iterator[Sample]:
    for split, table in sorted(tables.items()):
        asked: dict[str, list[Question]] = {}
        for picture, question in _rows(table):
            asked.setdefault(picture, []).append(question)
        ids = sample_ids([f"{split}-{picture.removeprefix('remote_sensing/')}" for picture in asked])
        for sample_id, (picture, questions) in zip(ids, asked.items(), strict=True):
            path = inside(pictures, picture)
            if path is None:
                raise InputError(f"{table} names a file outside of its folder: {picture!r}")
            yield Sample(
                sample_id=sample_id,
                split=split,
                group=path.stem,
                views=(picture_view(name, sample_id, path),),
                questions=tuple(questions),
            )


def _rows(table: Path) -> Iterator[tuple[str, Question]]:
    document = read_json(table)
    if not isinstance(document, list):
        raise InputError(f"{table} holds no list of questions; expected that of MME-RealWorld")
    found = 0
    for number, row in enumerate(document):
        try:
            if row["Subtask"].lower() == SUBTASK:
                found += 1
                yield row["Image"].replace("\\", "/"), _question(row)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(
                f"row {number} of {table} is not one of MME-RealWorld's ({type(error).__name__}: {error}); expected "
                'Image, Text, "Answer choices", "Ground truth", Category and Subtask'
            ) from None
    if not found:
        raise InputError(f'{table} has no row of "Subtask": "Remote Sensing"')


def _question(row: Mapping[str, Any]) -> Question:
    choices = plain_choices(row["Answer choices"])
    return Question(
        text=tidy_text(row["Text"]),
        answer=answer_letters(row["Ground truth"], choices),
        kind=tidy_text(row["Category"]).lower(),
        choices=choices,
    )
