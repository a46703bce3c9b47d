"""A disk that fails: a write, a new name or a sync that ends in an error, once or from then on, in every command.

Each ends in one line and a documented exit code; the index is whole and answers right at once, and the command runs
to its end when the disk is well again.
"""

import errno
import os
import random
import sys
from collections.abc import Iterator

import pytest

from tests.faults.forge import Fault, Forge, Kind, Mode, needs_compiler
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.trial import Trials

pytestmark = [pytest.mark.slow, needs_compiler()]

ERRORS = int(os.environ.get("SWATH_TEST_ERRORS", "3"))
"""Of each kind, in each command."""

FAILURES = {
    "a write fails": (Mode.FAIL_ONCE, Kind.DATA | Kind.NAME, errno.EIO),
    "the disk is full": (Mode.FAIL_FROM, Kind.DATA | Kind.NAME, errno.ENOSPC),
    "a sync fails": (Mode.FAIL_ONCE, Kind.SYNC, errno.EIO),
}


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    folder = tmp_path_factory.mktemp("errors")
    with Forge(folder / "forge") as forge:
        yield Trials(forge, folder)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_failing_disk_is_one_line_and_costs_nothing_that_was_acknowledged(
    operation: Operation, failure: str, trials: Trials
) -> None:
    mode, kinds, error = FAILURES[failure]
    calls, rng = trials.calls(operation, kinds), random.Random(f"{operation} {failure}")
    assert calls or kinds == Kind.SYNC
    told = set()
    for number in range(min(ERRORS, calls)):
        at = 1 + int((number + rng.random()) / ERRORS * calls)
        ended = trials.disturbed(operation, Fault(mode=mode, kinds=kinds, error=error, at=at), seed=number)
        told.add(f"{ended.code}: {ended.stderr.strip()} ({' '.join(ended.hit.split()[1:2])})")
    sys.stdout.write("\n  ".join([f"{operation}, {failure}: {calls} calls", *sorted(told)]) + "\n")
