"""CSV: one entry a row, columns found by their names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from core import InputError
from indexer.knowledge import _fields as fields
from indexer.knowledge._clean import one_line
from indexer.knowledge._types import BadEntry, Entry

_SEPARATORS = ",;\t"


def read_csv(text: str, path: Path) -> Iterator[Entry | BadEntry]:
    """Yield the entries of a CSV text with a header; separated by comma, semicolon or tab.

    Raises:
        InputError: No header, no column for a title or a text, half a place, or broken quotes; the message is the
            reason with its line.
    """
    separator = _separator(text)
    # The usual 131,072 characters end the outline of a country, and with it the file.
    csv.field_size_limit(max(csv.field_size_limit(), fields.MAX_WKT))
    # strict: a quote that is never closed is an error and not a field that swallows the rest of the file.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header: list[str] | None = None
    try:
        start = 1
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _checked_header(cells, line)
                continue
            yield _entry(header, cells, line, path)
    except csv.Error as error:
        raise InputError(f'line {reader.line_num}: {error}; quote fields as in CSV, with " doubled') from None
    if header is None:
        raise InputError("no header; the first line must name the columns, e.g. name,text,lat,lon,date")


def _separator(text: str) -> str:
    """The one that gives the header most columns."""
    first = text.lstrip("\n").partition("\n")[0]
    return max(_SEPARATORS, key=first.count)


def _checked_header(cells: Sequence[str], line: int) -> list[str]:
    header = [fields.plain_key(cell) for cell in cells]
    known = set(header)
    if not known & {*fields.TITLE, *fields.TEXT}:
        raise InputError(
            f"line {line}: no column for a title or a text among {one_line(', '.join(cells), 200)}; expected name,text"
        )
    has_lat, has_lon = bool(known & set(fields.LAT)), bool(known & set(fields.LON))
    if has_lat != has_lon:
        raise InputError(
            f"line {line}: a column {'lat' if has_lat else 'lon'} without the other; give lat and lon, or wkt"
        )
    return header


def _entry(header: list[str], cells: list[str], line: int, path: Path) -> Entry | BadEntry:
    where = f"line {line}"
    if len(cells) > len(header):
        return BadEntry(
            where=where, reason=f"{len(cells)} fields for {len(header)} columns; quote fields that hold a comma"
        )
    row = fields.named_values(zip(header, cells, strict=False))
    try:
        return entry_of(row, fallback=f"{path.stem} {line}")
    except InputError as error:
        return BadEntry(where=where, reason=str(error))


def entry_of(row: Mapping[str, object], *, fallback: str) -> Entry:
    """Return the entry of named values.

    Raises:
        InputError: It has neither title nor text, or a value cannot be used.
    """
    title, text = fields.title_of(row), fields.text_of(row)
    if not title and not text:
        raise InputError("neither title nor text; give it a name or a text")
    return Entry(
        title=title or fallback,
        text=text,
        names=(title, *fields.aliases_of(row)) if title else fields.aliases_of(row),
        geometry=fields.place_of(row),
        datetime=fields.date_of(row),
        radius_km=fields.radius_of(row),
    )
