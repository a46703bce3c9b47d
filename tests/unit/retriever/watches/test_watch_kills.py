"""A run that is killed at any step loses no match and writes none twice, to the journal and to a file.

Every step that reaches the disk goes through `os.fsync`, a rename or a write to the file of matches. Each of them is
counted, and one run after another dies just before, or just after, the next one. `tests/slow/test_watch_kill_nine.py`
does it with a signal.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from indexer import Store
from tests.unit.retriever.watched_index import LEAST, add_scene, journal, made, opened, receiver, tiles_in


class KilledError(BaseException):
    """As sudden as a signal: nothing catches it."""


class Death:
    """Comes at one step of a run.

    Args:
        step: Which one, from 0.
        after: Whether the step is still done.
    """

    def __init__(self, step: int, *, after: bool) -> None:
        self.left = step
        self.after = after
        self.came = False

    def strikes(self, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if self.came:  # the dead do nothing
            raise KilledError
        self.left -= 1
        if self.left >= 0:
            return act(*arguments, **options)
        self.came = True
        if self.after:
            act(*arguments, **options)
        raise KilledError

    def torn(self, act: Callable[[int, Any], int], file: int, content: Any) -> int:
        """A write that dies has written half."""
        if self.left == 0 and not self.after and not self.came:
            act(file, bytes(content[: len(content) // 2]))
        written: int = self.strikes(act, file, content)
        return written


@contextmanager
def dying(death: Death) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "replace", "rename", "mkdir"):
            act = getattr(os, name)
            patch.setattr(os, name, lambda *given, act=act, **options: death.strikes(act, *given, **options))
        write = os.write
        patch.setattr("retriever.watches._file.os.write", lambda file, content: death.torn(write, file, content))
        yield


def run_until_it_lives(watches: Any, *, after: bool) -> int:
    """Run again and again, each run dying one step later than the one before; return how many died."""
    for step in range(200):
        death = Death(step, after=after)
        try:
            with dying(death):
                watches.run()
        except KilledError:
            continue
        assert not death.came
        return step
    raise AssertionError("no run came to its end")


def run_each_step(store: Store, check: Callable[[], object], *, after: bool, **sink: Any) -> int:
    """For every step of a run: a new scene, a run that dies there, and a run that lives."""
    watches = opened(store, allowed_hosts=("127.0.0.1",))
    watches.add("reds", text="red", min_score=LEAST, **sink)
    watches.add("blues", text="blue", min_score=LEAST)
    died = 0
    for step in range(200):
        death = Death(step, after=after)
        add_scene(store, f"s{step:03d}", ["red", "blue", "red"])
        try:
            with dying(death):
                watches.run()
        except KilledError:
            died += 1
        assert death.came == (died == step + 1)
        watches.run()
        check()
        if not death.came:
            return died
    raise AssertionError("no run came to its end")


def expected(scenes: int) -> list[str]:
    return [f"c~s{scene:03d}~{tile}" for scene in range(scenes) for tile in (0, 2)]


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_each_step_nothing_is_lost_or_twice(tmp_path: Path, after: bool) -> None:
    store, file = made(tmp_path / "index"), tmp_path / "reds.geojsonl"
    died = run_each_step(store, lambda: None, after=after, file=file)
    assert died > 10
    watches = opened(store)
    assert journal(watches) == expected(died + 1)
    assert tiles_in(file.read_text().splitlines()) == expected(died + 1)
    assert journal(watches, "blues") == [f"c~s{scene:03d}~1" for scene in range(died + 1)]


@pytest.mark.parametrize("after", [False, True])
def test_killed_again_and_again_over_one_batch(tmp_path: Path, after: bool) -> None:
    store, file = made(tmp_path / "index"), tmp_path / "reds.jsonl"
    watches = opened(store)
    watches.add("reds", text="red", min_score=LEAST, file=file)
    add_scene(store, "s000", ["red", "blue", "red"])
    assert run_until_it_lives(watches, after=after) > 5
    assert journal(watches) == expected(1)
    assert tiles_in(file.read_text().splitlines()) == expected(1)
    left = [entry.name for entry in (store.path / "watches").iterdir() if entry.name.startswith((".new", ".gone"))]
    assert left == []


@pytest.mark.parametrize("after", [False, True])
def test_a_webhook_gets_everything_and_what_comes_twice_has_the_same_key(tmp_path: Path, after: bool) -> None:
    store = made(tmp_path / "index")
    with receiver() as got:
        died = run_each_step(store, lambda: None, after=after, webhook=got.url)
        assert died > 10
        by_key: dict[str, Any] = {}
        for key, post in zip(got.keys, got.posts, strict=True):
            assert by_key.setdefault(key, post) == post
        assert sorted(f["id"] for post in by_key.values() for f in post["features"]) == expected(died + 1)
        assert len(got.keys) > len(by_key)  # at least once is not exactly once


@pytest.mark.parametrize("after", [False, True])
def test_a_watch_is_added_and_removed_whole_or_not_at_all(tmp_path: Path, after: bool) -> None:
    store = made(tmp_path / "index")
    watches = opened(store)
    watches.add("other", text="red", min_score=LEAST)
    for act in (lambda: watches.add("reds", text="red", min_score=LEAST), lambda: watches.remove("reds")):
        for step in range(100):
            death = Death(step, after=after)
            there = "reds" in watches
            try:
                with dying(death):
                    act()
            except KilledError:
                assert all(not isinstance(status, str) for _, status in watches.listed())
                if ("reds" in watches) != there:
                    break
                continue
            break
        assert watches.run()[0].problem is None
        if "reds" in watches:
            assert watches["reds"].watch.name == "reds"
    folders = {entry.name for entry in (store.path / "watches").iterdir()}
    assert folders == {".lock", ".seen", "other"}
