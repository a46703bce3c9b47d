"""The calibration of an index directory."""

from __future__ import annotations

from indexer import Place, read_calibration, write_calibration
from retriever._calibration import Calibration, parse_calibration


def load_calibration(index: Place) -> Calibration | None:
    """Return the calibration kept with an index; None where there is none.

    Raises:
        ConfigError: It is damaged or of another version.
        StoreError: It cannot be read.
    """
    document = read_calibration(index)
    return None if document is None else parse_calibration(document)


def keep_calibration(index: Place, calibration: Calibration) -> Place:
    """Keep a calibration with an index, in place of the one there was.

    Raises:
        StoreError: The index cannot be written.
    """
    return write_calibration(index, calibration.to_document())
