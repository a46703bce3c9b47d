"""Pictures with sentences, as RSICD, RSITMD, UCM and Sydney captions are published.

Either one JSON in Karpathy's form, `dataset_rsicd.json` (https://github.com/201528014227051/RSICD_optimal,
https://github.com/xiaoyuan1996/AMFMN for RSITMD), or line files, `train_filename.txt` beside `train_caps.txt`
(https://github.com/xiaoyuan1996/AMFMN). The line files' `_verify` variants, where there are any, are the split of what
`train_*.txt` holds together, and are taken instead. A picture may be named once, or once for each of its sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from core import InputError, Sample
from embeddings.datasets._listed import (
    ListedDataset,
    inside,
    ordered_splits,
    read_json,
    read_text,
    sample_ids,
    sentences,
    wrong_layout,
)
from embeddings.datasets._read import picture_view

PICTURE_FOLDERS = ("images", "imgs", "RSICD_images", "rsicd_images", "rsitmd_images", ".")
"""Where the pictures of one of these datasets may be; the first that holds the first picture named is taken."""

_SPLITS = ("train", "val", "test")
_TREE = """
dataset_rsicd.json   {"images": [{"filename": "a.tif", "split": "train", "sentences": [{"raw": "a river ."}]}]}
images/a.tif         (or imgs/, RSICD_images/)
  or, instead of the JSON, here or in a folder *_precomp:
train_filename.txt   (one picture a line; likewise val_, test_, and *_verify.txt)
train_caps.txt       (one sentence a line)
"""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One picture."""

    filename: str
    split: str | None
    captions: tuple[str, ...]


def open_captions(name: str, root: Path) -> ListedDataset:
    """Open a dataset of pictures with sentences.

    Raises:
        InputError: Neither the JSON nor line files are there, they are damaged, or the pictures are not where they
            should be; the message shows the expected tree.
    """
    entries = _from_json(root) or _from_lines(root)
    if not entries:
        raise wrong_layout(name, root, "no dataset*.json and no *_filename.txt", _TREE)
    folders = [root / folder for folder in PICTURE_FOLDERS if (root / folder / entries[0].filename).is_file()]
    if not folders:
        raise wrong_layout(name, root, f"{entries[0].filename} is in none of its folders", _TREE)
    splits = ordered_splits(entry.split for entry in entries)
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, folders[0], entries))


def _samples(name: str, folder: Path, entries: list[_Entry]) -> Iterator[Sample]:
    ids = sample_ids([entry.filename for entry in entries])
    for sample_id, entry in zip(ids, entries, strict=True):
        view = picture_view(name, sample_id, folder / entry.filename, captions=entry.captions)
        yield Sample(sample_id=sample_id, split=entry.split, group=sample_id, views=(view,), captions=entry.captions)


def _from_json(root: Path) -> list[_Entry]:
    found = sorted(root.glob("dataset*.json"))
    if len(found) > 1:
        raise InputError(f"{root} holds {', '.join(path.name for path in found)}; leave one of them")
    return [_entry(found[0], image) for image in _images(found[0])] if found else []


def _images(path: Path) -> list[Any]:
    document = read_json(path)
    images = document.get("images") if isinstance(document, dict) else None
    if not isinstance(images, list):
        raise InputError(f'{path} has no list "images"; expected Karpathy\'s form: {_TREE.splitlines()[1]}')
    return images


def _entry(path: Path, image: Any) -> _Entry:
    filename = image.get("filename") if isinstance(image, Mapping) else None
    if not isinstance(filename, str) or inside(path.parent, filename) is None:
        raise InputError(f"{path} has an image without a usable filename: {str(image)[:80]}")
    given = image.get("sentences") or ()
    raw = [item.get("raw") for item in given if isinstance(item, Mapping)]
    split = image.get("split")
    return _Entry(filename=filename, split=split if isinstance(split, str) else None, captions=sentences(raw))


def _from_lines(root: Path) -> list[_Entry]:
    folders = (root, *sorted(root.glob("*_precomp")))
    folder = next((one for one in folders if any(one.glob("*_filename*.txt"))), None)
    if folder is None:
        return []
    return list(chain.from_iterable(_lines_of(folder, split) for split in _SPLITS))


def _lines_of(folder: Path, split: str) -> Iterator[_Entry]:
    verified = "_verify" if (folder / f"{split}_filename_verify.txt").is_file() else ""
    listing, texts = folder / f"{split}_filename{verified}.txt", folder / f"{split}_caps{verified}.txt"
    if not listing.is_file():
        return
    names, captions = read_text(listing).splitlines(), read_text(texts).splitlines()
    if not names or len(captions) % len(names):
        raise InputError(f"{texts} has {len(captions)} lines, not a multiple of the {len(names)} of {listing.name}")
    joined: dict[str, list[str]] = {}
    each = len(captions) // len(names)
    repeated = chain.from_iterable(repeat(one.strip(), each) for one in names)
    for filename, caption in zip(repeated, captions, strict=True):
        if inside(folder, filename) is None:
            raise InputError(f"{listing} names {filename!r}, which is no file name")
        joined.setdefault(filename, []).append(caption)
    yield from (_Entry(filename=one, split=split, captions=sentences(texts)) for one, texts in joined.items())
