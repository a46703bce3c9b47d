"""From an exception to one clear line and an exit code.

0 ok, 1 failure, 2 bad input, 3 some scenes failed, 4 the index is damaged.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

import typer

PARTLY_FAILED = 3
"""Exit code of ``swath index`` when some scenes could not be indexed."""

DAMAGED = 4
"""Exit code of ``swath verify`` when something is lost or wrong."""


_PREFIXES = {"Settings": "SWATH_", "AnswerSettings": "SWATH_ANSWER_"}
"""What the environment variables of each group of settings begin with."""


def run_and_report(run: Callable[[], object]) -> int:
    """Run a command and return its exit code; print one line to stderr where it failed."""
    try:
        result = run()
    except typer.Exit as done:
        return done.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return _complain("interrupted", 130)
    except typer.TyperException as error:
        return _complain(_usage(error), 2)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        return _report(error)
    return result if isinstance(result, int) else 0


def _usage(error: typer.TyperException) -> str:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    hint = f" (see {context.command_path} --help)" if context else ""
    return " ".join(message.split()) + hint


def _report(error: Exception) -> int:
    from core import SwathError

    if isinstance(error, SwathError):
        return _complain(str(error), error.exit_code)
    if (setting := _bad_setting(error)) is not None:
        return _complain(setting, 2)
    if isinstance(error, OSError):
        place = f": {error.filename}" if error.filename else ""
        return _complain(f"{error.strerror or error}{place}", 1)
    if _debugging():
        raise error
    return _complain(f"unexpected {type(error).__name__}: {error} (set SWATH_DEBUG=1 for the traceback)", 1)


def _bad_setting(error: Exception) -> str | None:
    from pydantic import ValidationError
    from pydantic_settings.exceptions import SettingsError

    if isinstance(error, SettingsError):
        return f"a SWATH_* environment variable cannot be read: {error}; lists are written as JSON"
    if isinstance(error, ValidationError) and error.title in _PREFIXES:
        first = error.errors()[0]
        name = _PREFIXES[error.title] + "_".join(str(part) for part in first["loc"][:1]).upper()
        return f"{name}={first['input']!r} cannot be used: {first['msg']}"
    return None


def _debugging() -> bool:
    from os import environ

    return environ.get("SWATH_DEBUG") == "1"


def _complain(message: str, code: int) -> int:
    from core import log_fields, printable
    from swath._logs import logs_lines

    line = printable(" ".join(message.split()))
    if logs_lines():
        logging.getLogger("swath").error(line, extra=log_fields(exit_code=code))
    else:
        sys.stderr.write(f"error: {line}\n")
    return code
