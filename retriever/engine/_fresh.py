"""Which rows a search goes through: the newest version of the table, by way of the search snapshot where one fits.

A version is looked at once and kept while nothing is committed; the next is reached from it by reading what came and
what went. A few earlier versions are kept for those who page through them.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from core import StoreError
from indexer import Snapshot, tiles_stamp
from indexer.store import CURRENT, SEARCH, Store
from retriever._vector_index import Rows
from retriever._version import Version
from retriever.engine._engine import Engine
from retriever.engine._open import current, open_snapshot
from retriever.engine._places import Places
from retriever.engine._published_watch import PublishedWatch
from retriever.engine._rows import EngineRows, check_origin
from retriever.engine._state import Opened, State, UnfitError, advanced, first_state

KEPT_STATES = 4
"""Versions whose states are kept; one is a bit a row and the newer rows."""

SETTLED_NS = 2_500_000_000
"""A folder's time that is older than this cannot hide a later change: no file system counts in steps above 2 s."""

_Stamp = tuple[object, ...]


class Fresh:
    """The newest version of an index, and earlier ones, as searches see them; safe to use from many threads at once.

    Args:
        store: The index.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._versions = store.path / "tiles.lance" / "_versions"
        self._pointer = store.folder / SEARCH / CURRENT
        self._published = PublishedWatch(store)
        self._lock = Lock()
        self._seen: tuple[_Stamp, Version] | None = None
        self._states: OrderedDict[int, State] = OrderedDict()
        self._folder: Path | str | None = None
        self._opened: Opened | str | None = None

    def newest(self) -> Version:
        """Return the table as of its last commit.

        Raises:
            StoreError: The index cannot be read.
        """
        seen, stamp = self._seen, self._stamp()
        if seen is not None and seen[0] == stamp:
            return seen[1]
        with self._lock:
            stamp = self._stamp()
            if self._seen is None or self._seen[0] != stamp:
                table = self._store.snapshot()
                self._seen = stamp, self._view(table, newest=True)
            return self._seen[1]

    def at(self, rows: Rows) -> Version:
        """Return a version that was opened before, by this or by the store; other rows as they are.

        Raises:
            StoreError: The index cannot be read.
        """
        if isinstance(rows, EngineRows):
            return _through(rows.state)
        if not isinstance(rows, Snapshot) or rows.path != self._store.path:
            return Version(rows=rows)
        return self._known(rows.version) or self._new(rows)

    def version(self, number: int) -> Version:
        """Return the version of a number, an earlier one perhaps.

        Raises:
            StoreError: It is no longer kept, or the index cannot be read.
        """
        return self._known(number) or self._new(self._store.snapshot(number))

    def _known(self, number: int) -> Version | None:
        """A version that was seen lately."""
        seen = self._seen
        if seen is not None and seen[1].number == number:
            return seen[1]
        state = self._states.get(number)
        return None if state is None else _through(state)

    def _new(self, table: Snapshot) -> Version:
        with self._lock:
            return self._view(table, newest=False)

    def _stamp(self) -> _Stamp:
        """What changes with every commit and every new search snapshot: 10 microseconds, in a bucket one request."""
        if not isinstance(self._versions, Path):
            self._published.look()
            return tiles_stamp(self._store.path) or object(), self._pointer_stamp()
        try:
            changed = self._versions.stat().st_mtime_ns
            # Two commits may come between two steps of the clock: while the last one is young, their files are told.
            young = time.time_ns() - changed < SETTLED_NS
            files = tuple(sorted(entry.name for entry in os.scandir(self._versions))) if young else ()
        except OSError:
            return (object(),)  # equal to no other: opening the table says what is wrong
        return changed, files, self._pointer_stamp()

    def _pointer_stamp(self) -> object:
        try:
            found = self._pointer.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _view(self, table: Snapshot, *, newest: bool) -> Version:
        self._reopen()
        state = self._states.get(table.version)
        if state is not None and (not newest or state.opened is self._opened):
            return _through(state)
        if self._opened is None:
            return _past(table)
        if isinstance(self._opened, str):
            return _past(table, self._opened)
        return self._state_view(self._opened, table)

    def _state_view(self, opened: Opened, table: Snapshot) -> Version:
        if table.version < opened.engine.snapshot.layout.version:
            return _past(table)
        try:
            state = self._reached(opened, table)
        except UnfitError as error:
            return _past(table, self._passed_over(str(error)))
        self._keep(state)
        return _through(state)

    def _keep(self, state: State) -> None:
        """Keep it among the last, and of earlier search snapshots only the last: their files take room while open."""
        self._states[state.table.version] = state
        self._states.move_to_end(state.table.version)
        earlier = [kept.opened for kept in self._states.values() if kept.opened is not self._opened]
        for version, kept in list(self._states.items()):
            if kept.opened not in (self._opened, earlier[-1] if earlier else None):
                del self._states[version]
        while len(self._states) > KEPT_STATES:
            self._states.popitem(last=False)

    def _reached(self, opened: Opened, table: Snapshot) -> State:
        """From the nearest earlier version, or from the snapshot's own."""
        earlier = [
            state for version, state in self._states.items() if version < table.version and state.opened is opened
        ]
        if not earlier:
            state = first_state(opened, table)
            check_origin(EngineRows(state))
            return state
        return advanced(max(earlier, key=lambda state: state.table.version), table)

    def _reopen(self) -> None:
        """Open the search snapshot that is current now; ``_opened`` is why not, where it does not fit."""
        while (named := self._named()) != self._folder:
            opened = self._fitting(named) if isinstance(named, Path) else named
            # One that cannot be opened may have been replaced and cleared away meanwhile.
            if not isinstance(opened, str) or named == self._named():
                self._folder, self._opened = named, opened
                # A new search snapshot follows a compaction, which replaced the table's files.
                self._store.forget_files()

    def _named(self) -> Path | str | None:
        """The folder of the current search snapshot, or why that cannot be read."""
        try:
            return current(self._store.folder)
        except StoreError as error:
            return str(error)

    def _fitting(self, folder: Path) -> Opened | str:
        try:
            snapshot = open_snapshot(folder)
            layout, space = snapshot.layout, self._store.space
            found = (layout.encoder, layout.revision, layout.dim, layout.dtype)
            if found != (space.encoder, space.revision, space.dim, self._store.dtype):
                made = f"{layout.encoder}@{layout.revision} ({layout.dim} numbers of {layout.dtype})"
                return self._passed_over(f"it was made for {made}, the index holds {space}")
            # Reads the row ids of every shard, which leaves all of them open, whoever clears the folder away.
            return Opened(engine=Engine(snapshot), places=Places(snapshot))
        except StoreError as error:
            return str(error)

    def _passed_over(self, reason: str) -> str:
        command = f"swath optimize --index {self._store.path}"
        return f"the search snapshot is not used: {reason}; make it anew with: {command}"


def _through(state: State) -> Version:
    return Version(rows=EngineRows(state), number=state.table.version)


def _past(table: Snapshot, *remarks: str) -> Version:
    return Version(rows=table, number=table.version, remarks=remarks)
