"""The names of a knowledge table, read once a version in a process: every answer opens the table anew."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from indexer import Place, Snapshot
from indexer.knowledge import version_stamp
from retriever.rag.passages._passage_names import Names

KEPT = 8
"""Tables whose names are kept, one an index; those asked about longest ago go first."""

_LOCK = threading.Lock()
_READ: dict[str, tuple[object, KnownNames]] = {}


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownNames:
    """The names of one version."""

    names: Names
    """Looked up in questions; each tells the number of its entry."""
    entries: tuple[tuple[str, ...], ...]
    """Ids of the passages of each entry, in the order of the file."""


def names_of(path: Place, snapshot: Snapshot) -> KnownNames:
    """Return the names of a version of the table beside an index.

    Raises:
        StoreError: The table cannot be read.
    """
    place, version = str(path.resolve() if isinstance(path, Path) else path), (snapshot.version, version_stamp(path))
    with _LOCK:
        held = _READ.pop(place, None)
        if held is None or held[0] != version:
            held = (version, _read(snapshot))
        _READ[place] = held
        while len(_READ) > KEPT:
            del _READ[next(iter(_READ))]
        return held[1]


def _read(snapshot: Snapshot) -> KnownNames:
    """The names of placed passages; passages of one file with the same names and place are one entry."""
    from lancedb.expr import col, lit

    columns = ("passage_id", "source", "position", "names", "geometry")
    batches = snapshot.scan(columns, col("placed") == lit(True))
    rows = sorted(
        (row for batch in batches for row in batch.to_pylist()), key=lambda row: (row["source"], row["position"])
    )
    entries: dict[tuple[str, tuple[str, ...], bytes], list[str]] = {}
    for row in rows:
        entries.setdefault((row["source"], tuple(row["names"]), row["geometry"]), []).append(row["passage_id"])
    names = [(name, number) for number, (_, named, _) in enumerate(entries) for name in named]
    return KnownNames(names=Names(names), entries=tuple(map(tuple, entries.values())))
