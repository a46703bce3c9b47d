"""A run that is killed at any step loses no match and writes none twice.

One run after another dies just before, or just after, the next step. `tests/slow/test_watch_kills_each_step.py` does it
with new scenes before each, and `test_watch_kill_nine.py` with a signal.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.retriever.killed_watches import Death, KilledError, dying
from tests.unit.retriever.watched_index import LEAST, add_scene, journal, made, opened, tiles_in


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


@pytest.mark.parametrize("after", [False, True])
def test_killed_again_and_again_over_one_batch(tmp_path: Path, after: bool) -> None:
    store, file = made(tmp_path / "index"), tmp_path / "reds.jsonl"
    watches = opened(store)
    watches.add("reds", text="red", min_score=LEAST, file=file)
    add_scene(store, "s000", ["red", "blue", "red"])
    assert run_until_it_lives(watches, after=after) > 5
    assert journal(watches) == ["c~s000~0", "c~s000~2"]
    assert tiles_in(file.read_text().splitlines()) == ["c~s000~0", "c~s000~2"]
    left = [entry.name for entry in (store.folder / "watches").iterdir() if entry.name.startswith((".new", ".gone"))]
    assert left == []


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
    folders = {entry.name for entry in (store.folder / "watches").iterdir()}
    assert folders == {".lock", ".seen", "other"}
