"""Feeds mutated inputs to every reader of files, documents and requests that Swath did not write itself."""

from benchmarks.fuzz._mutate import mutated
from benchmarks.fuzz._target import Kind, Outcome, Target, judge
from benchmarks.fuzz._targets import TARGETS, target_named

__all__ = ["TARGETS", "Kind", "Outcome", "Target", "judge", "mutated", "target_named"]
