"""The watches of an index, run beside an ingest: after commits, and once more when it has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from indexer import Place
from indexer.store import Store

if TYPE_CHECKING:
    from retriever.watches import WatchRun

_LOG = logging.getLogger("swath.watches")


class Watching:
    """Runs watches in a thread of its own, so that an ingest waits for no receiver of matches.

    A run takes in all commits since the one before, so they never pile up. Whatever goes wrong is told and kept for the
    next run; it never reaches the ingest.

    Args:
        index: Where the index is; may not be there yet.
        told: Is given what each watch found and what went wrong; None logs what went wrong.
    """

    def __init__(self, index: Place, told: Callable[[WatchRun], None] | None = None) -> None:
        self._index = index
        self._told = told or _log
        self._news = Event()
        self._over = False
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread; after an ingest that was not cut off, run once more for the last commit."""
        self._over = True
        self._news.set()
        if self._thread is not None:
            self._thread.join()
        if kind is None and self._has_watches():
            self._run()

    def committed(self) -> None:
        """Run the watches soon; returns at once."""
        if self._thread is None and self._has_watches():
            # What the ingest logs and traces under, the thread does too.
            here = copy_context()
            self._thread = Thread(target=here.run, args=(self._work,), name="swath-watches", daemon=True)
            self._thread.start()
        self._news.set()

    def _has_watches(self) -> bool:
        from retriever.watches import has_watches

        return has_watches(self._index)

    def _work(self) -> None:
        while self._news.wait() and not self._over:
            self._news.clear()
            self._run()

    def _run(self) -> None:
        from retriever import load_calibration
        from retriever.watches import WatchRun, run_watches

        try:
            store = Store.open(self._index)
            runs = run_watches(store, calibration=lambda: load_calibration(store.path))
        except Exception as error:
            # Not even what nobody foresaw may end an ingest: its scenes are worth more than a message.
            runs = (WatchRun(name="all", tiles=0, matches=0, sent=0, waiting=0, problem=str(error)),)
        for run in runs:
            self._told(run)


def _log(run: WatchRun) -> None:
    if run.problem is not None:
        _LOG.warning("watch %s: %s", run.name, run.problem)
