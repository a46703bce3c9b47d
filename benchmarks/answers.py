"""The figures of docs/benchmarks/answers.md: `rag-vqa`, `rag-choice` and `rag-cite` on real pictures.

Run ``python -m benchmarks.answers vqa|choice|cite [--data DIR] [--model NAME] [--out DIR]``. ``--data`` is the folder
of real imagery (``SWATH_DATA``). For ``choice`` real AID pictures are put together, sixteen to a scene, and asked for:
the pictures are real, the scenes and the questions are made, and the report says synthetic.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from core import Dataset, Question, Sample, Tile, UnknownNameError, View, picture_tile
from embeddings import class_words
from embeddings.datasets import open_dataset
from evaluation import Options, evaluate, write_report

SCENES = 120
SIDE = 4
"""Pictures of a scene, across and down."""
CELL_PX = 300
"""Pixels of a picture in a scene; AID has 600, the whole scene then 1,200."""
PART_PX = 200
"""Least side of the parts that are retrieved; they do not line up with the pictures."""
CHOICES = 4
"""Classes a question offers, of which one is in the scene."""
SEED = 0


@dataclass(frozen=True, kw_only=True)
class Scenes:
    """Scenes of sixteen pictures of different classes, each asked which of four classes it has."""

    pictures: tuple[Sample, ...]
    """Labelled pictures; one may be in several scenes."""
    name: str = "aid-scenes"
    """Of the dataset."""
    splits: tuple[str, ...] = ()
    """None."""
    synthetic: bool = True
    """Put together, though of real pictures."""

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        """Yield scenes; classes are drawn evenly, so that knowing which are frequent does not help."""
        if split is not None:
            raise UnknownNameError(f"split of {self.name}", split, self.splits)
        random = np.random.default_rng(SEED)
        held: dict[str, list[Sample]] = {}
        for sample in self.pictures:
            held.setdefault(class_words(sample.labels[0]), []).append(sample)
        names = sorted(held)
        for number in range(SCENES):
            chosen = random.permutation(names)[: SIDE * SIDE].tolist()
            cells = {name: held[name][int(random.integers(len(held[name])))] for name in chosen}
            yield _scene(number, cells, names, random)


def _scene(number: int, cells: dict[str, Sample], names: list[str], random: np.random.Generator) -> Sample:
    place = int(random.integers(len(cells)))
    shown = list(cells)[place]
    others = random.permutation([name for name in names if name not in cells])[: CHOICES - 1].tolist()
    choices = tuple(random.permutation([shown, *others]).tolist())
    row, col = divmod(place, SIDE)
    question = Question(
        text=f"Which of these is in the picture: {', '.join(choices)}?",
        answer="ABCD"[choices.index(shown)],
        kind="which class",
        choices=choices,
        region=(col / SIDE, row / SIDE, (col + 1) / SIDE, (row + 1) / SIDE),
    )
    name = f"scene-{number}"
    view = View(role="image", read=partial(_read, name, tuple(cells.values())))
    return Sample(sample_id=name, split=None, group=name, views=(view,), questions=(question,))


def _read(name: str, cells: tuple[Sample, ...]) -> Tile:
    side = SIDE * CELL_PX
    whole = Image.new("RGB", (side, side))
    for place, sample in enumerate(cells):
        picture = Image.fromarray(sample.views[0].read().picture).resize((CELL_PX, CELL_PX), Image.Resampling.LANCZOS)
        row, col = divmod(place, SIDE)
        whole.paste(picture, (col * CELL_PX, row * CELL_PX))
    visible = np.ones((side, side), dtype=np.bool_)
    return picture_tile(np.asarray(whole), visible, name=name, collection="aid-scenes", href=name)


def _vqa(data: Path, model: str | None) -> tuple[str, Dataset, Options]:
    options = Options(split="all", leakage_limit=0, model=model or "nearest")
    return "rag-vqa", open_dataset("rsvqa", data / "rsvqa"), options


def _choice(data: Path, model: str | None) -> tuple[str, Dataset, Options]:
    aid = open_dataset("captions", data / "aid_rsicd")
    scenes = Scenes(pictures=tuple(aid.samples("val")))
    return "rag-choice", scenes, Options(k=5, tile_px=PART_PX, leakage_limit=0, model=model or "matching")


def _cite(data: Path, model: str | None) -> tuple[str, Dataset, Options]:
    return "rag-cite", open_dataset("captions", data / "aid_rsicd"), Options(split="val", leakage_limit=0, model=model)


RUNS = {"vqa": _vqa, "choice": _choice, "cite": _cite}


def main() -> None:
    """Measure one protocol and print its report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=sorted(RUNS))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SWATH_DATA", "../shared/data")))
    parser.add_argument("--model", help="nearest, matching, records or configured")
    parser.add_argument("--encoder", default="swath-mini")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    protocol, dataset, options = RUNS[given.run](given.data, given.model)
    report = evaluate(protocol, given.encoder, dataset, options)
    if given.out is not None:
        write_report(report, given.out)
    sys.stdout.write(report.to_markdown())


if __name__ == "__main__":
    main()
