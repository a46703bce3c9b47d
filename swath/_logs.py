"""How this command logs: chosen once, by ``--log-format`` or ``SWATH_LOG``."""

from __future__ import annotations

import secrets
import sys
from contextlib import ExitStack
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core import LogForm


class LogFormat(StrEnum):
    """How lines of the log look."""

    JSON = "json"
    TEXT = "text"


class _Choice:
    """What was chosen for this process."""

    form: LogForm | None = None
    kept = ExitStack()


def start_logging(form: LogFormat | None) -> None:
    """Log events of this command to stderr, each under the number of this run; None leaves commands to their words."""
    _Choice.kept.close()
    _Choice.form = None if form is None else form.value
    if _Choice.form is None:
        return
    import logging.config

    from core import log_config, log_context

    _Choice.kept.enter_context(log_context(run_id=secrets.token_hex(8)))
    logging.config.dictConfig(log_config(_Choice.form))


def logs_lines() -> bool:
    """Return whether stderr belongs to the log, so that a command must not write words of its own to it."""
    return _Choice.form == "json"


def server_form() -> LogForm:
    """Return how a server logs: as chosen, else as text for the people at a terminal, and as JSON for anybody else."""
    return _Choice.form or ("text" if sys.stderr.isatty() else "json")
