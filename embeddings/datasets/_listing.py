"""A folder of pictures with `captions.jsonl`: labels, splits and sentences of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from core import InputError, Sample, Settings
from embeddings.datasets._listed import ListedDataset, ordered_splits, sample_ids, sentences, wrong_layout
from embeddings.datasets._notes import CAPTIONS_FILE, Note, read_notes
from embeddings.datasets._read import picture_view

_TREE = """
captions.jsonl   {"image": "images/a.jpg", "label": "airport", "split": "train", "captions": ["two planes ."]}
images/a.jpg     (where the records say; label, split and captions may each be left out)
"""


def open_listing(name: str, root: Path) -> ListedDataset:
    """Open a folder with `captions.jsonl`.

    Raises:
        InputError: There is no such file or no record in it, or a line is wrong; the message names it.
    """
    notes, bad = read_notes(root, Settings())
    if bad:
        raise InputError(f"{bad[0].href} {bad[0].error}")
    if not notes:
        raise wrong_layout(name, root, f"no record in {CAPTIONS_FILE}", _TREE)
    splits = ordered_splits(note.split for note in notes.values())
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, root, notes))


def _samples(name: str, root: Path, notes: Mapping[Path, Note]) -> Iterator[Sample]:
    ids = sample_ids([path.relative_to(root).as_posix() for path in notes])
    for sample_id, (path, note) in zip(ids, notes.items(), strict=True):
        captions = sentences(note.captions)
        yield Sample(
            sample_id=sample_id,
            split=note.split,
            group=sample_id,
            views=(picture_view(name, sample_id, path, label=note.label, captions=captions),),
            labels=(note.label,) if note.label else (),
            captions=captions,
        )
