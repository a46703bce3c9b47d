"""Class names as people would type them."""

from __future__ import annotations

import re


def class_words(label: str) -> str:
    """Turn a folder name into words: 'BareLand' becomes 'bare land', 'storage_tanks' 'storage tanks'."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", label)
    return re.sub(r"[_\s]+", " ", spaced).strip().lower()
