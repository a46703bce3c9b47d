"""The tile table as pylance sees it: fragments are written and committed there, LanceDB knows neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import MissingExtraError
from indexer._lance import TILES
from indexer.store import Store

if TYPE_CHECKING:
    from lance import LanceDataset


def tiles_dataset(store: Store) -> LanceDataset:
    """Return the newest version of the tile table.

    Raises:
        MissingExtraError: pylance is not installed.
    """
    try:
        import lance
    except ImportError:
        raise MissingExtraError("pylance", extra="distributed") from None
    return lance.dataset(tiles_uri(store))


def tiles_uri(store: Store) -> str:
    """Return where the tile table lies."""
    return str(store.path / f"{TILES}.lance")
