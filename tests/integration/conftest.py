"""Real imagery, the command line as a user runs it, and one index of everything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.real import DATA, REAL_COMMANDS, ROOT, Run


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not (DATA / "aid_rsicd" / "captions.jsonl").is_file():
        pytest.skip(f"real imagery is not at {DATA}; set SWATH_DATA to the folder that holds it")
    return DATA


@pytest.fixture(scope="session")
def swath() -> Run:
    """Run `swath` in a process of its own and return what it printed."""

    def run(*arguments: object, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "swath", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)
        assert done.returncode == code, f"{command} exited {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def real_index(real_data: Path, swath: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One index of every real folder, made with the command line."""
    into = tmp_path_factory.mktemp("real") / "index"
    for folder, options in REAL_COMMANDS:
        done = swath("index", real_data / folder, "--into", into, *options, "--json", cwd=ROOT)
        assert json.loads(done.stdout)["failures"] == []
    return into


@pytest.fixture(scope="session")
def demo_folder(swath: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `swath demo` was run."""
    folder = tmp_path_factory.mktemp("demo")
    swath("demo", cwd=folder)
    return folder
