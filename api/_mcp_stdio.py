"""MCP over standard input and output: one agent, one process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from api._services import Services
from core import AnswerSettings
from indexer import Place


def run_mcp(indexes: Mapping[str, Place]) -> None:
    """Serve indexes to the agent at the other end of standard input, until it closes it.

    Args:
        indexes: Where the index of each name is; the first is the one meant where a call names none.

    Raises:
        IndexNotFoundError: A path is not an index.
        SpaceMismatchError: The installed encoder is not the one that filled an index.
        WeightsNotFoundError: An encoder's weights are missing.
        ConfigError: The answer model's address is wrong.
    """
    with _output_kept_for_the_protocol():
        from api._ask_desk import Desk
        from api._mcp import build_server

        server = build_server(Services(indexes), Desk(AnswerSettings()))
    server.run("stdio")


@contextmanager
def _output_kept_for_the_protocol() -> Iterator[None]:
    """Send what anything prints while indexes open to standard error; the SDK does the same while it serves."""
    sys.stdout.flush()
    wire = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
        sys.stdout.flush()
    finally:
        os.dup2(wire, 1)
        os.close(wire)
