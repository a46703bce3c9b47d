"""The commands of the runbook run, in its order, in a folder in which the demo was run."""

import shutil
from pathlib import Path

import pytest

from tests.integration.real import ROOT
from tests.integration.test_docs import blocks, run_shell

RUNBOOK = ROOT / "docs" / "operations.md"


@pytest.mark.slow
def test_the_commands_of_the_runbook_run(demo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_folder / "demo-archive", tmp_path / "demo-archive")
    shutil.copytree(tmp_path / "demo-archive" / "index", tmp_path / "my-index")
    scripts = blocks(RUNBOOK, "sh")
    assert len(scripts) >= 6
    for script in scripts:
        run_shell(script, tmp_path)
    assert {file.name for file in (tmp_path / "metrics").iterdir()} == {
        "swath-index.prom",
        "swath-verify.prom",
        "swath-backup.prom",
    }
