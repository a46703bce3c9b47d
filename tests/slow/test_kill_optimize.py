"""kill -9 at twenty random moments of building the search snapshot: answers stay right, and leftovers go."""

from pathlib import Path

import numpy as np
import pytest

from indexer.store import CURRENT, SEARCH
from retriever.engine._build import build_snapshot
from retriever.engine._open import current
from tests.integration.killed_optimize import Killed, check_answers
from tests.unit.retriever.engine.random_histories import History
from tests.unit.retriever.engine.random_tables import Recipe

KILLS = 20
RECIPE = Recipe(
    dim=64, dtype="float16", spread="clustered", sensors=3, collections=2, undated=0.1, unlocated=0.1,
    years=(2016, 2024), odd=0.2,
)  # fmt: skip


@pytest.mark.slow
def test_twenty_kills_at_random_moments_leave_right_answers(tmp_path: Path) -> None:
    history = History(tmp_path / "index", RECIPE, np.random.default_rng(0))
    history.add(200)
    left: list[bool] = []
    for _ in range(KILLS):
        program = Killed(history.path)
        program.kill(history.rng.uniform(0, program.seconds))
        assert check_answers(history)
        left.append(any(entry.name.startswith(".part") for entry in (history.path / SEARCH).iterdir()))
        history.step()
        check_answers(history)
    # They were in the middle of it.
    assert sum(left) > KILLS / 4
    build_snapshot(history.store.snapshot(), history.path)
    folder = current(history.path)
    assert folder is not None
    assert {entry.name for entry in (history.path / SEARCH).iterdir()} == {CURRENT, folder.name}
    assert check_answers(history)
