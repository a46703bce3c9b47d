"""Names to implementations, resolved on first use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from core._errors import UnknownNameError


class Registry:
    """Maps a name to ``"module:attribute"``; third parties join through an entry-point group.

    Args:
        kind: What the names are, for messages: ``"encoder"``.
        rows: Built-in names and where they live.
        group: Entry-point group that may add names, e.g. ``"swath.encoders"``.
    """

    def __init__(self, kind: str, rows: Mapping[str, str], *, group: str) -> None:
        self._kind = kind
        self._rows = dict(rows)
        self._group = group

    def names(self) -> tuple[str, ...]:
        """Every known name, sorted. Imports nothing."""
        return tuple(sorted({*self._rows, *(point.name for point in entry_points(group=self._group))}))

    def resolve(self, name: str) -> Any:
        """Import and return what ``name`` stands for.

        Raises:
            UnknownNameError: No such name; the message lists the known ones.
        """
        if name in self._rows:
            module, _, attribute = self._rows[name].partition(":")
            return getattr(import_module(module), attribute)
        for point in entry_points(group=self._group):
            if point.name == name:
                return point.load()
        raise UnknownNameError(self._kind, name, self.names())
