"""The commands of the runbook run, in its order, in a folder in which the demo was run."""

import shutil
from pathlib import Path

import pytest

from tests.integration.real import ROOT
from tests.integration.test_docs import blocks, run_shell

RUNBOOK = ROOT / "docs" / "operations.md"
FIRST = "swath index demo-archive/archive/catalog.json --into my-index --datetime 2021-04-19"
"""The index that is there before the first night."""


@pytest.mark.slow
def test_the_commands_of_the_runbook_run(demo_folder: Path, tmp_path: Path, forked: Path) -> None:
    shutil.copytree(demo_folder / "demo-archive", tmp_path / "demo-archive")
    scripts = [FIRST, *blocks(RUNBOOK, "sh")]
    assert len(scripts) >= 6
    for script in scripts:
        run_shell(script, tmp_path, forked)
    assert {file.name for file in (tmp_path / "metrics").iterdir()} == {
        "swath-index.prom",
        "swath-verify.prom",
        "swath-backup.prom",
    }
