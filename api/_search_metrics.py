"""Where the time of searches goes, for ``/metrics``; counted for the process, as encoders are shared by its servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the ranges that latencies are counted in."""

STAGES = Histogram(
    "swath_search_stage_seconds", "Seconds of a search's stages.", ("stage",), buckets=SECONDS, registry=None
)
"""``pictures`` encoded, then ``search`` (words encoded, tiles ranked and read), of which ``encode``."""

BATCHES = Histogram(
    "swath_encoder_batch_size", "Texts encoded together.", buckets=(1, 2, 4, 8, 16, 32, 64, 128), registry=None
)
"""Texts of one call of an encoder."""

WAITING = Gauge("swath_encoder_waiting", "Requests that wait for the text encoder, or are in it.", registry=None)
"""Sentences that are known already wait for nothing."""


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the block as one stage of a search."""
    started = time.perf_counter()
    try:
        yield
    finally:
        STAGES.labels(name).observe(time.perf_counter() - started)
