"""A build that dies at any of its steps leaves the old snapshot or the new one, and the next build clears up."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from indexer.store import CURRENT, SEARCH
from retriever import MemoryRows
from retriever.engine._build import align, build_snapshot, extend_snapshot
from retriever.engine._build._folders import LOCK
from retriever.engine._open import current, open_snapshot
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker

RECIPE = Recipe(
    dim=4, dtype="float16", spread="scattered", sensors=2, collections=2, undated=0.1, unlocated=0.1,
    years=(2016, 2024), odd=0,
)  # fmt: skip
OPERATIONS = ("link", "mkdir", "rename", "replace", "unlink", "rmdir", "fsync")


class Died(BaseException):
    """Stands for the end of the process."""


class Deadly:
    """Lets so many changes of the disk happen, and none after them.

    Args:
        steps: Changes that still happen; None for all.
    """

    def __init__(self, steps: int | None) -> None:
        self.done: list[str] = []
        self._steps = steps

    def wrapped(self, name: str, change: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if self._steps is not None and len(self.done) >= self._steps:
                raise Died
            self.done.append(name)
            return change(*arguments, **options)

        return step


@contextmanager
def dying_after(steps: int | None) -> Iterator[Deadly]:
    deadly = Deadly(steps)
    with pytest.MonkeyPatch.context() as patch:
        for name in OPERATIONS:
            patch.setattr(os, name, deadly.wrapped(name, _REAL[name]))
        patch.setattr(shutil, "rmtree", deadly.wrapped("rmtree", _removed))
        yield deadly


_rmtree = shutil.rmtree


def _removed(path: Path, **options: Any) -> None:
    """As a whole: what dies within it has removed some files of a folder that nobody reads any more."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("unlink", "rmdir"):
            patch.setattr(os, name, _REAL[name])
        _rmtree(path, **options)


_REAL: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in OPERATIONS}
_REAL["fsync"] = lambda _: None  # see conftest


class VersionedRows(MemoryRows):
    """A table that knows its version."""

    def __init__(self, table: pa.Table, version: int) -> None:
        super().__init__(table, space=RECIPE.space)
        self.version = version


_TILES = TileMaker(RECIPE, np.random.default_rng(0)).tiles(100)


def rows_of(version: int) -> VersionedRows:
    return VersionedRows(_TILES.slice(0, 20 + version), version)


def version_found(index: Path) -> int:
    """Return the version of the snapshot that a reader finds, once all of it has been read."""
    folder = current(index)
    assert folder is not None
    opened = open_snapshot(folder)
    assert opened.layout.rows == 20 + opened.layout.version
    shards = [opened.shard(number) for number in range(len(opened.layout.shards))]
    assert sorted(row_id for shard in shards for row_id in shard.row_ids.tolist()) == list(range(opened.layout.rows))
    names = {name for shard in shards for name in shard.scalars["tile_id"].to_pylist()}
    assert len(names) == opened.layout.rows
    return opened.layout.version


def build(index: Path, version: int) -> None:
    build_snapshot(rows_of(version), index)


def extend(index: Path, version: int) -> None:
    folder = current(index)
    assert folder is not None
    base, rows = open_snapshot(folder), rows_of(version)
    extend_snapshot(rows, index, base, align(rows, base))


@pytest.mark.parametrize("write", [build, extend])
def test_a_build_that_dies_at_any_step_leaves_a_whole_snapshot(
    write: Callable[[Path, int], None], tmp_path: Path
) -> None:
    build(tmp_path, 1)
    with dying_after(None) as whole:
        write(tmp_path, 2)
    assert {"mkdir", "rename", "replace", "rmtree", "fsync"} <= set(whole.done)
    # Most steps are one of many links or syncs: of those in the middle, every ninth will do.
    end = len(whole.done)
    steps = sorted({*range(3), *range(3, end - 9, 9), *range(end - 9, end)})
    found, known = [], 2
    for step in steps:
        with dying_after(step), pytest.raises(Died):
            write(tmp_path, known + 1)
        new = version_found(tmp_path)
        assert new in (known, known + 1)
        found.append(new > known)
        known = new
    # Until the pointer is replaced it is the old one, from then on the new one.
    assert found == sorted(found)
    assert set(found) == {False, True}
    write(tmp_path, known + 1)
    assert version_found(tmp_path) == known + 1
    folder = current(tmp_path)
    assert folder is not None
    assert {entry.name for entry in (tmp_path / SEARCH).iterdir()} - {LOCK} == {CURRENT, folder.name}


def test_a_first_build_that_dies_leaves_none(tmp_path: Path) -> None:
    for step in (0, 2, 30):
        index = tmp_path / str(step)
        with dying_after(step), pytest.raises(Died):
            build_snapshot(rows_of(1), index)
        assert current(index) is None
        build_snapshot(rows_of(1), index)
        assert version_found(index) == 1
