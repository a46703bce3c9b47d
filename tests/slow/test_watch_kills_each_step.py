"""For each step of a run: a new scene, a run that dies there, and one that lives. Nothing is lost or comes twice."""

from pathlib import Path
from typing import Any

import pytest

from indexer import Store
from tests.unit.retriever.killed_watches import Death, KilledError, dying
from tests.unit.retriever.watched_index import LEAST, add_scene, journal, made, opened, receiver, tiles_in

pytestmark = pytest.mark.slow


def run_each_step(store: Store, *, after: bool, **sink: Any) -> int:
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
        if not death.came:
            return died
    raise AssertionError("no run came to its end")


def expected(scenes: int) -> list[str]:
    return [f"c~s{scene:03d}~{tile}" for scene in range(scenes) for tile in (0, 2)]


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_each_step_nothing_is_lost_or_twice(tmp_path: Path, after: bool) -> None:
    store, file = made(tmp_path / "index"), tmp_path / "reds.geojsonl"
    died = run_each_step(store, after=after, file=file)
    assert died > 10
    watches = opened(store)
    assert journal(watches) == expected(died + 1)
    assert tiles_in(file.read_text().splitlines()) == expected(died + 1)
    assert journal(watches, "blues") == [f"c~s{scene:03d}~1" for scene in range(died + 1)]


@pytest.mark.parametrize("after", [False, True])
def test_a_webhook_gets_everything_and_what_comes_twice_has_the_same_key(tmp_path: Path, after: bool) -> None:
    store = made(tmp_path / "index")
    with receiver() as got:
        died = run_each_step(store, after=after, webhook=got.url)
        assert died > 10
        by_key: dict[str, Any] = {}
        for key, post in zip(got.keys, got.posts, strict=True):
            assert by_key.setdefault(key, post) == post
        assert sorted(f["id"] for post in by_key.values() for f in post["features"]) == expected(died + 1)
        assert len(got.keys) > len(by_key)  # at least once is not exactly once
