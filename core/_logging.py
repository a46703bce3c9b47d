"""The one place that says how Swath logs: one line an event on stderr, as JSON or as text.

A line has its time, level, logger and event, the numbers that find it again (``request_id`` of a request, ``run_id`` of
a command, ``trace_id`` and ``span_id`` where there is tracing), and what the event tells of itself (`log_fields`).
Passwords and query strings are cut out of every address, whoever logged it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

from core._tracing import trace_ids

LogForm = Literal["json", "text"]
"""How lines look."""

_BOUND: ContextVar[Mapping[str, Any] | None] = ContextVar("swath log", default=None)

_ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/?#@'\"<>]*@)?([^\s?#'\"<>]*)(?:[?#][^\s'\"<>]*)?")
"""Scheme, who asks, host and path, and the rest: the second and the last may be secrets."""


@contextmanager
def log_context(**values: Any) -> Iterator[None]:
    """Put values into every line that is logged in the block, by threads and tasks started in it too."""
    before = _BOUND.get()
    _BOUND.set({**(before or {}), **values})
    try:
        yield
    finally:
        # Not by a token: an async generator may be closed in another context than it began in.
        _BOUND.set(before)


def log_fields(**values: Any) -> dict[str, Any]:
    """Return what an event tells of itself as the ``extra`` of a logging call."""
    return {"swath": values}


def without_secrets(text: str) -> str:
    """Return text whose addresses have neither users and passwords nor query strings."""
    return _ADDRESS.sub(r"\1\2", text) if "://" in text else text


def log_config(form: LogForm) -> dict[str, Any]:
    """Return the ``dictConfig`` of `logging`: Swath and uvicorn from INFO on, others from WARNING on."""
    ours = {"level": "INFO", "handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": {"json": JsonLines, "text": TextLines}[form]}},
        "handlers": {"line": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["line"], "level": "WARNING"},
        "loggers": {"swath": ours, "uvicorn": ours},
    }


class JsonLines(logging.Formatter):
    """One JSON object a line, in ASCII: what a client sent must neither reach a terminal as codes nor end the line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        return json.dumps(_values(record), ensure_ascii=True, default=str)


class TextLines(logging.Formatter):
    """For people: level and event, then ``name=value``; a failure's traceback follows."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text."""
        values = _values(record)
        trace = values.pop("traceback", None)
        first = f"{values.pop('time')[11:19]} {values.pop('level').upper()} {_word(values.pop('event'), spaces=True)}"
        del values["logger"]
        told = [f"{name}={_word(value)}" for name, value in values.items() if value is not None]
        return " ".join([first, *told]) + (f"\n{trace}" if trace else "")


def _values(record: logging.LogRecord) -> dict[str, Any]:
    now = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    values = {"time": now, "level": record.levelname.lower(), "logger": record.name}
    values |= {"event": without_secrets(record.getMessage()), **(_BOUND.get() or {}), **trace_ids()}
    told: Mapping[str, Any] = getattr(record, "swath", {})
    values |= {name: without_secrets(value) if isinstance(value, str) else value for name, value in told.items()}
    if record.exc_info and record.exc_info[0] is not None:
        values["error"] = record.exc_info[0].__name__
        values["traceback"] = without_secrets(logging.Formatter().formatException(record.exc_info))
    return values


def _word(value: Any, *, spaces: bool = False) -> str:
    """A value that ends where it seems to end, without control codes."""
    text = str(value)
    plain = text.isascii() and text.isprintable() and text and '"' not in text
    return text if plain and (spaces or " " not in text) else json.dumps(text)
