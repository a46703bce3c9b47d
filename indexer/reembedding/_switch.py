"""Which vectors answer: one document replaced in one rename, after both generations were found to hold the same.

The writers' locks of both are held meanwhile, so nothing is committed to the one that goes out of use after it was
compared. Readers need no lock: those that have it open go on with it, whole.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core import InputError, StoreError, parse_instant, rfc3339
from indexer._calibration_file import CALIBRATION
from indexer._generation import (
    RECORD,
    Generations,
    changing_generations,
    generation_folder,
    generation_numbers,
    read_generations,
    write_generations,
)
from indexer._lance import SCENES, TILES
from indexer._place import local_place
from indexer._retention import grace
from indexer.knowledge.table import KNOWLEDGE
from indexer.reembedding._failures import Missing
from indexer.reembedding._status import missing_of
from indexer.store import SEARCH, STAGING, Store

_OF_GENERATION = (SEARCH, STAGING, f"{KNOWLEDGE}.lance", f"{SCENES}.lance", f"{TILES}.lance", CALIBRATION, RECORD)
"""What a generation consists of; of the first it lies in the index directory itself."""

SHOWN = 5
"""Scenes named in a message."""


@dataclass(frozen=True, kw_only=True)
class SwitchReport:
    """What answers now."""

    index: Path
    """The index directory."""
    generation: int
    """Number of the generation in use."""
    encoder: str
    """See VectorSpace."""
    revision: str
    """See VectorSpace."""
    previous: int
    """Number of the generation that was in use."""
    missing: tuple[Missing, ...]
    """Scenes that the generation before had and this one lacks, where that was allowed."""
    notes: tuple[str, ...]
    """What the operator should know."""


@dataclass(frozen=True, kw_only=True)
class DropReport:
    """What was thrown away."""

    generations: tuple[int, ...]
    """Their numbers."""
    bytes: int
    """Size of their files."""


def switch(index: str | Path, *, without_missing: bool = False) -> SwitchReport:
    """Let the vectors that were made by ``reembed`` answer, in one atomic step.

    Args:
        index: The index directory.
        without_missing: Do it though scenes are missing, which no search will find then.

    Raises:
        InputError: There are none, or they lack scenes; the message names them.
        StoreError: The index cannot be written, or another process is writing to it.
    """
    root = local_place(index, what="an index that is re-embedded")
    generations = read_generations(root)
    if generations.next is None:
        Store.open(root)
        back = "" if generations.previous is None else ", or go back to those before: --roll-back"
        raise InputError(f"no other vectors were made for {root}; make some: swath reembed {root} --encoder NAME{back}")
    number = generations.next
    return _switched(root, number, without_missing=without_missing)


def roll_back(index: str | Path, *, without_missing: bool = False) -> SwitchReport:
    """Let the vectors answer again that did so before the last switch; doing it twice changes nothing.

    Args:
        index: The index directory.
        without_missing: Do it though scenes are missing that came since the switch.

    Raises:
        InputError: There are none, or they lack scenes; the message names them.
        StoreError: The index cannot be written, or another process is writing to it.
    """
    root = local_place(index, what="an index that is re-embedded")
    number = read_generations(root).previous
    if number is None:
        Store.open(root)
        raise InputError(f"there are no earlier vectors of {root} to return to")
    return _switched(root, number, without_missing=without_missing)


def _switched(root: Path, number: int, *, without_missing: bool) -> SwitchReport:
    with changing_generations(root), ExitStack() as held:
        generations = read_generations(root)
        source = Store.open(root)
        target = Store.at(generation_folder(root, number))
        held.enter_context(source.writing())
        held.enter_context(target.writing())
        missing, agrees = missing_of(source, target)
        if not agrees and not without_missing:
            raise InputError(_refusal(root, target, missing))
        kept = generations.next if generations.next not in {number, generations.current} else None
        now = Generations(current=number, previous=generations.current, next=kept, switched=rfc3339(datetime.now(UTC)))
        write_generations(root, now)
    return SwitchReport(
        index=root,
        generation=number,
        encoder=target.space.encoder,
        revision=target.space.revision,
        previous=generations.current,
        missing=missing,
        notes=tuple(_notes(root, source, target)),
    )


def _refusal(root: Path, target: Store, missing: tuple[Missing, ...]) -> str:
    again = f"swath reembed {root} --encoder {target.space.encoder}"
    if not missing:
        return f"the vectors of {target.space} are not those of the index as it is now; bring them along: {again}"
    named = "; ".join(f"{scene.scene_id} of {scene.collection} ({scene.reason})" for scene in missing[:SHOWN])
    more = f" and {len(missing) - SHOWN:,} more" if len(missing) > SHOWN else ""
    tiles = sum(scene.tiles for scene in missing)
    return (
        f"{len(missing):,} scenes with {tiles:,} tiles have no vectors of {target.space}: {named}{more};"
        f" run {again}, or --without-missing to go on without them"
    )


def _notes(root: Path, source: Store, target: Store) -> list[str]:
    notes = []
    if source.has_search_snapshot and not target.has_search_snapshot:
        notes.append(f"it has no search snapshot, so searches are slower; run: swath optimize --index {root}")
    if (source.folder / CALIBRATION).exists() and not (target.folder / CALIBRATION).exists():
        notes.append(f"it is not calibrated; run: swath calibrate {root}")
    return notes


def drop_old(index: str | Path, *, keep: timedelta | None = None) -> DropReport:
    """Throw away the vectors that no longer answer, and with them the way back.

    Args:
        index: The index directory.
        keep: How long after the switch they stay at least, for readers that have them open; None reads
            ``SWATH_KEEP_DAYS``.

    Raises:
        InputError: There are none, or the switch was not that long ago.
        StoreError: The index cannot be written.
    """
    root = local_place(index, what="an index that is re-embedded")
    with changing_generations(root):
        generations = read_generations(root)
        old = [n for n in _there(root) if n not in {generations.current, generations.next}]
        if not old:
            Store.open(root)
            raise InputError(f"the index {root} holds no vectors but those in use; there is nothing to drop")
        _check_age(generations, grace(keep))
        # First the way back, then the files: killed in between, this runs again.
        write_generations(root, replace(generations, previous=None))
        return DropReport(generations=tuple(old), bytes=sum(_drop(root, number) for number in old))


def cancel(index: str | Path) -> DropReport:
    """Throw away the vectors that are being made.

    Raises:
        InputError: There are none.
        StoreError: The index cannot be written, or they are being written.
    """
    root = local_place(index, what="an index that is re-embedded")
    with changing_generations(root):
        generations = read_generations(root)
        if generations.next is None:
            Store.open(root)
            raise InputError(f"no vectors are being made for {root}; there is nothing to give up")
        write_generations(root, replace(generations, next=None))
        return DropReport(generations=(generations.next,), bytes=_drop(root, generations.next))


def _there(root: Path) -> list[int]:
    """Generations of which anything is left."""
    first = any((root / name).exists() for name in _OF_GENERATION)
    return [number for number in generation_numbers(root) if number or first]


def _check_age(generations: Generations, keep: timedelta) -> None:
    if generations.switched is None:
        return
    left = parse_instant(generations.switched) + keep - datetime.now(UTC)
    if generations.previous is not None and left > timedelta(0):
        raise InputError(
            f"the switch was at {generations.switched}: servers may not have noticed, and searches may still be under"
            f" way; wait {left.total_seconds() / 3600:.1f} hours, or say --keep-days 0"
        )


def _drop(root: Path, number: int) -> int:
    folder = generation_folder(root, number)
    places = [root / name for name in _OF_GENERATION] if number == 0 else [folder]
    size = 0
    try:
        for place in places:
            files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
            size += sum(file.stat().st_size for file in files)
            place.unlink() if place.is_file() else shutil.rmtree(place, ignore_errors=not place.exists())
    except OSError as error:
        raise StoreError(f"cannot remove {error.filename or folder}: {error.strerror or error}") from error
    return size
