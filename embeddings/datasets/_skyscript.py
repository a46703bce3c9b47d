"""SkyScript: pictures from many sensors with sentences made from OpenStreetMap (Wang et al. 2024).

Layout of https://github.com/wangzhecheng/SkyScript: the unpacked folders images2 ... images7 and one table a split,
with columns `filepath` and `title`, and, in the tables filtered by CLIP, `title_multi_objects`. Pictures of the same
OpenStreetMap object (`a198234555` in `a198234555_CH_19.jpg`) are one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from core import InputError, Sample, safe_name
from embeddings.datasets._listed import ListedDataset, inside, read_rows, sentences, wrong_layout
from embeddings.datasets._read import picture_view

_TABLE = re.compile(r"SkyScript_(?P<split>train|val|test)_.*\.csv")
_TREE = """
SkyScript_train_top30pct_filtered_by_CLIP_openai.csv   (filepath,title,title_multi_objects; here or in dataframe/)
SkyScript_val_5K_filtered_by_CLIP_openai.csv           (one table a split)
images2/a198234555_CH_19.jpg
"""


def open_skyscript(name: str, root: Path) -> ListedDataset:
    """Open SkyScript.

    Raises:
        InputError: There is no table, several for one split, or one without its columns; the message shows the tree.
    """
    tables: dict[str, Path] = {}
    for path in sorted([*root.glob("SkyScript_*.csv"), *root.glob("dataframe/SkyScript_*.csv")]):
        found = _TABLE.fullmatch(path.name)
        if found and tables.setdefault(found["split"], path) != path:
            raise InputError(f"{root} holds {tables[found['split']].name} and {path.name}; leave one table a split")
    if not tables:
        raise wrong_layout(name, root, "no table SkyScript_*.csv", _TREE)
    for path in tables.values():
        next(read_rows(path, ("filepath", "title")), None)
    splits = tuple(split for split in ("train", "val", "test") if split in tables)
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, root, tables))


def _samples(name: str, root: Path, tables: Mapping[str, Path]) -> Iterator[Sample]:
    for split in sorted(tables, key=("train", "val", "test").index):
        for row in read_rows(tables[split], ("filepath", "title")):
            yield _sample(name, root, tables[split], split, row)


def _sample(name: str, root: Path, table: Path, split: str, row: Mapping[str, str | None]) -> Sample:
    filepath = row["filepath"] or ""
    path = inside(root, filepath)
    if path is None:
        raise InputError(f"{table} names {filepath!r}, which is outside the folder")
    sample_id = safe_name(str(Path(filepath).with_suffix("")))
    captions = tuple(dict.fromkeys(sentences([row["title"], row.get("title_multi_objects")])))
    return Sample(
        sample_id=sample_id,
        split=split,
        group=safe_name(path.stem.split("_")[0]),
        views=(picture_view(name, sample_id, path, captions=captions),),
        captions=captions,
    )
