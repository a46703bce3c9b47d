"""The command line ``swath``. Commands import the engine when they run, so that ``--help`` answers at once."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from swath import (
    _cmd_about,
    _cmd_ask,
    _cmd_calibrate,
    _cmd_demo,
    _cmd_eval,
    _cmd_export,
    _cmd_index,
    _cmd_keep,
    _cmd_keys,
    _cmd_knowledge,
    _cmd_look,
    _cmd_mcp,
    _cmd_migrate,
    _cmd_model,
    _cmd_reembed,
    _cmd_search,
    _cmd_serve,
    _cmd_watch,
)
from swath._errors import run_and_report
from swath._logs import LogFormat, start_logging

app = typer.Typer(
    name="swath",
    help="Search satellite imagery archives in words or with a picture.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _prepare(
    log_format: Annotated[
        LogFormat | None,
        typer.Option(envvar="SWATH_LOG", help="Log events to stderr, a line each; a server logs in any case."),
    ] = None,
) -> None:
    start_logging(log_format)
    if any(name.startswith("OTEL_") for name in os.environ):
        from swath._telemetry import start_tracing

        start_tracing()


for _module in (
    _cmd_index,
    _cmd_search,
    _cmd_look,
    _cmd_ask,
    _cmd_calibrate,
    _cmd_about,
    _cmd_model,
    _cmd_eval,
    _cmd_export,
    _cmd_demo,
    _cmd_serve,
    _cmd_keep,
    _cmd_reembed,
    _cmd_migrate,
    _cmd_keys,
    _cmd_knowledge,
    _cmd_watch,
    _cmd_mcp,
):
    _module.register(app)


def main() -> None:
    """Run the command line and exit: 0 ok, 1 failure, 2 bad input, 3 some scenes failed, 4 damaged."""
    sys.exit(run_and_report(lambda: app(standalone_mode=False)))
