"""How long versions that were replaced stay, for readers that hold one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core import InputError, Settings

_CLOCK_STEP = timedelta(seconds=1)
"""Lance compares with a time of its own reading: a version must not fall on the wrong side by a rounding."""

_ALL_TIME = timedelta(days=50 * 365)
"""Older than any version."""

_UNFINISHED = (".tmp*", "*#[0-9]*")
"""Names of files that are being written: Lance's own, and those of its object store for a local disk."""

_NO_TIME = timedelta(milliseconds=1)
"""The least that LanceDB takes without a warning, which is for those who did not ask for it."""


def grace(keep: timedelta | None, versions: int = 1) -> timedelta:
    """Return how long a replaced version stays.

    Args:
        keep: As it was asked for; None reads ``SWATH_KEEP_DAYS``.
        versions: Number of versions that stay, however old.

    Raises:
        InputError: Less than no time, or less than one version.
    """
    found = timedelta(days=Settings().keep_days) if keep is None else keep
    if found < timedelta(0) or versions < 1:
        raise InputError(f"keep at least 0 days and 1 version, got {found.total_seconds() / 86400:g} and {versions}")
    return found


def tidy_table(table: Any, *, keep: timedelta, versions: int = 1, merged: Callable[[], None] = lambda: None) -> None:
    """Merge the small files of a table and drop versions that no reader can hold any more.

    A version is counted as old from the moment it was replaced: a reader may have opened one of last year a second ago,
    if nothing was committed since.

    Args:
        table: LanceDB table at its newest version; the writer's lock is held.
        keep: See ``grace``; zero leaves none but the newest.
        versions: See ``grace``.
        merged: Called when files are merged and before any is dropped, to bring the new ones to the disk.
    """
    made = [version["timestamp"] for version in sorted(table.list_versions(), key=lambda one: one["version"])]
    table.optimize(cleanup_older_than=_ALL_TIME)
    merged()
    if not keep and versions == 1:
        table.optimize(cleanup_older_than=_NO_TIME)
        return
    table.optimize(cleanup_older_than=age_of_oldest_kept(made, keep=keep, versions=versions, now=datetime.now(UTC)))


def clear_partial(table: Path) -> None:
    """Delete files that a killed process had not finished, and that no clean-up of Lance's knows.

    Args:
        table: Folder of the table; the writer's lock is held, so that nobody is writing one.
    """
    for pattern in _UNFINISHED:
        for file in table.glob(f"*/{pattern}"):
            file.unlink(missing_ok=True)


def age_of_oldest_kept(made: Sequence[datetime], *, keep: timedelta, versions: int, now: datetime) -> timedelta:
    """Return the age of the oldest version that must stay, rounded up.

    Args:
        made: When each version was made, oldest first: local times without a zone, as LanceDB gives them.
        keep: See ``grace``.
        versions: See ``grace``.
        now: With a zone.
    """
    # An hour that comes twice in autumn is read as the later one where that keeps more, and as the earlier one below.
    then = [_utc(moment, fold=1) for moment in made]
    newest_at_the_time = max((place for place, moment in enumerate(then) if moment <= now - keep), default=0)
    oldest_kept = max(min(newest_at_the_time, len(made) - versions), 0)
    return max(now - _utc(made[oldest_kept], fold=0), timedelta(0)) + _CLOCK_STEP


def _utc(moment: datetime, *, fold: int) -> datetime:
    return moment.replace(fold=fold).astimezone(UTC)
