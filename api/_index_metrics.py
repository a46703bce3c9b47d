"""How each index of a server stands, looked up when the metrics are asked for: rows, freshness, disk, watches.

An index that cannot be read has ``swath_index_readable`` 0 and no other numbers, and takes none from the other indexes.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api._services import Service, Services
from core import SwathError, parse_instant
from indexer import Snapshot
from retriever.engine import SnapshotSummary, summary_of
from retriever.watches import Watches

_GAUGES = {
    "swath_index_readable": "Whether the newest version of an index can be read.",
    "swath_index_rows": "Tiles of an index.",
    "swath_index_version": "Version of an index that is read.",
    "swath_index_commit_timestamp_seconds": "When that version was committed, seconds since 1970.",
    "swath_snapshot_used": "Whether searches go through the search snapshot; 0 where there is none or it does not fit.",
    "swath_snapshot_age_seconds": "Seconds since the search snapshot was built or extended.",
    "swath_snapshot_rows": "Tiles that are found through the search snapshot.",
    "swath_snapshot_newer_rows": "Tiles that came later; every search compares all of them.",
    "swath_snapshot_bytes": "Size of the search snapshot.",
    "swath_disk_free_bytes": "Room left on the file system of an index, or of the cache of one in a bucket.",
    "swath_disk_size_bytes": "Size of that file system.",
    "swath_watches": "Watches of an index.",
    "swath_watches_failing": "Watches whose last run could not look or deliver, or that are damaged.",
    "swath_watch_matches_waiting": "Matches that the files and webhooks of watches do not have yet.",
    "swath_watch_run_timestamp_seconds": "When the watch that waits longest ran last, seconds since 1970.",
}
"""All of them have the label ``index``."""

_Values = Iterator[tuple[str, float]]


class IndexCollector(Collector):
    """Numbers of all indexes of a server.

    Args:
        services: The indexes.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._committed: dict[str, tuple[int, float]] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every family, with a sample for each index that has one."""
        families = {name: GaugeMetricFamily(name, text, labels=["index"]) for name, text in _GAUGES.items()}
        for name, service in self._services.items():
            for family, value in self._of(service):
                families[family].add_metric([name], value)
        yield from families.values()

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Registering must not open an index."""
        return iter(())

    def _of(self, service: Service) -> _Values:
        readable = 1.0
        for part in (self._table, _snapshot, _watches, _disk):
            try:
                yield from part(service)
            except (SwathError, OSError):
                # The others would wait for the same disk or bucket, and Prometheus does not wait that long.
                readable = 0.0
                break
        yield "swath_index_readable", readable

    def _table(self, service: Service) -> _Values:
        rows = service.store.snapshot()
        yield "swath_index_rows", rows.count()
        yield "swath_index_version", rows.version
        yield "swath_index_commit_timestamp_seconds", self._commit_time(service.name, rows)

    def _commit_time(self, name: str, rows: Snapshot) -> float:
        """Listing versions takes a look at each, so it is done once a version."""
        with self._lock:
            version, when = self._committed.get(name, (-1, 0.0))
            if version != rows.version:
                when = rows.committed().timestamp()
                self._committed[name] = rows.version, when
            return when


def _snapshot(service: Service) -> _Values:
    found = summary_of(service.searcher.version(), service.store.folder)
    yield "swath_snapshot_used", float(isinstance(found, SnapshotSummary))
    if isinstance(found, SnapshotSummary):
        yield "swath_snapshot_age_seconds", max(time.time() - parse_instant(found.built).timestamp(), 0.0)
        yield "swath_snapshot_rows", found.tiles
        yield "swath_snapshot_newer_rows", found.newer
        yield "swath_snapshot_bytes", found.bytes


def _disk(service: Service) -> _Values:
    # Of an index in a bucket, what lies here is its cache, which may not be there yet.
    folder = service.store.folder
    usage = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists()))
    yield "swath_disk_free_bytes", usage.free
    yield "swath_disk_size_bytes", usage.total


def _watches(service: Service) -> _Values:
    listed = [status for _, status in Watches(service.store, service.searcher).listed()]
    whole = [status for status in listed if not isinstance(status, str)]
    failing = [status for status in whole if status.progress.problem is not None]
    yield "swath_watches", len(listed)
    yield "swath_watches_failing", len(listed) - len(whole) + len(failing)
    yield "swath_watch_matches_waiting", sum(status.waiting for status in whole)
    ran = [status.progress.ran.timestamp() for status in whole if status.progress.ran is not None]
    if ran:
        yield "swath_watch_run_timestamp_seconds", min(ran)
