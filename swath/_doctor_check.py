"""One line of ``swath doctor``, and how a check is kept from raising or waiting for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Literal

State = Literal["ok", "warn", "fail"]
"""``fail``: something does not work; ``warn``: it works, and something should be seen to."""

PATIENCE_S = 60.0
"""Seconds that one check may take: the first encoding takes up to 20 on a machine that is busy otherwise."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing examined."""

    name: str
    """What was looked at."""
    state: State
    """How it stands."""
    found: str
    """What was found, or what is wrong."""
    advice: str = ""
    """What to do; empty where nothing needs to be done."""


def bounded(name: str, check: Callable[[], Check], *, advice: str = "", seconds: float = PATIENCE_S) -> Check:
    """Return what a check returns; one that raises or takes too long has failed.

    Args:
        name: What is looked at.
        check: Runs in a thread of its own, which is left behind when the time is over.
        advice: What to do where it fails.
        seconds: How long it may take.
    """
    answers: SimpleQueue[Check] = SimpleQueue()
    Thread(target=lambda: answers.put(_caught(name, check, advice)), name=f"swath-doctor {name}", daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except Empty:
        return Check(name=name, state="fail", found=f"no answer within {seconds:g} s", advice=advice)


def _caught(name: str, check: Callable[[], Check], advice: str) -> Check:
    try:
        return check()
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        return Check(name=name, state="fail", found=said, advice=advice)
