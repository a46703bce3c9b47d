"""One trial: a command from its starting state, a fault in it, everything checked, and the command again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import swath
from indexer import Store
from tests.faults.forge import Ended, Fault, Forge, Kind, Mode
from tests.faults.operations import BACKUPS, INDEX, Operation, Place, Templates, run
from tests.faults.small_disk import SmallDisk
from tests.faults.states import EMPTY, State, check_between, check_searches, check_whole, state_of

_SMALL = re.compile(r"\..+-[0-9a-f]{16}")
"""A small file that was being written; the next one of that name deletes it when it is an hour old."""

CODES = (0, 1, 2, 3)
"""Documented exit codes of commands that change something: done, failed, wrong input, partly failed."""


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """An operation that nothing happened to."""

    before: State
    after: State
    calls: int
    """That changed a file."""
    seconds: float
    beside: dict[str, State]
    """Vectors of another encoder that lie in the index, as indexes of their own."""
    matched: tuple[str, ...]
    """Tiles that its watches found, in order of their ids."""


class Trials:
    """Tries operations.

    Args:
        forge: Runs commands.
        folder: For starting states.
        home: Where commands work; None for a place in ``folder``.
    """

    def __init__(self, forge: Forge, folder: Path, home: Path | None = None) -> None:
        self.forge = forge
        self._home = home or folder / "work"
        self._templates = Templates(forge, folder)
        self._known: dict[str, Undisturbed] = {}

    def undisturbed(self, operation: Operation) -> Undisturbed:
        """Run an operation to its end, once."""
        if operation.name not in self._known:
            place = self._templates.copy(operation, self._home)
            before = state_of(place.index)
            ended = run(self.forge, operation, place)
            assert ended.code == 0, str(ended)
            check_whole(place.index)
            after = state_of(place.index)
            check_searches(place.index, 0)
            self._known[operation.name] = Undisturbed(
                before=before, after=after, calls=ended.seen, seconds=ended.seconds, matched=_matched(place),
                beside=_beside(place),
            )  # fmt: skip
        return self._known[operation.name]

    def start(self, operation: Operation) -> Place:
        """Return a fresh copy of an operation's starting state."""
        return self._templates.copy(operation, self._home)

    def calls(self, operation: Operation, kinds: Kind) -> int:
        """Return how many calls of some kinds an operation makes."""
        place = self._templates.copy(operation, self._home)
        return run(self.forge, operation, place, fault=Fault(kinds=kinds)).seen

    def disturbed(self, operation: Operation, fault: Fault, *, seed: int) -> Ended:
        """Run an operation with a fault, check what is left, and run it again to its end; return how the first ended.

        Raises:
            AssertionError: Something was lost, is there twice, or cannot be read.
        """
        self.undisturbed(operation)
        place = self.start(operation)
        ended = run(self.forge, operation, place, fault=fault)
        with _noted(f"{operation}: {fault}: {ended}"):
            if fault.mode in (Mode.FAIL_ONCE, Mode.FAIL_FROM):
                _check_ending(ended)
            self._check_whole_again(operation, place, ended, seed)
        return ended

    def without_room(self, operation: Operation, disk: SmallDisk, *, leaving: int, seed: int) -> Ended:
        """Likewise on a disk that is full but for so many bytes; there is room again when it is run again."""
        self.undisturbed(operation)
        place = self.start(operation)
        disk.fill(leaving=leaving)
        ended = run(self.forge, operation, place)
        disk.empty()
        with _noted(f"{operation}: {leaving:,} bytes left: {ended}"):
            assert ended.signal is None
            _check_ending(ended)
            self._check_whole_again(operation, place, ended, seed)
        return ended

    def _check_whole_again(self, operation: Operation, place: Place, ended: Ended, seed: int) -> None:
        known = self.undisturbed(operation)
        self._check_left(operation, place, known, ended, seed)
        again = run(self.forge, operation, place)
        assert again.code in operation.again, str(again)
        self._check_end(operation, place, known, seed)

    def _check_left(self, operation: Operation, place: Place, known: Undisturbed, ended: Ended, seed: int) -> None:
        found = state_of(place.index)
        assert found != EMPTY or EMPTY in (known.before, known.after) or operation.gaps, "the index is gone"
        if operation.one_step:
            assert found in (known.before, known.after), "half of it is done"
        check_between(found, known.before, known.after, acknowledged=ended.acknowledged, gaps=operation.gaps)
        if Store.exists(place.index):
            check_whole(place.index)
            check_searches(place.index, seed)
        _check_backups(place, known)

    def _check_end(self, operation: Operation, place: Place, known: Undisturbed, seed: int) -> None:
        assert state_of(place.index) == known.after
        check_whole(place.index)
        check_searches(place.index, seed + 1)
        _check_backups(place, known)
        assert _beside(place) == known.beside
        left = _leftovers(place, compacted=operation.args[0] in ("compact", "optimize"))
        assert not left, left
        if operation.matches:
            assert _matched(place) == known.matched


@contextmanager
def _noted(note: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        error.add_note(note)
        raise


def _check_ending(ended: Ended) -> None:
    """A command that was not killed says in one line why it did not succeed, and ends in a documented way."""
    assert not ended.hung
    assert ended.code in CODES
    assert sum(line.startswith("error: ") for line in ended.stderr.splitlines()) == (ended.code in (1, 2))
    for word in ("Traceback", "panicked", "unexpected "):
        assert word not in ended.stderr


def _check_backups(place: Place, known: Undisturbed) -> None:
    """Each that has a name is whole, and the newest can be made an index again."""
    home = place.home / BACKUPS
    whole = sorted(home.glob("[0-9]*")) if home.is_dir() else []
    for backup in whole:
        check_whole(backup)
    if whole:
        with TemporaryDirectory() as folder:
            swath.restore(home, Path(folder) / INDEX)
            assert state_of(Path(folder) / INDEX) == state_of(whole[-1])


def _beside(place: Place) -> dict[str, State]:
    homes = [home for home in place.index.glob("generations/*") if Store.exists(home)]
    return {home.name: state_of(home) for home in homes}


def _leftovers(place: Place, *, compacted: bool) -> list[str]:
    """What only a command that was cut off leaves behind; a table's own unfinished files go when it is compacted."""
    found = [path for path in place.home.rglob(".*") if path.name not in {".lock", ".seen"}]
    found += list(place.home.rglob("*#*"))
    found = [path for path in found if compacted or path.parent.parent.suffix != ".lance"]
    found = [path for path in found if not _SMALL.fullmatch(path.name)]
    found += list(place.index.glob("staging"))
    return sorted(str(path.relative_to(place.home)) for path in found)


def _matched(place: Place) -> tuple[str, ...]:
    """Tiles in the journal of the watch; its file holds the same lines, each once."""
    if not (place.index / "watches").is_dir():
        return ()
    found = [match["id"] for match in swath.open(place.index).watches.matches("reds", limit=10**6)]
    assert len(set(found)) == len(found), "a match is there twice"
    file = place.home / "reds.geojsonl"
    told = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    assert [row["properties"]["tile_id"] for row in told] == found
    return tuple(sorted(found))
