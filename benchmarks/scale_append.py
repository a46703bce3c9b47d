"""How soon rows are found that are committed to an index which has its search snapshot."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.synthetic_archive import SyntheticArchive
from benchmarks.synthetic_tiles import MadeScene, scene_rows
from indexer import Store
from retriever import Searcher, SearchRequest

ADDED = 10_000
"""Rows that are committed."""

_SEED = 1_001
"""Not that of the archive: other places and vectors."""


def append(index: Path) -> dict[str, float]:
    """Commit ADDED rows to a copy of an index; return the seconds of the commit and of the first search after it."""
    with _copy(index) as path:
        store = Store.open(path)
        scenes = _scenes(store.space.dim)
        searcher = Searcher(store)
        searcher.search(_request(scenes[0]))
        start = time.perf_counter()
        store.commit([scene_rows(scene, store.schema) for scene in scenes])
        committed = time.perf_counter()
        (hit,) = searcher.search(_request(scenes[0]))
        found = time.perf_counter()
    if not hit.scene_id.startswith("added-"):
        raise SystemExit(f"a row was committed and not found: {hit.tile_id} came first")
    return {"rows": ADDED, "commit": committed - start, "first_search": found - committed}


def _scenes(dim: int) -> list[MadeScene]:
    scenes = [scene for scene in SyntheticArchive(ADDED, dim, seed=_SEED).scenes() if len(scene.lon)]
    return [replace(scene, scene_id=f"added-{scene.scene_id}") for scene in scenes]


def _request(scene: MadeScene) -> SearchRequest:
    return SearchRequest.build(vector=scene.vectors[0].astype(np.float32), k=1)


@contextmanager
def _copy(index: Path) -> Iterator[Path]:
    """Links to the files of an index: none of them is ever written to again, new ones lie beside them."""
    with tempfile.TemporaryDirectory(dir=index.parent) as folder:
        path = Path(folder) / "index"
        shutil.copytree(index, path, copy_function=os.link, ignore=shutil.ignore_patterns("*.lock"))
        yield path
