"""PNG changed chunk by chunk, with sums that fit: damage behind the sum that every reader checks first."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator, Sequence

from benchmarks.fuzz._mutate_bytes import changed_bytes

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NAMES = (
    b"IHDR",
    b"PLTE",
    b"IDAT",
    b"IEND",
    b"tRNS",
    b"iCCP",
    b"tEXt",
    b"zTXt",
    b"iTXt",
    b"eXIf",
    b"gAMA",
    b"acTL",
    b"fcTL",
    b"fdAT",
)


def mutate_png(rng: random.Random, data: bytes, words: Sequence[str]) -> bytes:
    """Return a PNG with one or two chunks changed; any other format by its bytes."""
    chunks = list(_chunks(data))
    if not chunks or rng.random() < 0.2:
        return changed_bytes(rng, data, rng.choice((1, 2, 4, 8)))
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(chunks))
        name, content = chunks[at]
        roll = rng.random()
        if roll < 0.6:
            chunks[at] = name, _content(rng, name, content)
        elif roll < 0.75:
            chunks[at] = rng.choice(_NAMES), content
        elif roll < 0.9:
            chunks.insert(rng.randrange(len(chunks) + 1), chunks[at])
        elif len(chunks) > 1:
            del chunks[at]
    return _SIGNATURE + b"".join(map(_packed, chunks))


def _content(rng: random.Random, name: bytes, content: bytes) -> bytes:
    if name == b"IHDR" and len(content) == 13:
        width, height, *rest = struct.unpack(">IIBBBBB", content)
        sizes = (0, 1, 2, 64, 5_000, 30_000, 2**31 - 1, 2**32 - 1)
        rest = [rng.choice((each, each, rng.randrange(20))) for each in rest]
        return struct.pack(">IIBBBBB", rng.choice((width, *sizes)), rng.choice((height, *sizes)), *rest)
    if name == b"IDAT" and rng.random() < 0.5:
        return zlib.compress(changed_bytes(rng, _unpacked(content), 2))
    return changed_bytes(rng, content, rng.choice((1, 3)))


def _unpacked(content: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(content, 2**20)
    except zlib.error:
        return content


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(_SIGNATURE):
        return
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _packed(chunk: tuple[bytes, bytes]) -> bytes:
    name, content = chunk
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
