"""ChatEarthNet: Sentinel-2 pictures with long descriptions written by a language model (Yuan et al. 2025).

The files of https://doi.org/10.5281/zenodo.11003436, extracted: `json_files` with one table a writer and split
(`ChatEarthNet_caps_35_train.json` by ChatGPT-3.5, `..._4v_...` by GPT-4V), and 8-bit PNG pictures of 256 x 256 pixels.
Each table entry is a sample; an image that both writers described is two samples of one group.

The view `image` is the RGB picture. Where the two other folders are extracted as well there is a second view, `s2`, of
all nine bands (sensor `chatearthnet-s2`). The descriptions are synthetic text: no person wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from core import Dataset, InputError, Sample, SceneError, Tile, View, safe_name
from embeddings.datasets._change_masks import read_colours
from embeddings.datasets._listed import ListedDataset, files_under, inside, read_json, sentences, wrong_layout
from embeddings.datasets._read import picture_view, stored_tile

EXPECTED = """ROOT/
  json_files/ChatEarthNet_caps_35_train.json (val, test; and ChatEarthNet_caps_4v_train.json...)
  s2_rgb_images/s2_images/NAME.png
  s2_band_5_6_7_images/NAME.png and s2_band_8_11_12_images/NAME.png (optional)"""

_TABLE = re.compile(r"ChatEarthNet_caps_(35|4v)_(train|val|test)\.json")
_OTHER_BANDS = ("s2_band_5_6_7_images", "s2_band_8_11_12_images")


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One checked entry of a table."""

    writer: str
    split: str
    file: str
    captions: tuple[str, ...]


def open_chatearthnet(name: str, root: Path) -> Dataset:
    """Find tables and pictures under `root`; tables are read when samples are asked for.

    Raises:
        InputError: No table or no RGB pictures; the message shows the expected tree.
    """
    folder = root / "json_files"
    tables = [
        path for path in (files_under(folder, (".json",)) if folder.is_dir() else ()) if _TABLE.fullmatch(path.name)
    ]
    if not tables:
        raise wrong_layout(name, root, "no json_files/ChatEarthNet_caps_*.json", EXPECTED)
    colours = _pictures(root, "s2_rgb_images")
    if colours is None:
        raise wrong_layout(name, root, "no folder s2_rgb_images", EXPECTED)
    others = [found for part in _OTHER_BANDS if (found := _pictures(root, part))]
    folders = (colours, *others) if len(others) == len(_OTHER_BANDS) else (colours,)
    splits = tuple(sorted({match[2] for path in tables if (match := _TABLE.fullmatch(path.name))}))
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, tables, folders))


def _pictures(root: Path, part: str) -> Path | None:
    """The folder that holds the pictures: archives extract to it or to `s2_images` below it."""
    places = (root / part / "s2_images", root / part)
    return next((place for place in places if place.is_dir()), None)


def _samples(name: str, tables: list[Path], folders: tuple[Path, ...]) -> Iterator[Sample]:
    for table in tables:
        for entry in _entries(table):
            stem = PurePosixPath(entry.file).stem
            sample_id = safe_name(f"{entry.writer}-{entry.split}-{stem}")
            files = tuple(folder / entry.file for folder in folders)
            views = [picture_view(name, sample_id, files[0])]
            if len(files) > 1:
                views.append(View(role="s2", read=partial(_bands, name, sample_id, files), files=files))
            yield Sample(
                sample_id=sample_id,
                split=entry.split,
                group=safe_name(stem),
                views=tuple(views),
                captions=entry.captions,
            )


def _entries(table: Path) -> Iterator[_Entry]:
    found = _TABLE.fullmatch(table.name)
    rows = read_json(table)
    if found is None or not isinstance(rows, list):
        raise InputError(f"{table} holds no list of entries; expected a table of ChatEarthNet")
    for number, row in enumerate(rows):
        file = (row.get("image") or row.get("image_id")) if isinstance(row, dict) else None
        caption = row.get("caption") if isinstance(row, dict) else None
        captions = sentences(caption if isinstance(caption, list) else [caption])
        if not isinstance(file, str) or not captions:
            raise InputError(
                f'entry {number} of {table}: expected {{"image": "NAME.png", "caption": "..."}}, got {str(row)[:80]}'
            )
        name = PurePosixPath(file).name
        if inside(Path(), name) is None:
            raise InputError(f"entry {number} of {table} names no file: {file!r}")
        yield _Entry(writer=found[1], split=found[2], file=name, captions=captions)


def _bands(name: str, sample_id: str, files: tuple[Path, ...]) -> Tile:
    parts = [read_colours(file) for file in files]
    if len({part.shape for part in parts}) > 1:
        raise SceneError(f"{files[0].name} has pictures of {', '.join(str(part.shape[:2]) for part in parts)} pixels")
    stored = np.concatenate(parts, axis=-1).transpose(2, 0, 1)
    return stored_tile(stored, sensor="chatearthnet-s2/dn", name=f"{sample_id}.s2", collection=name, href=str(files[0]))
