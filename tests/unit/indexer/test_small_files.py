"""A small file is replaced whole, and what a killed process had begun of one goes in time."""

import os
import time
from pathlib import Path

from indexer import replace_file
from indexer._small_files import ABANDONED_AFTER_S


def test_what_a_killed_process_began_goes_when_it_is_old_and_stays_while_somebody_may_write_it(tmp_path: Path) -> None:
    old, young, other = (
        tmp_path / name for name in (".a.json-" + "0" * 16, ".a.json-" + "1" * 16, ".b.json-" + "0" * 16)
    )
    for file in (old, young, other):
        file.write_bytes(b"half")
    long_ago = time.time() - ABANDONED_AFTER_S - 10
    for file in (old, other):
        os.utime(file, (long_ago, long_ago))
    replace_file(tmp_path / "a.json", b"{}")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([young.name, other.name, "a.json"])
