"""Inputs made of accepted ones: the same target, seed and number give the same input on every machine."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from benchmarks.fuzz._mutate_bytes import changed_bytes, mutate_bytes
from benchmarks.fuzz._mutate_json import mutate_json
from benchmarks.fuzz._mutate_png import mutate_png
from benchmarks.fuzz._mutate_text import mutate_text
from benchmarks.fuzz._mutate_tiff import mutate_tiff
from benchmarks.fuzz._target import Kind, Target

_WAYS: Mapping[Kind, Callable[[random.Random, bytes, Sequence[str]], bytes]] = {
    "bytes": mutate_bytes,
    "text": mutate_text,
    "json": mutate_json,
    "tiff": mutate_tiff,
    "png": mutate_png,
}

BYTES_TOO = 0.25
"""Part of the structured inputs whose bytes are damaged besides; most of those no longer parse."""


def mutated(target: Target, seeds: Sequence[bytes], *, seed: int, number: int) -> bytes:
    """Return one mutated input.

    Args:
        target: Whose.
        seeds: What its ``seeds`` returned.
        seed: Of the run.
        number: Of the input in the run.
    """
    rng = random.Random(f"{seed}:{target.name}:{number}")  # noqa: S311 - must be repeatable
    return mutated_with(rng, target, rng.choice(seeds))


def mutated_with(rng: random.Random, target: Target, data: bytes) -> bytes:
    """Return an input changed by the target's own way, and now and then by bytes besides."""
    found = _WAYS[target.kind](rng, data, target.words)
    return changed_bytes(rng, found, 1) if target.kind != "bytes" and rng.random() < BYTES_TOO else found
