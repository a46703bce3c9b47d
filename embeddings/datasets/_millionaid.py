"""Million-AID: a million aerial pictures in a tree of classes (Long et al. 2021).

Layout of https://captain-whu.github.io/DiRS/: `train/` is a tree of two or three levels whose leaf is the class (51 of
them); the test pictures are published without labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from core import Sample
from embeddings.datasets._listed import ListedDataset, files_under, folders_under, sample_ids, wrong_layout
from embeddings.datasets._read import picture_view

_TREE = """
train/agriculture_land/arable_land/dry_field/P0000001.jpg
train/water_area/lake/P0000002.jpg   (the innermost folder is the class)
test/P0000003.jpg                    (no labels)
"""


def open_millionaid(name: str, root: Path) -> ListedDataset:
    """Open Million-AID.

    Raises:
        InputError: There are no pictures in `train/` or `test/`; the message shows the expected tree.
    """
    splits = tuple(split for split in ("train", "test") if next(_pictures(root / split), None) is not None)
    if not splits:
        raise wrong_layout(name, root, "no .jpg below train/ or test/", _TREE)
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, root, splits))


def _samples(name: str, root: Path, splits: tuple[str, ...]) -> Iterator[Sample]:
    for split in splits:
        paths = list(_pictures(root / split))
        ids = sample_ids([path.relative_to(root).as_posix() for path in paths])
        for sample_id, path in zip(ids, paths, strict=True):
            label = path.parent.name if split == "train" else None
            view = picture_view(name, sample_id, path, label=label)
            labels = (label,) if label else ()
            yield Sample(sample_id=sample_id, split=split, group=sample_id, views=(view,), labels=labels)


def _pictures(folder: Path) -> Iterator[Path]:
    """The pictures of a tree, folder by folder, in the order of names."""
    if not folder.is_dir():
        return
    yield from files_under(folder, (".jpg", ".jpeg"))
    for inner in folders_under(folder):
        yield from _pictures(inner)
