"""Changes that know nothing of a format: flipped, overwritten, cut, doubled and repeated bytes."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

LONGEST = 2 * 2**20
"""Bytes of the largest input; what grows with the square of the length shows long before."""

NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
"""Where sizes and offsets overflow."""


def mutate_bytes(rng: random.Random, data: bytes, words: Sequence[str]) -> bytes:
    """Return bytes changed in one to eight places; now and then in hundreds, or with one of the words put in."""
    if words and rng.random() < 0.2:
        data = _insert(rng, data, rng.choice(words).encode("utf-8", "surrogatepass"))
    return changed_bytes(rng, data, rng.choice((1, 1, 2, 3, 8, 200)))


def changed_bytes(rng: random.Random, data: bytes, times: int) -> bytes:
    """Return bytes after so many changes."""
    for _ in range(times):
        data = rng.choice(_CHANGES)(rng, data)[:LONGEST]
    return data


def _place(rng: random.Random, data: bytes) -> int:
    """Headers and trailers matter most."""
    size = len(data)
    near = rng.random()
    if near < 0.3:
        return rng.randrange(min(size, 64) + 1)
    return size - rng.randrange(min(size, 64) + 1) if near < 0.5 else rng.randrange(size + 1)


def _flip(rng: random.Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :] if at < len(data) else data


def _overwrite(rng: random.Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + (piece := rng.randbytes(rng.choice((1, 1, 2, 4, 16)))) + data[at + len(piece) :]


def _number(rng: random.Random, data: bytes) -> bytes:
    at, kind = _place(rng, data), rng.choice("BHIQ")
    order = rng.choice("<>")
    piece = struct.pack(order + kind, rng.choice(NUMBERS) % 2 ** (8 * struct.calcsize(kind)))
    return data[:at] + piece + data[at + len(piece) :]


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: _place(rng, data)]


def _delete(rng: random.Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + rng.choice((1, 2, 4, 16, 256)) :]


def _double(rng: random.Random, data: bytes) -> bytes:
    at = _place(rng, data)
    piece = data[at : at + rng.choice((1, 4, 16, 256))]
    return _insert(rng, data, piece)


def _repeat(rng: random.Random, data: bytes) -> bytes:
    """Mostly little; one in twenty makes a document of megabytes of one short piece."""
    at = _place(rng, data)
    piece = data[at : at + rng.choice((1, 2, 3, 8, 40))]
    most = LONGEST // 2 if rng.random() < 0.05 else 2_000
    return data[:at] + piece * rng.randrange(1, max(2, most // max(1, len(piece)))) + data[at:]


def _insert(rng: random.Random, data: bytes, piece: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + piece + data[at:]


def _swap(rng: random.Random, data: bytes) -> bytes:
    first, last = sorted((_place(rng, data), _place(rng, data)))
    return data[last:] + data[first:last] + data[:first]


_CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip, _flip, _flip, _overwrite, _overwrite, _number, _number, _number, _cut, _delete, _double, _repeat, _swap,
)  # fmt: skip
