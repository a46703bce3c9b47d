"""``swath train``: models made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swath._console import print_json, stdout
from swath._options import AsJson


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("train")(train)


def train(
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Default: how swath-mini was made.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Run folder; default from the configuration.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train an encoder (needs the extra 'torch')."""
    from embeddings.training import default_config
    from embeddings.training import train as run

    report = run(config or default_config(), out=out, resume=resume, progress=None if as_json else _say)
    if as_json:
        print_json(report)


def _say(line: str) -> None:
    stdout().print(line, markup=False)
