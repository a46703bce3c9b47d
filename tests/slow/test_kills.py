"""kill -9 at random moments of every command that changes files: nothing lost, nothing twice, right answers at once.

Four of five kills come at a random one of the calls that change a file, before it or in the middle of a write; the rest
at a random moment of the command's time. After each the index opens, is whole, answers as the flat index over what was
acknowledged, and the same command again ends as if nothing had happened.
"""

import os
import random
import sys
from collections.abc import Iterator

import pytest

from tests.faults.forge import Fault, Forge, Mode, needs_compiler
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.trial import Trials

pytestmark = [pytest.mark.slow, needs_compiler()]

KILLS = int(os.environ.get("SWATH_TEST_KILLS", "15"))
"""Of each command: 210 of the fourteen."""

BY_TIME = 5
"""Every so many kills, one comes by the clock."""


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    folder = tmp_path_factory.mktemp("kills")
    with Forge(folder / "forge") as forge:
        yield Trials(forge, folder)


def moments(operation: Operation, trials: Trials) -> Iterator[Fault]:
    """Spread over the whole command, at random within equal parts of it."""
    known, rng = trials.undisturbed(operation), random.Random(operation.name)
    for number in range(KILLS):
        place = (number + rng.random()) / KILLS
        if number % BY_TIME == BY_TIME - 1:
            yield Fault(after=place * known.seconds)
        else:
            mode = rng.choice([Mode.KILL, Mode.TEAR])
            yield Fault(mode=mode, at=1 + int(place * known.calls))


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_killed_command_leaves_a_whole_index_and_ends_when_it_is_run_again(
    operation: Operation, trials: Trials
) -> None:
    ended = [trials.disturbed(operation, fault, seed=seed) for seed, fault in enumerate(moments(operation, trials))]
    killed = [each for each in ended if each.signal == 9]
    calls = trials.undisturbed(operation).calls
    sys.stdout.write(f"{operation}: {len(killed)} of {len(ended)} killed, {calls} calls\n")
    # The clock may come too late, and the calls of threads differ a little from run to run.
    assert len(killed) >= 0.8 * KILLS
