"""What a check of an index found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it should be, or that could not be checked."""

    name: str
    """Of its kind, for programs: ``tiles-changed``; the how-to on keeping an index lists them."""
    damage: bool
    """Whether something is lost or wrong; False for what is unfinished, out of date or not to be checked."""
    message: str
    """What was found, in one line."""
    advice: str
    """What to do about it, in one line."""
