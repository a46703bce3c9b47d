"""The calibration of an index: one JSON document beside its tables, replaced in one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from indexer._place import Place
from indexer._small_files import read_document, remove_file, replace_document

CALIBRATION = "calibration.json"
"""Name of the file in the index directory."""

MAX_BYTES = 16 * 2**20
"""Largest document read: 384 numbers of 10 characters for each of 4,000 sensors."""


def write_calibration(index: Place, document: Mapping[str, Any]) -> Place:
    """Put a document in place of the one there is; a reader sees the old one or the new one, never a part.

    Raises:
        StoreError: The index cannot be written.
    """
    return replace_document(index / CALIBRATION, document)


def read_calibration(index: Place) -> dict[str, Any] | None:
    """Return the document, or None where there is none.

    Raises:
        ConfigError: It is too large or no JSON object.
        StoreError: It cannot be read.
    """
    return read_document(index / CALIBRATION, kind="calibration", limit=MAX_BYTES)


def remove_calibration(index: Place) -> bool:
    """Take the document away; return whether there was one.

    Raises:
        StoreError: The index cannot be written.
    """
    return remove_file(index / CALIBRATION)
