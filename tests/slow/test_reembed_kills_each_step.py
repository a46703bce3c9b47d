"""The whole life of a re-embedding, cut off before and after every write that it makes; then carried on to its end."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import wraps
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from core import InputError, StoreError
from indexer import verify_tables
from indexer._generation import generation_numbers
from indexer.knowledge import add_knowledge
from indexer.reembedding import drop_old, reembed, reembed_status, roll_back, switch
from indexer.store import Store
from tests.slow.reembed_life import A, B, index_scenes, passages, vectors
from tests.two_encoders import write_scenes

pytestmark = pytest.mark.slow

WRITES = (
    "indexer.reembedding._run.write_generations",
    "indexer.reembedding._run.write_failures",
    "indexer.reembedding._switch.write_generations",
    "indexer.store.create_index",
    "indexer.store.Store._write_tiles",
    "indexer.store.Store.write_ledger",
    "indexer.store.Store.discard",
    "indexer._staging.Staging.write",
    "indexer._staging.Staging.forget",
    "indexer.knowledge.table.KnowledgeTable.replace",
    "indexer.reembedding._switch.shutil.rmtree",
)
"""What changes files, each of it whole or not at all, or able to be done again."""


class KilledError(BaseException):
    """Not caught by anything, like a kill."""


class Killer:
    """Counts writes, and ends the program at one of them: no later one is done."""

    def __init__(self, at: int, *, after: bool) -> None:
        self._at, self._after, self._calls = at, after, 0

    @property
    def ended(self) -> bool:
        """Whether the program was ended."""
        return self._calls >= self._at

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._calls += 1
            number = self._calls
            if number > self._at or (number == self._at and not self._after):
                raise KilledError
            result = function(*args, **kwargs)
            if number == self._at:
                raise KilledError
            return result

        return call


@contextmanager
def killing(at: int, *, after: bool) -> Iterator[Killer]:
    killer = Killer(at, after=after)
    with pytest.MonkeyPatch.context() as patched:
        for name in WRITES:
            patched.setattr(name, killer.wrap(resolve_name(name)))
        yield killer


def live(index: Path) -> None:
    """All that a re-embedding goes through."""
    reembed(index, encoder=B)
    switch(index)
    roll_back(index)
    roll_back(index)
    drop_old(index, keep=timedelta(0))


def carry_on(index: Path) -> None:
    """What an operator does after a power cut."""
    if Store.open(index).space == A.space:
        reembed(index, encoder=B)
        (switch if reembed_status(index).next else roll_back)(index)
    with suppress(InputError):  # where nothing is left to be dropped
        drop_old(index, keep=timedelta(0))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("life")
    write_scenes(home / "scenes", 1, side=32)
    write_scenes(home / "scenes", 1, side=272, first=1)
    index_scenes(home / "scenes", home / "index")
    note = home / "note.md"
    note.write_text("# A lake\n\nIt is blue.\n")
    add_knowledge(home / "index", [note], encoder=lambda: A)
    index_scenes(home / "scenes", home / "fresh", B)
    add_knowledge(home / "fresh", [note], encoder=lambda: B)
    return home


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_no_write_may_be_the_last_that_matters(base: Path, tmp_path: Path, *, after: bool) -> None:
    before, wanted = vectors(Store.open(base / "index")), vectors(Store.open(base / "fresh"))
    at = 0
    while True:
        at += 1
        index = tmp_path / f"{at}"
        shutil.copytree(base / "index", index)
        with killing(at, after=after) as killer:
            try:
                live(index)
            except (KilledError, StoreError):
                # An interrupt tries to commit what was whole and may find its pieces gone; a kill would not try.
                assert killer.ended
                ended = False
            else:
                ended = True
        store = Store.open(index)
        assert vectors(store) == (before if store.space == A.space else wanted), at
        assert not verify_tables(store).findings, at
        carry_on(index)
        store = Store.open(index)
        assert store.space == B.space
        assert vectors(store) == wanted, at
        assert passages(index) == passages(base / "fresh"), at
        assert not verify_tables(store).findings, at
        assert generation_numbers(index)[1:] == (store.generation,), at
        assert not (index / "tiles.lance").exists(), at
        shutil.rmtree(index)
        if ended:
            break
    assert at > 15  # as many as were cut off; scenes are committed together as they come
