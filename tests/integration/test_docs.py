"""The documents cannot drift: their commands run, their links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.real import ROOT
from tests.object_store import new_bucket

GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
EVERY_PAGE = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(demo_folder: Path, forked: Path) -> Path:
    """The README's folder: after the demo, with the README's own index in it."""
    run_shell(blocks(ROOT / "README.md", "sh")[0], demo_folder, forked)
    return demo_folder


def activated(forked: Path) -> dict[str, str]:
    """The environment of a shell in which Swath's virtual environment is active."""
    return {**os.environ, "PATH": f"{forked}:{Path(sys.executable).parent}:{os.environ['PATH']}"}


def run_shell(script: str, folder: Path, forked: Path) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=activated(forked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def test_readme_tour_wrote_what_it_says(folder: Path) -> None:
    assert (folder / "harbours.geojson").stat().st_size > 500
    assert (folder / "harbours.png").stat().st_size > 5_000


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_python_examples_run(page: Path, folder: Path, forked: Path) -> None:
    for script in blocks(page, "python"):
        command = ["python", "-c", script]
        done = subprocess.run(command, cwd=folder, env=activated(forked), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stderr}"


@pytest.fixture
def my_bucket(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket of docs/how-to/object-storage.md, and the variables that say how it is reached."""
    new_bucket(s3, monkeypatch, name="my-bucket")
    monkeypatch.setenv("SWATH_INDEX_CACHE", str(tmp_path))


LONG = ("search.md", "ask.md", "serve.md", "scene.md", "distribute.md", "watch.md", "reembed.md", "object-storage.md")
"""Pages of ten seconds and more, which make test-slow runs."""


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow) if page.name in LONG else page for page in GUIDES[1:]],
    ids=lambda page: page.name,
)
def test_shell_examples_run(page: Path, folder: Path, forked: Path, request: pytest.FixtureRequest) -> None:
    if page.name == "object-storage.md":
        request.getfixturevalue("my_bucket")
    for script in blocks(page, "sh"):
        run_shell(script, folder, forked)


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert all((page.parent / link).exists() for link in links), links


def test_every_command_is_documented() -> None:
    from swath._cli import app

    named = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    text = "\n".join(page.read_text() for page in GUIDES)
    assert not {name for name in named if f"swath {name}" not in text}
