"""What is fuzzed: a reader, what it usually gets, and the one way in which it may say no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core import SwathError

Kind = Literal["bytes", "text", "json", "tiff", "png"]
"""How inputs are built, and so how they are changed."""


class FaultError(Exception):
    """A reader broke its promise without an exception of its own, e.g. by an answer with status 500."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A reader of inputs that nobody vouches for."""

    name: str
    """As on the command line."""
    kind: Kind
    """How its inputs are changed."""
    seeds: Callable[[], Sequence[bytes]]
    """Makes inputs that are accepted; called once a process."""
    read: Callable[[bytes], str | None]
    """Reads one; returns what kept it from use where the product reports that and does not raise it."""
    words: Sequence[str] = field(default=())
    """What means something to the reader; put into texts and JSON values."""
    share: int = 2_000
    """Inputs of a full run."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one input."""

    kind: Literal["accepted", "refused", "fault"]
    """A refusal is a SwathError of one line, or the product's own report of one bad scene or row."""
    name: str
    """Class of the error; empty where it was accepted."""
    message: str
    """Of the error."""


def judge(target: Target, data: bytes) -> Outcome:
    """Return what became of an input; every exception that is not Swath's own is a fault."""
    try:
        refusal = target.read(data)
    except SwathError as error:
        problem = _unclear(str(error))
        name = type(error).__name__
        return Outcome(kind="fault" if problem else "refused", name=name, message=problem or str(error))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in Rust is no Exception
        return Outcome(kind="fault", name=type(error).__name__, message=str(error))
    return Outcome(kind="accepted" if refusal is None else "refused", name=refusal or "", message="")


def _unclear(message: str) -> str:
    """Return why a message is not one clear line; empty where it is."""
    if not message.strip():
        return "the message is empty"
    return f"the message has several lines: {message!r:.200}" if "\n" in message or "\r" in message else ""
