"""The tile table as pylance sees it: fragments are written and committed there, LanceDB knows neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import MissingExtraError
from indexer._lance import TILES
from indexer._objects import storage_options
from indexer._place import BucketPath
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
    return lance.dataset(tiles_uri(store), storage_options=tiles_options(store))


def tiles_uri(store: Store) -> str:
    """Return where the tile table lies."""
    return str(store.path / f"{TILES}.lance")


def tiles_options(store: Store) -> dict[str, str] | None:
    """Return what pylance needs to know of the bucket; None for a directory."""
    return storage_options(store.path) if isinstance(store.path, BucketPath) else None
