"""Hits as a client is told of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from core import Hit, public_href


def public_chunks(groups: Iterator[tuple[Hit, ...]]) -> Iterator[tuple[Hit, ...]]:
    """Yield hits with their sources as the outside may know them."""
    for hits in groups:
        yield tuple(dataclasses.replace(hit, href=public_href(hit.href)) for hit in hits)
