"""``swath mcp``: the archive as tools for an agent, over standard input and output."""

from __future__ import annotations

from typing import Annotated

import typer

from swath._cmd_serve import INDEX_HELP, named_indexes


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("mcp")(mcp)


def mcp(
    index: Annotated[list[str], typer.Option("--index", metavar="[NAME=]DIR", help=INDEX_HELP)],
) -> None:
    """Serve indexes to an agent (Model Context Protocol, stdio): search, look at tiles, ask questions.

    An MCP client starts this command and speaks to it; nothing but the protocol goes to standard output.
    """
    from api import run_mcp

    run_mcp(named_indexes(index))
