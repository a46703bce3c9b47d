"""A reader can go back to the version its first page was read from."""

from pathlib import Path

import pytest

from core import StoreError
from indexer.store import Store
from tests.small_index import TINY, build_small_index


def test_a_version_can_be_read_after_a_change(tmp_path: Path) -> None:
    store = Store.open(build_small_index(tmp_path / "index"))
    before = store.version
    store.remove(collection=next(iter(store.snapshot().info().collections)))
    assert store.snapshot().count() == 0
    assert store.snapshot(before).count() == TINY


def test_a_version_that_never_was_is_said(tmp_path: Path) -> None:
    store = Store.open(build_small_index(tmp_path / "index"))
    with pytest.raises(StoreError, match="version 999"):
        store.snapshot(999)
