"""Text of others, made safe to print and to name things by."""

from __future__ import annotations

import hashlib
import re

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 160
"""Characters of a name; leaves room for a tile's grid position within the 255 bytes of a file name."""


def printable(text: str) -> str:
    """Return text with what a terminal would obey, or cannot show, as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def safe_name(text: str) -> str:
    """Return ``text`` with only ``[A-Za-z0-9._-]``: ``/`` becomes ``.``, anything else ``_``.

    Where replacing would make different names equal too easily (other scripts, nothing but dots, very long), a hash of
    the original is appended.
    """
    name = _UNSAFE.sub("_", text.strip("/").replace("/", "."))
    if text.isascii() and name.strip("._") and len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: _LONGEST - 9].strip('.')}-{digest}"
