"""A run: what came since each watch looked last, the matches in it, and their delivery.

The order is what makes a kill harmless. Matches go into the journal, then the scenes are marked as looked at, then
matches are delivered from the journal, and after each delivery it is noted how far that got. Killed before the mark,
the next run looks at the same tiles again and leaves out those that are in the journal; killed before the note, it
delivers again what a file can be seen to hold already, and what a webhook knows by its key.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from core import Settings, SwathError, log_fields
from indexer import Scenes, Store, rows_of
from retriever._ranking import CalibrationSource
from retriever.watches._deliver import deliver
from retriever.watches._folder import Entry, WatchFolder
from retriever.watches._look import check_space, look, parts
from retriever.watches._types import Progress, WatchRun

_LOG = logging.getLogger("swath.watch")
"""What runs of watches did; whoever runs them gets the same as results, so nobody else need listen."""
_LOG.addHandler(logging.NullHandler())


def run_watches(
    store: Store,
    *,
    calibration: CalibrationSource = None,
    names: Sequence[str] | None = None,
    settings: Callable[[], Settings] = Settings,
) -> tuple[WatchRun, ...]:
    """Look at all tiles that came since the last run, and deliver what matches; one result a watch.

    What is wrong with one watch is told in its result, keeps no other from running, and loses nothing: the next run
    takes up where this one stopped.

    Args:
        store: The index.
        calibration: How scores are read.
        names: The watches to run; None for all.
        settings: Reads which hosts webhooks may be on.

    Raises:
        WatchNotFoundError: There is none of a name.
        StoreError: The index cannot be read, or another process is running its watches.
    """
    folder = WatchFolder(store.root)
    chosen = folder.names() if names is None else folder.known(names)
    if not chosen:
        return ()
    with folder.locked():
        results = _Run(store, folder, calibration, settings()).of(chosen)
        folder.tidy()
    for each in results:
        level = logging.INFO if each.problem is None else logging.WARNING
        _LOG.log(level, "watch run", extra=log_fields(watch=each.name, **_told(each)))
    return results


def _told(run: WatchRun) -> dict[str, Any]:
    return {name: value for name, value in asdict(run).items() if name != "name" and value is not None}


@dataclass(kw_only=True)
class _Running:
    """One watch during a run."""

    name: str
    entry: Entry | None = None
    """None where it cannot be read."""
    tiles: int = 0
    matches: int = 0
    sent: int = 0
    problem: str | None = None
    """The first thing that went wrong."""

    @contextmanager
    def own(self) -> Iterator[None]:
        """What goes wrong here is this watch's own matter."""
        try:
            yield
        except SwathError as error:
            self.problem = self.problem or str(error)

    def result(self) -> WatchRun:
        waiting = 0
        with self.own():
            waiting = 0 if self.entry is None else self.entry.status().waiting
        told: dict[str, Any] = {name: getattr(self, name) for name in ("name", "tiles", "matches", "sent", "problem")}
        return WatchRun(**told, waiting=waiting)


class _Run:
    """One run; the lock is held."""

    def __init__(self, store: Store, folder: WatchFolder, calibration: CalibrationSource, settings: Settings) -> None:
        self._space = store.space
        self._folder = folder
        self._calibration = calibration
        self._settings = settings
        # The ledger first: tiles of the scenes in it are in any later version of the table, or were replaced since.
        self._scenes = Scenes.of(store)
        self._table = store.snapshot()

    def of(self, names: Sequence[str]) -> tuple[WatchRun, ...]:
        running = [self._opened(name) for name in names]
        self._look(running)
        for each in running:
            if each.entry is not None:
                self._deliver(each, each.entry)
        return tuple(each.result() for each in running)

    def _opened(self, name: str) -> _Running:
        running = _Running(name=name)
        with running.own():
            running.entry = self._folder.entry(name)
        return running

    def _look(self, running: Sequence[_Running]) -> None:
        """Look at what is new for each watch; those that have got equally far look together."""
        equally_far: dict[tuple[str, int], list[_Running]] = {}
        for each in running:
            with each.own():
                if each.entry is not None:
                    check_space(each.entry.watch, self._space)
                    progress = each.entry.progress
                    equally_far.setdefault((progress.seen, progress.first), []).append(each)
        if equally_far:
            marks = self._folder.keep_seen(self._scenes.marks)
            for (seen, first), group in equally_far.items():
                self._look_together(group, seen, first, marks)

    def _look_together(self, group: Sequence[_Running], seen: str, first: int, marks: str) -> None:
        new = None
        for each in group:
            with each.own():
                new = self._scenes.since(self._folder.seen(seen)) if new is None else new
        if new is None:
            return
        rows = rows_of(new, self._table, first=first)
        for part in parts(self._table, rows):
            for each in group:
                with each.own():
                    if each.entry is not None and each.problem is None:
                        each.matches += look(each.entry, part, self._calibration)
                        each.tiles += len(part)
        for each in group:
            if each.problem is None:
                self._save(each, seen=marks, first=int(rows[-1]) + 1 if len(rows) else first)

    def _deliver(self, running: _Running, entry: Entry) -> None:
        def save(progress: Progress) -> None:
            before = entry.progress.sent if running.entry is None else running.entry.progress.sent
            running.sent += progress.sent - before
            self._save(running, sent=progress.sent, file_bytes=progress.file_bytes)

        with running.own():
            deliver(entry, self._settings, save)
        self._save(running, ran=datetime.now(UTC), problem=running.problem)

    def _save(self, running: _Running, **changed: Any) -> None:
        """Replace part of a watch's progress, on the disk where it is another."""
        if running.entry is None:
            return
        progress = replace(running.entry.progress, **changed)
        if progress != running.entry.progress:
            self._folder.save(running.name, progress)
            running.entry = replace(running.entry, progress=progress)
