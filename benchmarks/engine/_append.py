"""New rows: how long after their commit a search finds them, with the snapshot that is there."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.engine._archive import Archive
from benchmarks.engine._peer import SWATH
from benchmarks.engine._table import number_of, scene_of
from benchmarks.engine._work import Work
from indexer import Store
from indexer.store import SEARCH
from retriever import Searcher, SearchRequest

ROWS = 10_000
"""Appended."""


def append(work: Work) -> dict[str, float]:
    """Append rows to a copy of the index; return seconds of the commit and from its end to an answer with one of them.

    The copy is made of hard links, which cost nothing: neither table nor snapshot ever changes a file.

    Raises:
        RuntimeError: The answer did not hold the new row.
    """
    archive = work.archive()
    with tempfile.TemporaryDirectory(dir=work.path) as folder:
        home = Path(folder) / "index"
        shutil.copytree(archive.table, home, copy_function=os.link)
        shutil.copytree(work.index(SWATH) / SEARCH, home / SEARCH, copy_function=os.link)
        return _append(Store.open(home), archive)


def _append(store: Store, archive: Archive) -> dict[str, float]:
    searcher = Searcher(store)
    sought = archive.vectors[ROWS - 1]
    request = SearchRequest.build(vector=sought, k=10)
    searcher.search(request)
    start = time.perf_counter()
    store.commit([scene_of(archive, np.arange(ROWS), "appended")])
    committed = time.perf_counter()
    found = searcher.search(request)
    answered = time.perf_counter()
    new = [hit.tile_id for hit in found.hits if "~appended~" in hit.tile_id]
    if ROWS - 1 not in map(number_of, new):
        raise RuntimeError("a row that was appended was not found")
    return {"commit": committed - start, "searchable": answered - committed}
