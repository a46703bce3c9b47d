"""Saved searches that are asked of every tile that is added to an index, and report each match once."""

from retriever.watches._folder import WATCHES, has_watches
from retriever.watches._run import run_watches
from retriever.watches._types import Progress, Watch, WatchNotFoundError, WatchRun, WatchStatus
from retriever.watches._watches import Watches
from retriever.watches._webhook import public_match, webhook_host

__all__ = [
    "WATCHES",
    "Progress",
    "Watch",
    "WatchNotFoundError",
    "WatchRun",
    "WatchStatus",
    "Watches",
    "has_watches",
    "public_match",
    "run_watches",
    "webhook_host",
]
