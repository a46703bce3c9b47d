"""How a search was answered, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swath._console import stderr


def print_explained(engine: Mapping[str, Any]) -> None:
    """Print the ``engine`` part of ``hits.why`` to stderr, beside hits that may be piped on."""
    for line in explained_lines(engine):
        stderr().print(line, markup=False, highlight=False, soft_wrap=True)


def explained_lines(engine: Mapping[str, Any]) -> list[str]:
    """Return the ``engine`` part of ``hits.why`` as lines of text."""
    if engine["index"] == "flat":
        return ["index     flat: every passing tile was compared; for large archives: swath optimize"]
    from retriever.engine import Plan, explained

    newer, gone = engine["newer"], engine["gone"]
    head = f"snapshot  of version {engine['snapshot_version']}; {newer:,} tiles came after it, {gone:,} went"
    plans = (Plan(**plan) for plan in engine["searches"])
    return [head, *(line for plan in plans for line in explained(plan).splitlines())]
