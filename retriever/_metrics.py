"""What searches cost, for whoever serves them; counted for the process, in metrics that belong to no registry yet."""

from __future__ import annotations

from prometheus_client import Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the ranges that searches are counted in; a million tiles are searched in a millisecond."""

RANKED = Histogram(
    "swath_search_seconds",
    "Seconds from direction and filter to ranked tiles, by the engine's route; flat is a scan of the table.",
    ("route",),
    buckets=_SECONDS,
    registry=None,
)
"""Searches one by one; those that are looked up together are not in it."""
