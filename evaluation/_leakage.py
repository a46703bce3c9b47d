"""Near-duplicate pictures between what an encoder may have been trained on and what it is measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._corpus import Corpus

SIMILAR = 0.98
"""Least correlation of two gray thumbnails."""
CLOSE = 4.0
"""Largest mean difference of two colour thumbnails, in steps of 255: correlation forgets brightness and contrast."""
FLAT = 2.0
"""Least standard deviation of a gray thumbnail, in steps of 255: open water all looks alike and proves nothing."""
EXAMPLES = 5
CHUNK = 512


@dataclass(frozen=True, kw_only=True)
class Leakage:
    """What the check found."""

    against: str | None
    """What was compared, e.g. `split train`; None where there was nothing to compare."""
    compared: int
    """Pictures of it that were looked at."""
    present: int
    """Pictures it has."""
    duplicates: int
    """Measured pictures with a near-duplicate among them."""
    measured: int
    """Measured pictures."""
    flat: int
    """Measured pictures too even to be compared."""
    shared_groups: tuple[str, ...]
    """Groups (scenes, sites) that stand in both splits, where groups hold several samples."""
    examples: tuple[tuple[str, str, float], ...]
    """Measured picture, the other one, and their correlation; the most alike first."""
    remark: str
    """What was done, in one sentence."""


def not_compared(measured: int, why: str) -> Leakage:
    """Return the result of a check that could not be made."""
    return Leakage(
        against=None,
        compared=0,
        present=0,
        duplicates=0,
        measured=measured,
        flat=0,
        shared_groups=(),
        examples=(),
        remark=why,
    )


def find_leakage(measured: Corpus, other: Corpus, *, against: str, present: int) -> Leakage:
    """Compare every measured picture with every picture of another split.

    Two pictures are near-duplicates when their 16 x 16 gray thumbnails correlate by at least 0.98 and their colour
    thumbnails differ by at most 4 of 255 in the mean. Turned or shifted copies are not found.

    Args:
        measured: Pictures an encoder is measured on.
        other: Pictures of the other split.
        against: Its name.
        present: Pictures it has, where `other` is only a part.
    """
    ours, theirs = _gray(measured.thumbnails), _gray(other.thumbnails)
    pairs: list[tuple[float, int, int]] = []
    for start in range(0, len(ours), CHUNK):
        alike = ours[start : start + CHUNK] @ theirs.T
        for row, col in zip(*np.nonzero(alike >= SIMILAR), strict=True):
            if _difference(measured.thumbnails[start + row], other.thumbnails[col]) <= CLOSE:
                pairs.append((float(alike[row, col]), start + int(row), int(col)))
    pairs.sort(key=lambda pair: -pair[0])
    named = [(measured.items[one].name, other.items[two].name, round(alike, 4)) for alike, one, two in pairs]
    return Leakage(
        against=against,
        compared=len(theirs),
        present=present,
        duplicates=len({one for _, one, _ in pairs}),
        measured=len(ours),
        flat=int((~ours.any(axis=1)).sum()),
        shared_groups=tuple(sorted(set(measured.groups) & set(other.groups))),
        examples=tuple(named[:EXAMPLES]),
        remark=(
            f"near-duplicate: gray thumbnails of {measured.thumbnails.shape[1]} px correlate by {SIMILAR} or more and "
            f"colours differ by {CLOSE:.0f} of 255 or less; turned or shifted copies are not found"
        ),
    )


def _gray(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (n, 256) centred unit vectors; zero for flat pictures, which so match nothing."""
    gray = thumbnails.astype(np.float32).mean(axis=3).reshape(len(thumbnails), -1)
    gray -= gray.mean(axis=1, keepdims=True)
    gray[gray.std(axis=1) < FLAT] = 0
    unit: NDArray[np.float32] = gray / np.maximum(np.linalg.norm(gray, axis=1, keepdims=True), 1e-6)
    return unit


def _difference(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(np.int16) - two.astype(np.int16)).mean())
