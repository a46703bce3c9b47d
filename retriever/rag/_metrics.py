"""What answer models cost and how they fail, for whoever serves them; see ``retriever._metrics``."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Upper ends of the ranges that requests are counted in; SWATH_ANSWER_TIMEOUT_S is 60 by default."""

MODEL_REQUESTS = Counter(
    "swath_model_requests",
    "Requests to the answer model by how they ended: replied, failed, left.",
    ("purpose", "outcome"),
    registry=None,
)
"""``purpose`` is plan or answer; several tries of one request count once."""

MODEL_SECONDS = Histogram(
    "swath_model_seconds", "Seconds of requests to the answer model.", ("purpose",), buckets=_SECONDS, registry=None
)
"""From the wait for a turn to the last piece of the reply."""

MODEL_OPEN = Gauge("swath_model_requests_in_progress", "Requests to the answer model under way.", registry=None)
"""Those that wait for a turn (SWATH_ANSWER_CONCURRENT) included."""
