"""Doing again what an object store never answered.

Its client tries again by itself whatever may be done twice, and whatever was answered with 5xx. A put that holds only
under a condition, which is how tables are committed and the lock is taken, it does not try again when the connection
breaks: it may have been done. Lance then reads back whether it was, and so does ``_objects.py``; what was not is raised
as UnansweredError, and what may be done again is done again here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core import StoreError
from indexer._place import Place

RETRIES = 6
"""Further tries. Where one request in ten fails, one in ten million fails seven times; where nobody listens, that is
told after seconds. The clients' own defaults are 10 tries and minutes."""

FIRST_WAIT_S = 0.1
"""Seconds before the second try, twice as long before each one after: 6.3 s in all. As the clients do it."""

_UNANSWERED = re.compile(r"error sending request|connection closed|Connection reset|IncompleteMessage|SendRequest")
_TRIED = re.compile(r"after \d+ retries|result for version \d+ is unknown")
"""The client has tried it again, or Lance has tried to read back what became of it: it is no use, for now."""

_Done = TypeVar("_Done")


class UnansweredError(StoreError):
    """A request broke off without an answer, and was not done as far as can be seen."""


def store_error(message: str, *, cause: str, place: Place) -> StoreError:
    """Return what to raise.

    Args:
        message: For the user.
        cause: What the client said.
        place: Where; on a disk nothing is tried again.
    """
    again = not isinstance(place, Path) and _UNANSWERED.search(cause) and not _TRIED.search(cause)
    return (UnansweredError if again else StoreError)(message)


def again(action: Callable[[], _Done]) -> _Done:
    """Do something, and once more where it was not answered, RETRIES times at most.

    Args:
        action: What may be done twice: the second time it finds what the first has left.

    Raises:
        StoreError: It was not answered any of these times.
    """
    for number in range(RETRIES):
        try:
            return action()
        except UnansweredError:
            time.sleep(FIRST_WAIT_S * 2**number)
    try:
        return action()
    except UnansweredError as error:
        raise StoreError(str(error)) from error  # not to be tried again by a caller
