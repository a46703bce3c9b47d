"""Real imagery, the command line as a user runs it, and one index of everything."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.integration.forking import forking
from tests.integration.real import DATA, REAL_COMMANDS, ROOT, Run


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not (DATA / "aid_rsicd" / "captions.jsonl").is_file():
        pytest.skip(f"real imagery is not at {DATA}; set SWATH_DATA to the folder that holds it")
    return DATA


@pytest.fixture(scope="session")
def forked() -> Iterator[Path]:
    """A folder to go first on the PATH, with a `swath` and a `python` that need not start."""
    with forking() as folder:
        yield folder


@pytest.fixture(scope="session")
def swath(forked: Path) -> Run:
    """Run `swath` in a process of its own and return what it printed."""

    def run(*arguments: object, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(forked / "swath"), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
        assert done.returncode == code, f"{command} exited {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Fill a folder once for all processes of a run; whoever comes second waits for it."""
    base = tmp_path_factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def filled(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = common / name, common / f"{name}.done"
        with FileLock(common / f"{name}.lock"):
            if not done.exists():
                folder.mkdir(exist_ok=True)
                fill(folder)
                done.touch()
        return folder

    return filled


@pytest.fixture(scope="session")
def real_index(real_data: Path, swath: Run, shared_folder: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """One index of every real folder, made with the command line."""

    def fill(into: Path) -> None:
        for folder, options in REAL_COMMANDS:
            done = swath("index", real_data / folder, "--into", into / "index", *options, "--json", cwd=ROOT)
            assert json.loads(done.stdout)["failures"] == []

    return shared_folder("real", fill) / "index"


@pytest.fixture(scope="session")
def demo_folder(swath: Run, shared_folder: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A folder in which `swath demo` was run."""
    return shared_folder("demo", lambda folder: swath("demo", cwd=folder))
