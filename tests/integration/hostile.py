"""Requests that nobody sends by mistake, as bytes."""

import gzip
import io
import json
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

Request = dict[str, Any]
"""Arguments of ``httpx.Client.request``."""

SIDE = 30_000
"""Pixels a side of a bomb: 900 million pixels in a file of about a megabyte."""


def search(body: object, **headers: str) -> Request:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"method": "POST", "url": "/v1/search", "content": content, "headers": _JSON | headers}


def picture(content: bytes, name: str = "picture.png", request: object | None = None) -> Request:
    asked = json.dumps({"query": [{"picture": 0}]} if request is None else request)
    parts = {"request": (None, asked, "application/json"), "picture": (name, content, "image/png")}
    return {"method": "POST", "url": "/v1/search", "files": parts}


def get(path: str, **params: str) -> Request:
    return {"method": "GET", "url": path, "params": params or None}


_JSON = {"content-type": "application/json"}


def png_bomb() -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    packer = zlib.compressobj(9)
    line = bytes(1 + SIDE // 8)
    packed = b"".join(packer.compress(line) for _ in range(SIDE)) + packer.flush()
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def png_text_bomb() -> bytes:
    """A small picture whose comment unpacks to 256 MB."""
    whole = io.BytesIO()
    Image.new("RGB", (8, 8)).save(whole, "PNG")
    content = b"Comment\0\0" + zlib.compress(bytes(256 * 2**20), 9)
    chunk = struct.pack(">I", len(content)) + b"zTXt" + content + struct.pack(">I", zlib.crc32(b"zTXt" + content))
    return whole.getvalue()[:33] + chunk + whole.getvalue()[33:]


def webp_bomb() -> bytes:
    side = 16_383  # the most that WebP can say
    whole = io.BytesIO()
    Image.new("RGB", (64, 64), "navy").save(whole, "WEBP", lossless=True)
    content = whole.getvalue()[12:]
    extended = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + 2 * (side - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 4 + len(extended) + len(content)) + b"WEBP" + extended + content


def tiff_bomb() -> bytes:
    """A striped, deflated TIFF that claims 3 x 30,000 x 30,000 bytes."""
    import rasterio

    with rasterio.MemoryFile() as memory:
        size = {"width": SIDE, "height": SIDE, "count": 3, "dtype": "uint8"}
        with memory.open(driver="GTiff", **size, compress="deflate", tiled=True, photometric="RGB", SPARSE_OK="TRUE"):
            pass
        return bytes(memory.read())


def bomb_in_disguise() -> bytes:
    """A JPEG that is a ZIP archive and a web page too."""
    whole = io.BytesIO()
    Image.new("RGB", (8, 8)).save(whole, "JPEG")
    return b"GIF89a<script>alert(1)</script>PK\x03\x04" + whole.getvalue()


def vrt(target: str) -> bytes:
    return (
        '<VRTDataset rasterXSize="64" rasterYSize="64">'
        + "".join(
            f'<VRTRasterBand dataType="Byte" band="{band}"><ColorInterp>{colour}</ColorInterp><SimpleSource>'
            f'<SourceFilename relativeToVRT="0">{target}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
            "</VRTRasterBand>"
            for band, colour in enumerate(("Red", "Green", "Blue"), start=1)
        )
        + "</VRTDataset>"
    ).encode()


def svg() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd" width="9" height="9"/></svg>'


@cache
def circle(vertices: int) -> dict[str, Any]:
    angles = np.linspace(0, 2 * np.pi, vertices)
    ring = np.round(np.stack([9 + np.cos(angles), 44 + np.sin(angles)], axis=1), 6).tolist()
    return {"type": "Polygon", "coordinates": [[*ring[:-1], ring[0]]]}


def wkt(vertices: int) -> str:
    ring = circle(vertices)["coordinates"][0]
    return "S_INTERSECTS(footprint, POLYGON((" + ", ".join(f"{x} {y}" for x, y in ring) + ")))"


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return b'{"text": "x", "filter": ' + opening * depth + b"1" + closing * depth + b"}"


def zipped(size: int) -> bytes:
    return gzip.compress(b'{"text": "' + bytes([65]) * size + b'"}', compresslevel=9)


INJECTIONS = (
    "'; DROP TABLE tiles; --",
    "x' OR '1'='1",
    "1; SELECT * FROM read_parquet('/etc/passwd')",
    "cloud < 50) OR (1=1",
    "sensor = 'x' UNION SELECT * FROM tiles",
    "pg_sleep(10) = 0",
    "system('id') = 'x'",
    "sensor = 'a\0b",
    "NOT " * 5_000 + "cloud < 5",
    "(" * 5_000 + "cloud < 5" + ")" * 5_000,
    "footprint = '/vsicurl/http://169.254.169.254/latest/meta-data/'",
)

TRAVERSALS = (
    "../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "..%252f..%252f..%252fetc%252fpasswd",
    "..%5c..%5c..%5cetc%5cpasswd",
    "....//....//etc/passwd",
    "%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
    "%2fvsicurl%2fhttp:%2f%2f169.254.169.254%2flatest",
    "%2fvsizip%2f%2fetc%2fpasswd",
    "http:%2f%2f127.0.0.1:22%2f",
    "x%00.png",
    "%ff%fe",
    "%ed%a0%80",
    "a" * 3_000,
)
