"""The largest of many scores: score and row in one 64-bit key, so that selecting and sorting move one number."""

from __future__ import annotations

import numpy as np

from retriever.engine._kernels._intrinsics import bits_of, float_of, kernel

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
        if place <= j:
            right = j
        elif place >= i:
            left = i
        else:
            return


@kernel
def _middle(first, second, third):
    return max(min(first, second), min(max(first, second), third))


@kernel
def sort_down(keys, count):
    """Sort the first ``count`` keys, largest first."""
    keys[:count] = np.sort(keys[:count])[::-1]


@kernel
def unpack(keys, count, rows, scores):
    """Write the first ``count`` keys, largest first, as rows and scores."""
    sort_down(keys, count)
    for place in range(count):
        rows[place] = key_row(keys[place])
        scores[place] = key_score(keys[place])
