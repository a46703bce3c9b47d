"""Vectors of another encoder for a whole index, made while it answers: make them, look at them, switch, return."""

from indexer.reembedding._failures import Missing
from indexer.reembedding._run import ReembedReport, reembed
from indexer.reembedding._status import GenerationState, ReembedStatus, reembed_status
from indexer.reembedding._switch import DropReport, SwitchReport, cancel, drop_old, roll_back, switch

__all__ = [
    "DropReport",
    "GenerationState",
    "Missing",
    "ReembedReport",
    "ReembedStatus",
    "SwitchReport",
    "cancel",
    "drop_old",
    "reembed",
    "reembed_status",
    "roll_back",
    "switch",
]
