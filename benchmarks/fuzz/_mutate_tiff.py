"""TIFF changed tag by tag: sizes, types, counts and offsets of the directory, classic and BigTIFF."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.fuzz._mutate_bytes import NUMBERS, changed_bytes

_TAGS = (
    254, 256, 257, 258, 259, 262, 266, 269, 273, 274, 277, 278, 279, 280, 281, 284, 306, 317, 320, 322, 323, 324, 325,
    330, 338, 339, 340, 341,
    347, 512, 513, 514, 529, 530, 531, 532, 33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113, 50674, 50844,
    33432, 34665, 50908,
)  # fmt: skip
"""TIFF 6.0, GeoTIFF 1.1 and GDAL (https://www.awaresystems.be/imaging/tiff/tifftags.html)."""

_VALUES = (
    *NUMBERS,
    4,
    5,
    6,
    9,
    12,
    16,
    24,
    32,
    64,
    100,
    512,
    1024,
    4096,
    32773,
    32946,
    34712,
    34887,
    34925,
    50000,
    50001,
    50002,
    60000,
    100_000,
)
"""Borders of numbers, sizes of images, and the numbers of compressions."""

MOST_DIRECTORIES = 8


@dataclass(frozen=True, kw_only=True)
class _Entry:
    at: int
    big: bool
    order: str

    def field(self, name: str) -> tuple[int, str]:
        """Place and struct code of a field of the entry."""
        wide = {"tag": (0, "H"), "kind": (2, "H"), "count": (4, "Q"), "value": (12, "Q"), "short": (12, "H")}
        narrow = {"tag": (0, "H"), "kind": (2, "H"), "count": (4, "I"), "value": (8, "I"), "short": (8, "H")}
        offset, code = (wide if self.big else narrow)[name]
        return self.at + offset, self.order + code


def mutate_tiff(rng: random.Random, data: bytes, words: Sequence[str]) -> bytes:
    """Return a TIFF with one to four fields of its directories changed; its bytes where it has none."""
    entries, nexts = _entries(data)
    if not entries or rng.random() < 0.2:
        return changed_bytes(rng, data, rng.choice((1, 2, 4)))
    whole = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        _change(rng, whole, entries, nexts, words)
    return bytes(whole)


def _change(
    rng: random.Random, whole: bytearray, entries: list[_Entry], nexts: list[tuple[int, str]], words: Sequence[str]
) -> None:
    entry, roll = rng.choice(entries), rng.random()
    if roll < 0.15:
        _write(whole, *entry.field("tag"), rng.choice(_TAGS))
    elif roll < 0.3:
        _write(whole, *entry.field("kind"), rng.randrange(20))
    elif roll < 0.45:
        _write(whole, *entry.field("count"), rng.choice(_VALUES))
    elif roll < 0.8:
        _write(whole, *entry.field(rng.choice(("value", "short"))), rng.choice((*_VALUES, rng.randrange(len(whole)))))
    elif roll < 0.85 and nexts:
        _write(whole, *rng.choice(nexts), rng.choice((*_VALUES, entry.at, 8, rng.randrange(len(whole)))))
    else:
        _damage_values(rng, whole, entry, words)


def _damage_values(rng: random.Random, whole: bytearray, entry: _Entry, words: Sequence[str]) -> None:
    """Change what the entry points to: strip offsets, GeoKeys, metadata."""
    (place,) = struct.unpack_from(entry.field("value")[1], whole, entry.field("value")[0])
    if place >= len(whole):
        return
    at = place + rng.choice((0, 2, 4, 8, 16, rng.randrange(64)))
    code = entry.order + rng.choice("BHIQd")
    piece = rng.choice(words).encode() if words and rng.random() < 0.2 else _packed(code, rng)
    whole[at : at + len(piece)] = piece


def _packed(code: str, rng: random.Random) -> bytes:
    if code.endswith("d"):
        return struct.pack(code, rng.choice((0.0, -1.0, 1e308, float("nan"), float("inf"), 1e-308, 360.0)))
    return struct.pack(code, rng.choice(_VALUES) % 2 ** (8 * struct.calcsize(code)))


def _write(whole: bytearray, at: int, code: str, value: int) -> None:
    if at + struct.calcsize(code) <= len(whole):
        struct.pack_into(code, whole, at, value % 2 ** (8 * struct.calcsize(code)))


def _entries(data: bytes) -> tuple[list[_Entry], list[tuple[int, str]]]:
    """The entries of the first directories, and where each directory says which comes next."""
    found: list[_Entry] = []
    nexts: list[tuple[int, str]] = []
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return found, nexts
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    nexts.append((8, order + "Q") if big else (4, order + "I"))
    for start in _directories(data, order, nexts, big=big):
        count = struct.unpack_from(order + ("Q" if big else "H"), data, start)[0]
        first, width = start + (8 if big else 2), 20 if big else 12
        found += [_Entry(at=first + width * number, big=big, order=order) for number in range(min(count, 100))]
    return [entry for entry in found if entry.at + 20 <= len(data)], nexts


def _directories(data: bytes, order: str, nexts: list[tuple[int, str]], *, big: bool) -> Iterator[int]:
    for _ in range(MOST_DIRECTORIES):
        at, code = nexts[-1]
        if at + struct.calcsize(code) > len(data):
            return
        (start,) = struct.unpack_from(code, data, at)
        if not 8 <= start <= len(data) - 16:
            return
        yield start
        count = struct.unpack_from(order + ("Q" if big else "H"), data, start)[0]
        nexts.append((start + (8 if big else 2) + (20 if big else 12) * count, code))
