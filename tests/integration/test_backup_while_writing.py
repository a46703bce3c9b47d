"""Backups taken while another thread commits, replaces, removes and compacts: each is whole, and of one instant."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import numpy as np

from indexer import Store, back_up, restore, verify_tables
from tests.unit.retriever.engine.random_histories import History
from tests.unit.retriever.engine.random_tables import Recipe

RECIPE = Recipe(
    dim=16, dtype="float16", spread="scattered", sensors=2, collections=2, undated=0.1, unlocated=0.1,
    years=(2016, 2024), odd=0.2,
)  # fmt: skip
BACKUPS = 6


def test_backups_while_a_writer_is_at_work_are_whole(tmp_path: Path) -> None:
    history = History(tmp_path / "index", RECIPE, np.random.default_rng(0))
    history.add(20)
    stop = threading.Event()
    failed: list[BaseException] = []

    def write() -> None:
        try:
            while not stop.is_set():
                history.add(2)
                history.replace()
                history.remove()
                history.store.compact(keep=timedelta(seconds=5))
        except BaseException as error:
            failed.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    versions = []
    try:
        for number in range(BACKUPS):
            report = back_up(history.path, tmp_path / "backups")
            versions.append(report.versions["tiles"])
            restore(report.path, tmp_path / f"again{number}")
            again = Store.open(tmp_path / f"again{number}")
            check = verify_tables(again)
            assert not [finding for finding in check.findings if finding.damage]
            # A removal that was under way leaves tiles that the ledger does not speak of, never the other way round.
            assert sum(row.tiles for row in again.ledger().values()) <= check.tiles == report.tiles
            assert not [finding for finding in verify_tables(history.store).findings if finding.damage]
    finally:
        stop.set()
        writer.join()
    assert not failed
    assert len(set(versions)) == BACKUPS  # it was at work
