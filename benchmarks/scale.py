"""How the search engine grows: a synthetic archive of N rows is written, its search snapshot built, opened and asked.

Four steps, each in a process of its own so that its memory is its own. What they measure is kept beside the index, in
``INDEX.scale.json``; a step can be done again without those before it.

- ``fill``: rows are made a region at a time (``synthetic_archive``) and committed as ingest commits them.
- ``build``: the snapshot, from the newest version of the table. The table is not compacted first: it is written in full
  fragments.
- ``ask``: the snapshot is opened with nothing of it in memory, then answers every family of questions
  (``scale_questions``), image-like and text-like; recall is held against a scan of the whole table.
- ``report``: the page, from the figures of one or more sizes; what lies beyond the largest is extrapolated and said so.

Run: ``python -m benchmarks.scale run INDEX --rows 10000000`` for the first three, then
``python -m benchmarks.scale report INDEX... --out docs/benchmarks/scale.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.scale_append import append
from benchmarks.scale_questions import K, Question, Truth, questions, truths
from benchmarks.scale_report import report
from benchmarks.synthetic_archive import SyntheticArchive
from benchmarks.synthetic_tiles import scene_rows
from core import VectorSpace
from embeddings import DEFAULT_ENCODER, open_encoder
from indexer import SceneRows, Store
from indexer.store import SEARCH
from retriever import Searcher, SearchRequest

COMMIT_ROWS = 1_050_000
"""Rows of a commit: a little more than Lance puts into one fragment (1,048,576), so that ``compact`` finds nothing to
do. Their vectors wait in memory: 800 MB of 384 float16 numbers."""

QUERIES = 100
"""Vectors of each kind, image-like and text-like."""

ROUNDS = 3
"""How often every question is asked once it was asked a first time."""


def figures_file(index: Path) -> Path:
    """Return where the figures of an index are kept."""
    return index.with_name(f"{index.name}.scale.json")


def figures(index: Path) -> dict[str, Any]:
    """Return what was measured so far."""
    path = figures_file(index)
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


@contextmanager
def measured(index: Path, step: str) -> Iterator[dict[str, Any]]:
    """Measure a step, and keep what it adds: seconds, processor seconds, peak memory and peak disk."""
    own: dict[str, Any] = {"when": datetime.now(UTC).date().isoformat()}
    start, worked = time.perf_counter(), time.process_time()
    with _peaks(index) as peaks:
        yield own
    own |= {"seconds": time.perf_counter() - start, "processor_seconds": time.process_time() - worked} | peaks
    figures_file(index).write_text(json.dumps(figures(index) | {step: own}, indent=1))


@contextmanager
def _peaks(index: Path) -> Iterator[dict[str, int]]:
    """Look at memory and disk twice a second."""
    peaks = {"peak_memory": 0, "peak_disk": 0}
    done, process = threading.Event(), psutil.Process()

    def look() -> None:
        while True:
            peaks["peak_memory"] = max(peaks["peak_memory"], _memory(process)["anonymous"])
            peaks["peak_disk"] = max(peaks["peak_disk"], disk(index))
            if done.wait(0.5):
                return

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        done.set()
        watcher.join()


def _memory(process: psutil.Process) -> dict[str, int]:
    """Bytes resident in all, and those that are not pages of files, which the system can drop at any time."""
    info = process.memory_info()
    return {"resident": info.rss, "anonymous": info.rss - getattr(info, "shared", 0)}


def disk(folder: Path) -> int:
    """Return the bytes of the files below a folder; those that vanish meanwhile count for nothing."""
    total = 0
    for home, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(home, name)).st_size  # noqa: PTH116, PTH118  # half a second has to do
            except FileNotFoundError:
                continue
    return total


def fill(index: Path, rows: int, dim: int) -> None:
    """Write the archive into a new index."""
    archive = SyntheticArchive(rows, dim)
    with measured(index, "fill") as found:
        store = Store.create_or_open(index, space=_space(dim))
        for group in _groups(archive, store):
            store.commit(group)
            print(f"{store.snapshot().count():,} rows", file=sys.stderr)  # noqa: T201
        found |= {"rows": rows, "dim": dim, "disk": disk(index), "fragments": store.fragments}


def _space(dim: int) -> VectorSpace:
    """That of the shipped encoder where it fits, so that the index can be served."""
    shipped = open_encoder(DEFAULT_ENCODER).space
    return shipped if shipped.dim == dim else VectorSpace(encoder="synthetic", revision="1", dim=dim)


def _groups(archive: SyntheticArchive, store: Store) -> Iterator[list[SceneRows]]:
    group: list[SceneRows] = []
    for scene in archive.scenes():
        if len(scene.lon):
            group.append(scene_rows(scene, store.schema))
        if sum(each.ledger.tiles for each in group) >= COMMIT_ROWS:
            yield group
            group = []
    if group:
        yield group


def build(index: Path) -> None:
    """Build the snapshot."""
    from retriever.engine import build_snapshot, current

    store = Store.open(index)
    with measured(index, "build") as found:
        layout = build_snapshot(store.snapshot(), index)
        found |= {"rows": layout.rows, "dim": layout.dim, "lists": layout.lists, "shards": len(layout.shards)}
    folder = current(index)
    if folder is None:
        raise SystemExit(f"no snapshot of {index} was built")
    sizes: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            sizes[path.stem] = sizes.get(path.stem, 0) + path.stat().st_size
    known = figures(index)
    known["build"] |= {"files": sizes, "disk": disk(index / SEARCH), "costs": layout.costs, "recall": layout.recall}
    figures_file(index).write_text(json.dumps(known, indent=1))


def ask(index: Path) -> None:
    """Open the snapshot and ask it."""
    store = Store.open(index)
    archive = SyntheticArchive(store.snapshot().count(), store.space.dim)
    asked = questions(store.snapshot(), archive.image_queries(QUERIES), archive.text_queries(QUERIES))
    right = _kept_truths(index, store, asked)
    _forget_pages(index)
    with measured(index, "ask") as found:
        before = _memory(psutil.Process())
        start = time.perf_counter()
        searcher = Searcher(store)
        searcher.search(SearchRequest.build(vector=asked[0].vector, k=10))
        found["cold_open"] = time.perf_counter() - start
        found["families"] = _families(searcher, asked, right)
        found["memory"] = {name: count - before[name] for name, count in _memory(psutil.Process()).items()}
        start = time.perf_counter()
        Searcher(Store.open(index)).search(SearchRequest.build(vector=asked[0].vector, k=10))
        found["warm_open"] = time.perf_counter() - start
        found["append"] = append(index)


def _kept_truths(index: Path, store: Store, asked: Sequence[Question]) -> list[Truth]:
    """The true answers; they are kept, for reading the whole table takes its time."""
    path = index.with_name(f"{index.name}.truth.json")
    if path.exists():
        return [Truth(passed=each["passed"], tile_ids=each["tile_ids"]) for each in json.loads(path.read_text())]
    found = truths(store.snapshot(), asked)
    path.write_text(json.dumps([{"passed": each.passed, "tile_ids": each.tile_ids} for each in found]))
    return found


def _forget_pages(index: Path) -> None:
    """Ask the system to drop the snapshot's pages from memory."""
    for path in (index / SEARCH).rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def _families(searcher: Searcher, asked: Sequence[Question], right: Sequence[Truth]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for family in dict.fromkeys(question.family for question in asked):
        members = [(question, truth) for question, truth in zip(asked, right, strict=True) if question.family == family]
        found[family] = {"passed": float(np.mean([truth.passed for _, truth in members]))}
        found[family] |= _recalls(searcher, members) | _times(searcher, [question for question, _ in members])
    return found


def _recalls(searcher: Searcher, members: Sequence[tuple[Question, Truth]]) -> dict[str, Any]:
    """Recall of k = 10 and k = 100 for each kind of query, and whether ``matched`` was right every time."""
    found: dict[str, list[float]] = {}
    exact = True
    for question, truth in members:
        for k in (10, K):
            hits = searcher.search(SearchRequest.build(k=k, **question.fields()))
            exact &= hits.matched == truth.passed and len(hits) == min(k, truth.passed)
            name = f"{'text' if question.text_like else 'image'}@{k}"
            found.setdefault(name, []).append(truth.recall([hit.tile_id for hit in hits], k))
    return {"recall": {name: float(np.mean(values)) for name, values in found.items()}, "matched_right": exact}


def _times(searcher: Searcher, members: Sequence[Question]) -> dict[str, Any]:
    """Milliseconds of a whole search, k = 10, records of the hits included, and of ranking alone."""
    whole, ranking = [], []
    requests = [SearchRequest.build(k=10, **question.fields()) for question in members]
    for _ in range(ROUNDS):
        for request in requests:
            ranking.append(_milliseconds(partial(searcher.find, request)))
            whole.append(_milliseconds(partial(searcher.search, request)))
    return {"search_ms": _spread(whole), "find_ms": _spread(ranking)}


def _milliseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": float(np.median(values)), "p95": float(np.quantile(values, 0.95))}


def _run(index: Path, rows: int, dim: int) -> None:
    """Do the steps, each in its own process."""
    own = [sys.executable, "-m", "benchmarks.scale"]
    size = ["--rows", str(rows), "--dim", str(dim)]
    for step, more in (("fill", size), ("build", []), ("ask", [])):
        subprocess.run([*own, step, str(index), *more], check=True)  # noqa: S603  # our own command


def main() -> None:
    """Do one step, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("fill", "build", "ask", "run", "report"))
    parser.add_argument("index", type=Path, nargs="+", help="directory of the index; several for the report")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--out", type=Path, help="where to write the report, in Markdown")
    options = parser.parse_args()
    index: Path = options.index[0]
    if options.step in ("fill", "run"):
        {"fill": fill, "run": _run}[options.step](index, options.rows, options.dim)
    elif options.step == "report":
        text = report([figures(each) for each in options.index])
        print(text)  # noqa: T201
        if options.out is not None:
            options.out.write_text(text, encoding="utf-8")
    else:
        {"build": build, "ask": ask}[options.step](index)


if __name__ == "__main__":
    main()
