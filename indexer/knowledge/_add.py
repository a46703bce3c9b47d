"""Files in, passages out: read, cut, embed, commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import InputError
from indexer._place import BucketPath, Place
from indexer.knowledge._embedding import Embedding, embedding_of
from indexer.knowledge._files import chosen_files
from indexer.knowledge._passages import Cut, cut, passage_ids, rows_of
from indexer.knowledge._reading import ReadFile, read_file
from indexer.knowledge._types import FileReport, KnowledgeFile, KnowledgeReport
from indexer.knowledge.table import KnowledgeTable, drop_knowledge
from indexer.store import Store

GROUP = 2_000
"""Passages after which whole files are committed together: many small files do not make as many versions."""

BATCH = 256
"""Texts embedded between two calls of ``progress``."""

Progress = Callable[[int, int], None]
"""Called with passages embedded and passages known of so far."""


def add_knowledge(
    index: str | PathLike[str] | BucketPath,
    files: Sequence[str | Path],
    encoder: Callable[[], object],
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> KnowledgeReport:
    """Read files and keep their passages beside the tiles of an index.

    A file that was added before is replaced as a whole, by its name; one that has not changed is left as it is. A file
    that cannot be used, and an entry of one, is reported and the rest goes on.

    Args:
        index: The index directory.
        files: Markdown, text, CSV and GeoJSON; folders of them, and patterns with ``*``.
        encoder: Returns the index's own encoder.
        dry_run: Read and cut only; nothing is embedded or written.
        progress: Called while passages are embedded.

    Raises:
        InputError: No file can be used, the encoder reads no text, or a file does not exist.
        IndexNotFoundError: The directory is not an index.
        SpaceMismatchError: Its passages were embedded by another encoder.
        StoreError: The index cannot be written, or is being written by another process.
    """
    started = time.perf_counter()
    store, chosen = Store.open(index), chosen_files(files)
    work = _Work(
        path=store.path, embedding=embedding_of(encoder()), dry_run=dry_run, progress=progress,
        check_writing=store.check_writing,
    )  # fmt: skip
    if dry_run:
        work.run(chosen)
    else:
        with store.writing():
            work.run(chosen)
    if all(report.status == "failed" for report in work.reports):
        first = work.reports[0]
        raise InputError(f"{first.source}: {first.reason}{_others(len(work.reports))}")
    reports = tuple(sorted(work.reports, key=lambda report: report.source))
    return KnowledgeReport(files=reports, dry_run=dry_run, seconds=time.perf_counter() - started)


def _others(count: int) -> str:
    return f" (and {count - 1} more files cannot be used)" if count > 1 else ""


def remove_knowledge(index: str | PathLike[str] | BucketPath, files: Sequence[str | Path]) -> int:
    """Take the passages of files away, by their names; return how many went.

    Raises:
        InputError: The index holds no such file.
        StoreError: The index cannot be written.
    """
    table = KnowledgeTable.open(Store.open(index).path)
    names = sorted({Path(file).name for file in files})
    with table.writing():
        known = [file.source for file in table.files()]
        missing = [name for name in names if name not in known]
        if missing:
            shown = ", ".join(known[:5]) + (f" and {len(known) - 5} more" if len(known) > 5 else "")
            raise InputError(f"no file {missing[0]!r} in the knowledge of {index}; it holds {shown or 'nothing'}")
        gone = table.remove(names)
        table.tidy()
    return gone


def clear_knowledge(index: str | PathLike[str] | BucketPath) -> int:
    """Take all passages away, whatever encoder made them; return how many went.

    Raises:
        IndexNotFoundError: The directory is not an index.
        StoreError: The index cannot be written.
    """
    store = Store.open(index)
    with store.writing():
        return drop_knowledge(store.path)


def list_knowledge(index: str | PathLike[str] | BucketPath) -> tuple[KnowledgeFile, ...]:
    """Return the files whose passages an index holds; none where nothing was added.

    Raises:
        IndexNotFoundError: The directory is not an index.
    """
    home = Store.open(index).path
    return KnowledgeTable.open(home).files() if KnowledgeTable.exists(home) else ()


@dataclass(kw_only=True)
class _Work:
    """One run over files."""

    path: Place
    embedding: Embedding
    dry_run: bool
    progress: Progress | None
    check_writing: Callable[[], None]
    reports: list[FileReport] = field(default_factory=list)
    done: int = 0
    known: int = 0

    def run(self, files: Sequence[Path]) -> None:
        """Read, cut, embed and commit, whole files at a time."""
        table = self._table()
        held = {file.source: file for file in table.files()} if table else {}
        waiting: list[tuple[ReadFile, list[Cut]]] = []
        for file, cuts in self._changed(files, held):
            waiting.append((file, cuts))
            self.known += len(cuts)
            if sum(len(each) for _, each in waiting) >= GROUP:
                self._commit(table, waiting)
                waiting = []
        self._commit(table, waiting)
        if table is not None and not self.dry_run and self.done:
            table.tidy()

    def _table(self) -> KnowledgeTable | None:
        if self.dry_run and not KnowledgeTable.exists(self.path):
            return None
        space = self.embedding.space
        return (KnowledgeTable.open if self.dry_run else KnowledgeTable.create_or_open)(self.path, space=space)

    def _changed(
        self, files: Sequence[Path], held: Mapping[str, KnowledgeFile]
    ) -> Iterator[tuple[ReadFile, list[Cut]]]:
        """Yield what has to be written; report the rest."""
        for path in files:
            try:
                file = read_file(path)
            except InputError as error:
                self.reports.append(FileReport(source=path.name, status="failed", reason=str(error)))
                continue
            if not file.entries:
                reason = f"no entry can be used; {file.bad[0].where}: {file.bad[0].reason}"
                self.reports.append(FileReport(source=file.source, status="failed", bad=file.bad, reason=reason))
            elif (known := held.get(file.source)) is not None and known.digest == file.digest:
                self.reports.append(_unchanged(file, known))
            else:
                yield file, cut(file, self.embedding)

    def _commit(self, table: KnowledgeTable | None, waiting: Sequence[tuple[ReadFile, list[Cut]]]) -> None:
        if not waiting:
            return
        before = table.ids([file.source for file, _ in waiting]) if table else {}
        for file, cuts in waiting:
            had = before.get(file.source)
            report = _counted(file, cuts, "added" if had is None else "replaced")
            self.reports.append(replace(report, removed=len((had or frozenset()) - set(passage_ids(file, cuts)))))
        if table is None or self.dry_run:
            return
        now = datetime.now(UTC)
        rows = [rows_of(file, cuts, self._embed(cuts), now, table.schema) for file, cuts in waiting]
        self.check_writing()
        table.replace(pa.concat_tables(rows), sources=[file.source for file, _ in waiting])

    def _embed(self, cuts: Sequence[Cut]) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(cuts), BATCH):
            batch = [each.embedded for each in cuts[start : start + BATCH]]
            parts.append(self.embedding.encode(batch))
            self.done += len(batch)
            if self.progress is not None:
                self.progress(self.done, self.known)
        return np.concatenate(parts)


def _unchanged(file: ReadFile, known: KnowledgeFile) -> FileReport:
    return FileReport(
        source=file.source,
        status="unchanged",
        passages=known.passages,
        placed=known.placed,
        dated=known.dated,
        bad=file.bad,
    )


def _counted(file: ReadFile, cuts: Sequence[Cut], status: Literal["added", "replaced"]) -> FileReport:
    return FileReport(
        source=file.source,
        status=status,
        passages=len(cuts),
        placed=sum(each.entry.geometry is not None for each in cuts),
        dated=sum(each.entry.datetime is not None for each in cuts),
        overlong=sum(each.overlong for each in cuts),
        bad=file.bad,
    )
