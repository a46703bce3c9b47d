"""The steps from each layout to the next. A new one is one function and one line here, and raises SCHEMA_VERSION."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core import InputError
from indexer._schema import SCHEMA_VERSION
from indexer.migrations._check_sums import add_check_sums
from indexer.store import Store

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One step. It can be cut off anywhere and done again: what it finds done it leaves."""

    source: int
    """Schema version that it starts from; it leads to the next."""
    title: str
    """What it brings, for people."""
    run: Callable[[Store, Progress | None], None]
    """Does it, without the version, which is written afterwards; the writer's lock is held."""

    @property
    def target(self) -> int:
        """Schema version that it leads to."""
        return self.source + 1


MIGRATIONS = (Migration(source=1, title="a check sum for every scene", run=add_check_sums),)
"""In order."""


def steps_from(version: int) -> tuple[Migration, ...]:
    """Return what leads from a schema version to today's; nothing where it is today's.

    Raises:
        InputError: Nothing leads from there.
    """
    steps = tuple(step for step in MIGRATIONS if step.source >= version)
    if [step.source for step in steps] != list(range(version, SCHEMA_VERSION)):
        raise InputError(f"nothing leads from schema version {version} to {SCHEMA_VERSION}; index the scenes again")
    return steps
