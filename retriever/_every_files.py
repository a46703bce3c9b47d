"""Hits without end as a file: written as they come, in place when the last one is."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from core import Hit, InputError, StoreError
from retriever._export import csv_chunks, feature, record_dict
from retriever._geoparquet import geoparquet_chunks

EveryFormat = Literal["parquet", "geojsonl", "csv"]
"""What they can be written as; GeoJSON lines are a Feature a line (GDAL: GeoJSONSeq)."""

Groups = Iterable[Sequence[Hit]]

_SUFFIXES = {
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".geojsonl": "geojsonl",
    ".geojsons": "geojsonl",
    ".ndjson": "geojsonl",
    ".csv": "csv",
}


def write_hits(groups: Groups, path: Path, kind: EveryFormat | None = None) -> int:
    """Write hits without their pictures; return how many there were.

    Args:
        groups: Hits, a few thousand at a time.
        path: The file; its folder must exist. It appears when it is complete.
        kind: Its format; None goes by its suffix.

    Raises:
        InputError: An unknown format.
        StoreError: The file cannot be written.
    """
    write, counted = _WRITERS[every_format(path, kind)], _Counted(groups)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("wb") as file:
            file.writelines(write(counted))
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return counted.number


def every_format(path: Path, kind: str | None = None) -> str:
    """Return the format of a file of hits.

    Raises:
        InputError: There is no such format.
    """
    chosen = kind or _SUFFIXES.get(path.suffix.lower())
    if chosen not in _WRITERS:
        shown = repr(kind) if kind else f"of {path.name!r}"
        raise InputError(f"unknown format {shown}; every tile is written as .parquet, .geojsonl or .csv")
    return chosen


class _Counted:
    """The same groups, and how many hits were in them."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self.number = 0

    def __iter__(self) -> Iterator[Sequence[Hit]]:
        for hits in self._groups:
            self.number += len(hits)
            yield hits


def _parquet(groups: Groups) -> Iterator[bytes]:
    return geoparquet_chunks(groups, previews=False)


def _lines(groups: Groups) -> Iterator[bytes]:
    for hits in groups:
        yield "".join(_line(hit) for hit in hits).encode("utf-8")


def _line(hit: Hit) -> str:
    told = {"rank": hit.rank, "score": hit.score, "probability": hit.probability, **record_dict(hit)}
    return json.dumps(feature(hit, told), allow_nan=False, separators=(",", ":")) + "\n"


def _csv(groups: Groups) -> Iterator[bytes]:
    return (piece.encode("utf-8") for piece in csv_chunks(groups))


_WRITERS: dict[str, Callable[[Groups], Iterator[bytes]]] = {"parquet": _parquet, "geojsonl": _lines, "csv": _csv}
