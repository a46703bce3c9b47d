"""What a command did, as a file that the Prometheus node exporter passes on (``--collector.textfile.directory``).

Commands come and go, so nobody could ask them. The file is replaced in one rename; what the last success was survives a
run that fails. https://github.com/prometheus/node_exporter#textfile-collector
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from indexer import BackupReport, IngestReport, Progress
    from swath._verifying import VerifyReport

WRITE_S = 5.0
"""Seconds between two writings while an ingest runs; Prometheus asks every 15 to 60."""

TEXTS = {
    "swath_ingest_running": "Whether swath index is at work.",
    "swath_ingest_failed": "Whether the last run ended in an error; scenes that fail are no error.",
    "swath_ingest_start_timestamp_seconds": "When the last run began, seconds since 1970.",
    "swath_ingest_success_timestamp_seconds": "When a run last ended without an error, seconds since 1970.",
    "swath_ingest_seconds": "Seconds of the last run so far.",
    "swath_ingest_scenes": "Scenes of the last run by what became of them: indexed, skipped, failed.",
    "swath_ingest_tiles": "Tiles of the last run: encoded, written, dropped.",
    "swath_ingest_tiles_per_second": "Tiles encoded a second in the last run.",
    "swath_ingest_encoder_busy_ratio": "Share of the last run's time spent in the encoder, 0 to 1.",
    "swath_ingest_peak_memory_bytes": "Most memory that the last run held.",
    "swath_ingest_eta_seconds": "Seconds that the run will still take.",
    "swath_verify_timestamp_seconds": "When swath verify last read the whole index, seconds since 1970.",
    "swath_verify_damage": "Findings of the last verification that are damage.",
    "swath_verify_tiles": "Tiles that it read.",
    "swath_backup_success_timestamp_seconds": "When a backup was last completed, seconds since 1970.",
    "swath_backup_bytes": "Size of that backup, linked files included.",
}
"""Every metric of these files; all have the label ``index``, and two ``outcome``."""

Values = Mapping[str, float | Mapping[str, float]]
"""By name: a number, or one for each outcome."""


def write_metrics(path: Path, index: str | Path, values: Values) -> None:
    """Replace a file of metrics.

    Args:
        path: The file; its name ends in ``.prom`` if the node exporter is to read it.
        index: Whose they are; the name of its folder, or of its prefix in a bucket, becomes the label.
        values: What to write.

    Raises:
        StoreError: It cannot be written.
    """
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    from core import StoreError
    from indexer import place_of

    registry = CollectorRegistry()
    place = place_of(index)
    label = (place.resolve() if isinstance(place, Path) else place).name
    for name, value in values.items():
        outcomes = value if isinstance(value, Mapping) else None
        labels = ("index",) if outcomes is None else ("index", "outcome")
        gauge = Gauge(name, TEXTS[name], labels, registry=registry)
        if outcomes is None:
            gauge.labels(label).set(float(value))  # type: ignore[arg-type]  # not a mapping
        for outcome, number in (outcomes or {}).items():
            gauge.labels(label, outcome).set(number)
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise StoreError(f"cannot write the metrics {path}: {error.strerror or error}; see --metrics-file") from error


class IngestMetrics:
    """Writes a file when an ingest begins, while it runs, and when it has ended, however it did.

    Args:
        path: The file; None writes none.
        index: Where the index is.
    """

    def __init__(self, path: Path | None, index: str | Path) -> None:
        self._path = path
        self._index = index
        self._started = time.time()
        self._written = 0.0
        self._success = None if path is None else _success_in(path)
        self._values: dict[str, float | Mapping[str, float]] = {}

    def __enter__(self) -> Self:
        """Say that it runs.

        Raises:
            StoreError: The file cannot be written.
        """
        self._write(running=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say how it ended."""
        self._write(failed=int(kind is not None))

    def progress(self, told: Progress) -> None:
        """Take note of where the ingest stands."""
        if self._path is None or time.monotonic() - self._written < WRITE_S:
            return
        done = told.scenes_done - told.scenes_failed
        self._values = {
            "swath_ingest_seconds": told.seconds,
            "swath_ingest_scenes": {"indexed": done, "skipped": told.scenes_skipped, "failed": told.scenes_failed},
            "swath_ingest_tiles_per_second": told.tiles_per_second,
        }
        if told.eta_seconds is not None:
            self._values["swath_ingest_eta_seconds"] = told.eta_seconds
        self._write(running=1)

    def ended(self, report: IngestReport) -> None:
        """Take note of the end of a run that went through."""
        self._success = time.time()
        scenes = (report.scenes_indexed, report.scenes_skipped, len(report.failures))
        tiles = (report.tiles_encoded, report.tiles_written, report.tiles_dropped)
        self._values = {
            "swath_ingest_seconds": report.seconds,
            "swath_ingest_scenes": dict(zip(("indexed", "skipped", "failed"), scenes, strict=True)),
            "swath_ingest_tiles": dict(zip(("encoded", "written", "dropped"), tiles, strict=True)),
            "swath_ingest_tiles_per_second": report.tiles_per_second,
            "swath_ingest_encoder_busy_ratio": report.encoder_busy,
            "swath_ingest_peak_memory_bytes": report.peak_memory_mb * 1e6,
        }

    def _write(self, *, running: int = 0, failed: int = 0) -> None:
        if self._path is None:
            return
        self._written = time.monotonic()
        told: dict[str, float | Mapping[str, float]] = {
            "swath_ingest_running": running,
            "swath_ingest_failed": failed,
            "swath_ingest_start_timestamp_seconds": self._started,
        }
        if self._success is not None:
            told["swath_ingest_success_timestamp_seconds"] = self._success
        write_metrics(self._path, self._index, told | self._values)


def write_verified(path: Path, index: str | Path, report: VerifyReport) -> None:
    """Write what a verification found.

    Raises:
        StoreError: The file cannot be written.
    """
    damage = sum(finding.damage for finding in report.findings)
    told = {"swath_verify_timestamp_seconds": time.time(), "swath_verify_damage": damage}
    write_metrics(path, index, told | {"swath_verify_tiles": report.tiles})


def write_backed_up(path: Path, index: str | Path, report: BackupReport) -> None:
    """Write that a backup was completed.

    Raises:
        StoreError: The file cannot be written.
    """
    told = {"swath_backup_success_timestamp_seconds": time.time(), "swath_backup_bytes": report.bytes}
    write_metrics(path, index, told)


def _success_in(path: Path) -> float | None:
    """When an earlier run succeeded, by the file that it wrote; None where there is none, or it is no such file."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(path.read_text()))
    except (OSError, ValueError):
        return None
    found = [family for family in families if family.name == "swath_ingest_success_timestamp_seconds"]
    return found[0].samples[0].value if found and found[0].samples else None
