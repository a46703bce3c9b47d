"""LEVIR-CC, LEVIR-MCI and Forest-Change: pictures before and after, with sentences about what changed.

All three are one JSON in the Karpathy style and folders `A` (before) and `B` (after) a split:

- LEVIR-CC (https://github.com/Chen-Yang-Liu/LEVIR-CC-Dataset): `LevirCCcaptions.json`; `changeflag` says whether
  anything changed. LEVIR-MCI is the same with a folder `label` of change masks (0 none, 128 road, 255 building).
- Forest-Change (https://github.com/JamesBrockUoB/ForestChat): `ForestChatcaptions.json`, masks in `label`; the first
  sentence of a pair is a person's, the others were made by rule from the mask.

Masks are returned as stored. Which pairs were cut from one scene is not published, so each pair is its own group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core import Dataset, InputError, Sample, safe_name
from embeddings.datasets._change_masks import read_gray
from embeddings.datasets._listed import ListedDataset, inside, read_json, sentences, wrong_layout
from embeddings.datasets._read import picture_view

TABLES: Mapping[str, str] = {"levir-cc": "LevirCCcaptions.json", "forest-change": "ForestChatcaptions.json"}
"""The JSON of each dataset."""

EXPECTED = """ROOT/
  {table}
  images/
    train/A/train_000001.png (before)
    train/B/train_000001.png (after)
    train/label/train_000001.png (change mask, where there is one)
    val/, test/ (likewise)"""

_FLAGS = {0: "no change", 1: "change"}


def open_change_captions(name: str, root: Path) -> Dataset:
    """List the pairs of `levir-cc` or `forest-change` under `root`.

    Raises:
        InputError: The JSON or a folder of pictures is missing, or the JSON is another; the message shows the tree.
    """
    expected = EXPECTED.format(table=TABLES[name])
    table = root / TABLES[name]
    if not table.is_file():
        raise wrong_layout(name, root, f"no {table.name}", expected)
    document = read_json(table)
    rows = document.get("images") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows:
        raise wrong_layout(name, root, f'{table.name} has no list "images"', expected)
    pairs = [_checked(row, table, number) for number, row in enumerate(rows)]
    for folder in sorted({_folder(root, row) for row in pairs}):
        for part in ("A", "B"):
            if not (folder / part).is_dir():
                raise wrong_layout(name, root, f"no folder {folder.relative_to(root)}/{part}", expected)
    splits = tuple(sorted({row["split"] for row in pairs}))
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, root, pairs))


def _checked(row: Any, table: Path, number: int) -> dict[str, Any]:
    keys = ("filename", "filepath", "split")
    fits = isinstance(row, dict) and all(isinstance(row.get(key), str) for key in keys)
    if not fits or not isinstance(row.get("sentences"), list) or not all(isinstance(s, dict) for s in row["sentences"]):
        raise InputError(
            f'entry {number} of {table}: expected {{"filepath": "train", "filename": "train_000001.png", '
            f'"split": "train", "sentences": [{{"raw": "..."}}]}}, got {str(row)[:80]}'
        )
    if "/" in row["filename"] or "\\" in row["filename"] or inside(Path(), row["filepath"]) is None:
        raise InputError(
            f"entry {number} of {table} leads out of the dataset: {row['filepath']!r}, {row['filename']!r}"
        )
    checked: dict[str, Any] = row
    return checked


def _folder(root: Path, row: dict[str, Any]) -> Path:
    return root / "images" / str(row["filepath"])


def _samples(name: str, root: Path, pairs: list[dict[str, Any]]) -> Iterator[Sample]:
    for row in pairs:
        folder, file = _folder(root, row), row["filename"]
        sample_id = safe_name(f"{row['split']}-{Path(file).stem}")
        label = folder / "label" / file
        yield Sample(
            sample_id=sample_id,
            split=row["split"],
            group=sample_id,
            views=(
                picture_view(name, sample_id, folder / "A" / file, role="before"),
                picture_view(name, sample_id, folder / "B" / file, role="after"),
            ),
            labels=(_FLAGS[row["changeflag"]],) if row.get("changeflag") in _FLAGS else (),
            captions=sentences(sentence.get("raw") for sentence in row["sentences"]),
            mask=partial(read_gray, label) if label.is_file() else None,
        )
