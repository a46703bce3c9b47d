"""``swath mcp``: the archive as tools for an agent, over standard input and output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("mcp")(mcp)


def mcp(
    index_dir: Annotated[
        list[Path], typer.Option("--index", metavar="DIR", help="Index directory; may be repeated, the first is meant.")
    ],
) -> None:
    """Serve indexes to an agent (Model Context Protocol, stdio): search, look at tiles, describe.

    An MCP client starts this command and speaks to it; nothing but the protocol goes to standard output.
    """
    from api import run_mcp
    from core import InputError

    indexes = {path.resolve().name: path for path in index_dir}
    if len(indexes) < len(index_dir):
        raise InputError("two --index directories have the same name; rename one, agents call them by it")
    run_mcp(indexes)
