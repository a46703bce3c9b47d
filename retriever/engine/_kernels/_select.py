"""The largest of many scores: score and row in one 64-bit key, so that selecting and sorting move one number."""

from __future__ import annotations

import numpy as np

from retriever.engine._kernels._intrinsics import bits_of, float_of, kernel

LOWEST = np.float32(-np.inf)
"""Below every score."""

HIGHEST = np.uint64(2**64 - 1)
"""Above every key."""

_SIGN = 1 << 31
_LOW = (1 << 32) - 1


@kernel
def sort_key(score, row):
    """Return a uint64 that rises with the float32 score, then with the row."""
    bits = np.int64(bits_of(np.float32(score)))
    # The bits of positive floats rise with them; those of negative ones fall.
    ordered = bits + _SIGN if bits >= 0 else ~bits
    return (np.uint64(ordered) << np.uint64(32)) | np.uint64(row)


@kernel
def key_score(key):
    """Return the score of a sort key."""
    ordered = np.int64(key >> np.uint64(32))
    return float_of(np.int32(ordered - _SIGN if ordered >= _SIGN else ~ordered))


@kernel
def key_row(key):
    """Return the row of a sort key."""
    return np.int32(key & np.uint64(_LOW))


@kernel
def keep_largest(keys, count, room):
    """Bring the ``room`` largest of the first ``count`` keys to the front, the least of them last (quickselect)."""
    if room <= 0 or room >= count:
        return
    left, right, place = 0, count - 1, room - 1
    while left < right:
        i, j = _parted(keys, left, right)
        if place <= j:
            right = j
        elif place >= i:
            left = i
        else:
            return


@kernel
def _middle(first, second, third):
    return max(min(first, second), min(max(first, second), third))


_FEW = 24
"""Keys that are sorted as quickly by insertion."""


@kernel
def sort_down(keys, count):
    """Sort the first ``count`` keys, largest first (quicksort; numpy's own takes seconds to compile)."""
    pending = np.empty((64, 2), np.int64)
    pending[0], depth = (0, count - 1), 1
    while depth:
        depth -= 1
        left, right = pending[depth]
        while right - left >= _FEW:
            i, j = _parted(keys, left, right)
            # The larger part waits, so that no more than 64 ever do.
            if j - left > right - i:
                pending[depth] = left, j
                left = i
            else:
                pending[depth] = i, right
                right = j
            depth += 1
        for i in range(left + 1, right + 1):
            key, j = keys[i], i
            while j > left and keys[j - 1] < key:
                keys[j] = keys[j - 1]
                j -= 1
            keys[j] = key


@kernel
def _parted(keys, left, right):
    """Bring larger keys to the left and smaller ones to the right; return where those begin and these end."""
    pivot = _middle(keys[left], keys[(left + right) >> 1], keys[right])
    i, j = left, right
    while i <= j:
        while keys[i] > pivot:
            i += 1
        while keys[j] < pivot:
            j -= 1
        if i <= j:
            keys[i], keys[j] = keys[j], keys[i]
            i += 1
            j -= 1
    return i, j


@kernel
def unpack(keys, count, rows, scores):
    """Write the first ``count`` keys, largest first, as rows and scores."""
    sort_down(keys, count)
    for place in range(count):
        rows[place] = key_row(keys[place])
        scores[place] = key_score(keys[place])
