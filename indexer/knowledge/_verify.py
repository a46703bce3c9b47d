"""Whether the passages beside the tiles can be read and have vectors that searches can use."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from os import PathLike

import numpy as np

from core import StoreError
from indexer._findings import Finding
from indexer._manifest import wrong_files
from indexer._place import BucketPath, Place, place_of
from indexer._records import unfit_rows
from indexer._snapshot import vector_matrix
from indexer.knowledge.table import KNOWLEDGE, KnowledgeTable

_COLUMNS = ("passage_id", "source", "position", "title", "text", "names", "geometry", "digest", "vector")


def verify_knowledge(index: str | PathLike[str] | BucketPath) -> tuple[Finding, ...]:
    """Read every passage of an index; an index without any is in order.

    Passages have no check sums: their files are at hand to be added again.
    """
    path = place_of(index)
    if not KnowledgeTable.exists(path):
        return ()
    advice = f"swath knowledge remove {shlex.quote(str(path))} --all, and add the files again"
    try:
        lines = list(_lines(path))
    except StoreError as error:
        lines = [str(error)]
    return tuple(
        Finding(name="knowledge-damaged", damage=True, message=f"the knowledge is damaged: {line}", advice=advice)
        for line in lines
    )


def _lines(path: Place) -> Iterator[str]:
    snapshot = KnowledgeTable.open(path).snapshot()
    yield from wrong_files(path / f"{KNOWLEDGE}.lance", snapshot.version)
    times: Counter[str] = Counter()
    unfit = 0
    for batch in snapshot.scan(_COLUMNS):
        times.update(batch["passage_id"].to_pylist())
        unfit += int(np.count_nonzero(unfit_rows(vector_matrix(batch["vector"]))))
    if doubled := sum(count > 1 for count in times.values()):
        yield f"{doubled:,} passages are there more than once"
    if unfit:
        yield f"{unfit:,} vectors are not finite or not of unit length"
