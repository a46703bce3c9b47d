"""What commands print: tables for people, JSON for programs, progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 160
"""Columns assumed where output is not a terminal, so that tables in logs are not cut."""


def stdout() -> Console:
    """Return a console for results."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def stderr() -> Console:
    """Return a console for progress and remarks."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else PIPE_WIDTH, highlight=False)


def print_json(value: Any) -> None:
    """Print dataclasses, paths and times as one JSON document, in ASCII: metadata may hold terminal codes."""
    sys.stdout.write(json.dumps(value, default=_plain, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        from core import rfc3339

        return rfc3339(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sequence | set | frozenset):
        return list(value)
    raise TypeError(f"cannot write a {type(value).__name__} as JSON")


def print_text(text: str) -> None:
    """Print lines; on a terminal, codes hidden in metadata are shown and not obeyed."""
    from core import printable

    shown = "".join(f"{printable(line)}\n" for line in text.splitlines()) if sys.stdout.isatty() else text
    sys.stdout.write(shown)


def print_table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows; None is shown as a dash, and markup in metadata stays text."""
    from core import printable

    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("-" if cell is None else printable(str(cell))) for cell in row))
    stdout().print(table)
