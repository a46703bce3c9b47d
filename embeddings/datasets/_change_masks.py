"""LEVIR-CD, SECOND and S2Looking: pictures before and after, with a mask of what changed.

- LEVIR-CD (Chen and Shi 2020; LEVIR-CD+ is laid out alike): `A`, `B` and `label` a split, 0 and 255. Mask: 1 where
  buildings changed. The archives also extract to one `A`, `B`, `label` with the split in the file name; both are read.
- S2Looking (Shen et al. 2021, https://arxiv.org/abs/2107.09244): `Image1`, `Image2`, `label`. Mask: 1 where `label`
  marks a change. The maps of newly built and of demolished buildings, `label1` and `label2`, are not read.
- SECOND (Yang et al. 2021, https://arxiv.org/abs/2010.05687): `im1`, `im2`, `label1`, `label2` in colours, or as class
  numbers. Mask: 0 where unchanged, else ten times the class before plus the class after, so 35 is low vegetation that
  became a building (`SECOND_CLASSES`). The test labels were withheld at first: without them there is no mask.

Nothing says which pictures share a scene, so each pair is its own group. Sensors and dates differ within a dataset and
are not given with the pictures: they are read as plain pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from core import Dataset, Sample, SceneError, safe_name
from embeddings.datasets._listed import ListedDataset, files_under, folders_under, wrong_layout
from embeddings.datasets._opening import decode_picture, path_errors
from embeddings.datasets._read import picture_view

SECOND_CLASSES: Mapping[int, str] = MappingProxyType(
    {1: "water", 2: "ground", 3: "low vegetation", 4: "tree", 5: "building", 6: "playground"}
)
"""Classes of SECOND by number, in the order of its published colours
(https://github.com/ggsDing/Bi-SRNet/blob/main/datasets/RS_ST.py)."""

_SECOND_COLOURS = ((255, 255, 255), (0, 0, 255), (128, 128, 128), (0, 128, 0), (0, 255, 0), (128, 0, 0), (255, 0, 0))
"""Colour of class 0 (unchanged), 1, 2..., from the same place."""

Mask = Callable[[], NDArray[np.integer]]


@dataclass(frozen=True, kw_only=True)
class _Tree:
    """Where one of the datasets keeps what."""

    before: str
    after: str
    mask: Callable[[Path, str], Mask | None]
    expected: str


def open_change_masks(name: str, root: Path) -> Dataset:
    """List the pairs of `levir-cd`, `second` or `s2looking` under `root`.

    Raises:
        InputError: The layout is another; the message shows the expected tree.
    """
    tree = _TREES[name]
    folders = [folder for folder in (root, *folders_under(root)) if (folder / tree.before).is_dir()]
    if not folders:
        raise wrong_layout(name, root, f"no folder {tree.before} in it or in its split folders", tree.expected)
    for folder in folders:
        if not (folder / tree.after).is_dir():
            raise wrong_layout(name, root, f"no folder {(folder / tree.after).relative_to(root)}", tree.expected)
    pairs = [(_split(root, path), path) for folder in folders for path in files_under(folder / tree.before)]
    for _, path in pairs:
        if not _twin(path, tree.after).is_file():
            raise wrong_layout(name, root, f"no {_twin(path, tree.after).relative_to(root)}", tree.expected)
    if not pairs:
        raise wrong_layout(name, root, f"no pictures in {folders[0] / tree.before}", tree.expected)
    splits = tuple(sorted({split for split, _ in pairs if split}))
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, tree, pairs))


def read_gray(path: Path) -> NDArray[np.uint8]:
    """Return the (h, w) numbers of a mask stored as a gray picture, of one band or of three equal ones.

    Raises:
        SceneError: Missing, damaged or coloured.
    """
    colours = read_colours(path)
    if (colours != colours[..., :1]).any():
        raise SceneError(f"{path.name} is coloured; expected a gray mask")
    return colours[..., 0]


def read_colours(path: Path) -> NDArray[np.uint8]:
    """Return a picture as (h, w, 3) red, green, blue.

    Raises:
        SceneError: Missing, damaged, too large or not a picture.
    """
    with path_errors(path), path.open("rb") as file:
        colours, _ = decode_picture(file)
    return colours


def second_classes(colours: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Return the (h, w) class numbers 0..6 of a label picture of SECOND, published in colours or as numbers.

    Args:
        colours: (h, w, 3).
        name: File name, for the message.

    Raises:
        SceneError: A colour that is not SECOND's.
    """
    classes = np.full(colours.shape[:2], 255, dtype=np.uint8)
    for number, colour in enumerate(_SECOND_COLOURS):
        for stored in (colour, (number,) * 3):
            classes[(colours == np.array(stored, dtype=np.uint8)).all(axis=-1)] = number
    if (classes == 255).any():
        odd = colours[classes == 255][0].tolist()
        raise SceneError(f"{name} has the colour {odd}, which is none of SECOND's {len(_SECOND_COLOURS)}")
    return classes


def _split(root: Path, before: Path) -> str | None:
    """The folder's name, or the name's beginning where all splits lie in one folder; None where neither tells."""
    folder = before.parent.parent
    if folder != root:
        return folder.name.lower()
    found = re.match(r"(train|val|test)[_-]", before.name)
    return found[1] if found else None


def _twin(path: Path, part: str) -> Path:
    return path.parent.parent / part / path.name


def _samples(name: str, tree: _Tree, pairs: list[tuple[str | None, Path]]) -> Iterator[Sample]:
    for split, path in pairs:
        sample_id = safe_name("-".join(part for part in (split, path.stem) if part))
        yield Sample(
            sample_id=sample_id,
            split=split,
            group=sample_id,
            views=(
                picture_view(name, sample_id, path, role="before"),
                picture_view(name, sample_id, _twin(path, tree.after), role="after"),
            ),
            mask=tree.mask(path.parent.parent, path.name),
        )


def _changed(folder: Path, file: str) -> Mask | None:
    path = folder / "label" / file
    return (lambda: _marked(path)) if path.is_file() else None


def _second(folder: Path, file: str) -> Mask | None:
    before, after = (folder / part / file for part in ("label1", "label2"))
    return partial(_transition, before, after) if before.is_file() and after.is_file() else None


def _marked(path: Path) -> NDArray[np.uint8]:
    marked: NDArray[np.uint8] = (read_colours(path).max(axis=-1) > 0).astype(np.uint8)
    return marked


def _transition(before: Path, after: Path) -> NDArray[np.uint8]:
    first, second = (second_classes(read_colours(path), path.name) for path in (before, after))
    if first.shape != second.shape:
        raise SceneError(f"{before.name} is {first.shape} in label1 and {second.shape} in label2; expected one size")
    return (10 * first + second).astype(np.uint8)


_TREES: Mapping[str, _Tree] = {
    "levir-cd": _Tree(
        before="A",
        after="B",
        mask=_changed,
        expected="""ROOT/
  train/A/train_1.png (before), train/B/train_1.png (after), train/label/train_1.png
  val/, test/ (likewise)
or ROOT/A/train_1.png, ROOT/B/train_1.png, ROOT/label/train_1.png""",
    ),
    "second": _Tree(
        before="im1",
        after="im2",
        mask=_second,
        expected="""ROOT/
  train/im1/00003.png, train/im2/00003.png, train/label1/00003.png, train/label2/00003.png
  test/ (likewise)""",
    ),
    "s2looking": _Tree(
        before="Image1",
        after="Image2",
        mask=_changed,
        expected="""ROOT/
  train/Image1/1.png, train/Image2/1.png, train/label/1.png
  val/, test/ (likewise)""",
    ),
}
