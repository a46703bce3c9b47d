"""One full disk in an ingest, or failing writes where no disk can be made. All commands, often, are in tests/slow."""

import errno
import os
from pathlib import Path

from tests.faults.forge import Fault, Forge, Kind, Mode, needs_compiler
from tests.faults.operations import OPERATIONS
from tests.faults.small_disk import small_disk
from tests.faults.trial import Trials

pytestmark = needs_compiler()

INGEST = OPERATIONS[0]


def test_a_full_disk_is_one_line_and_with_room_again_the_ingest_ends(tmp_path: Path) -> None:
    with Forge(tmp_path / "forge") as forge:
        if os.geteuid() == 0:
            with small_disk(tmp_path / "disk", megabytes=16) as disk:
                trials = Trials(forge, tmp_path, home=disk.path / "work")
                ended = trials.without_room(INGEST, disk, leaving=2**16, seed=0)
        else:
            full = Fault(mode=Mode.FAIL_FROM, kinds=Kind.DATA | Kind.NAME, error=errno.ENOSPC, at=100)
            ended = Trials(forge, tmp_path).disturbed(INGEST, full, seed=0)
    assert (ended.code, "No space left on device" in ended.stderr) == (1, True)
