"""The passages beside the tiles, embedded by the other encoder from the texts that the table holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer.knowledge import KnowledgeFile, KnowledgeTable, embedding_of
from indexer.knowledge._passages import embedded_text
from indexer.knowledge.table import drop_knowledge

BATCH = 256
"""Passages embedded at once: a megabyte of text."""


def reembed_knowledge(source: Path, target: Path, encoder: object) -> int:
    """Bring the passages of one generation to another; return how many were embedded. The target's lock is held.

    Raises:
        InputError: The encoder reads no text.
        StoreError: The index cannot be read or written.
    """
    if not KnowledgeTable.exists(source):
        drop_knowledge(target)
        return 0
    embedding = embedding_of(encoder)
    of = KnowledgeTable.open(source)
    table = KnowledgeTable.create_or_open(target, space=embedding.space)
    held, wanted = _known(table), _known(of)
    gone = sorted(held.keys() - wanted.keys())
    if gone:
        table.remove(gone)
    changed = [name for name in sorted(wanted) if held.get(name) != wanted[name]]
    done = 0
    for name in changed:
        rows = _rows_of(of, name)
        vectors = [embedding.encode(_texts(rows.slice(start, BATCH))) for start in range(0, len(rows), BATCH)]
        table.replace(_with_vectors(rows, np.concatenate(vectors), table.schema), sources=[name])
        done += len(rows)
    if changed or gone:
        table.tidy()
    return done


def knowledge_agrees(source: Path, target: Path) -> bool:
    """Return whether two generations hold the same passages.

    Raises:
        StoreError: One cannot be read.
    """
    return _at(source) == _at(target)


def _at(home: Path) -> dict[str, object]:
    return _known(KnowledgeTable.open(home)) if KnowledgeTable.exists(home) else {}


def _known(table: KnowledgeTable) -> dict[str, object]:
    def mark(file: KnowledgeFile) -> object:
        return file.digest, file.added, file.passages

    return {file.source: mark(file) for file in table.files()}


def _rows_of(table: KnowledgeTable, name: str) -> pa.Table:
    from lancedb.expr import col

    names = [field.name for field in table.schema if field.name != "vector"]
    batches = [batch.select(names) for batch in table.snapshot().scan(names, col("source").isin([name]))]
    return pa.Table.from_batches(batches).sort_by("position")


def _texts(rows: pa.Table) -> list[str]:
    return [embedded_text(**row) for row in rows.select(["title", "text"]).to_pylist()]


def _with_vectors(rows: pa.Table, vectors: NDArray[np.float32], schema: pa.Schema) -> pa.Table:
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
    vector = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    columns = [vector if field.name == "vector" else rows[field.name] for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)
