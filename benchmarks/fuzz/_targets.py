"""The table of all targets."""

from __future__ import annotations

from benchmarks.fuzz import _read_http, _read_own, _read_rasters, _read_stac, _read_texts
from benchmarks.fuzz._target import Target
from core import UnknownNameError

TARGETS = (*_read_rasters.TARGETS, *_read_stac.TARGETS, *_read_texts.TARGETS, *_read_own.TARGETS, *_read_http.TARGETS)
"""In the order they are run and reported."""


def target_named(name: str) -> Target:
    """Return a target.

    Raises:
        UnknownNameError: No such target; the message lists them.
    """
    found = next((target for target in TARGETS if target.name == name), None)
    if found is None:
        raise UnknownNameError("fuzz target", name, tuple(target.name for target in TARGETS))
    return found
