"""Death at a chosen step of a run of watches.

Every step that reaches the disk goes through `os.fsync`, a rename, a new folder or a write to the file of matches.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class KilledError(BaseException):
    """As sudden as a signal: nothing catches it."""


class Death:
    """Comes at one step of a run.

    Args:
        step: Which one, from 0.
        after: Whether the step is still done.
    """

    def __init__(self, step: int, *, after: bool) -> None:
        self.left = step
        self.after = after
        self.came = False

    def strikes(self, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if self.came:  # the dead do nothing
            raise KilledError
        self.left -= 1
        if self.left >= 0:
            return act(*arguments, **options)
        self.came = True
        if self.after:
            act(*arguments, **options)
        raise KilledError

    def torn(self, act: Callable[[int, Any], int], file: int, content: Any) -> int:
        """A write that dies has written half."""
        if self.left == 0 and not self.after and not self.came:
            act(file, bytes(content[: len(content) // 2]))
        written: int = self.strikes(act, file, content)
        return written


@contextmanager
def dying(death: Death) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "replace", "rename", "mkdir"):
            act = getattr(os, name)
            patch.setattr(os, name, lambda *given, act=act, **options: death.strikes(act, *given, **options))
        write = os.write
        patch.setattr("retriever.watches._file.os.write", lambda file, content: death.torn(write, file, content))
        yield
