"""A disk that is really full: every command at several degrees of it, then with room again; and readers on it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import swath
from tests.faults.forge import Forge, needs_compiler
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.small_disk import SmallDisk, needs_mounts, small_disk
from tests.faults.trial import Trials
from tests.integration.served import served_command
from tests.small_index import TINY, build_small_index

pytestmark = [pytest.mark.slow, needs_compiler(), needs_mounts()]

MEGABYTES = 64

LEVELS = tuple(float(level) for level in os.environ.get("SWATH_TEST_LEVELS", "0 0.1 0.3 0.5 0.7 0.9").split())
"""Room left, as a share of what the command takes up."""

LEAST = 2**16
"""Bytes taken up at least: a command that ends with less than it began with needs some all the same."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("disk") / "mounted", megabytes=MEGABYTES) as mounted:
        yield mounted


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory, disk: SmallDisk) -> Iterator[Trials]:
    folder = tmp_path_factory.mktemp("full")
    with Forge(folder / "forge") as forge:
        yield Trials(forge, folder, home=disk.path / "work")


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_full_disk_is_one_line_and_with_room_again_the_command_ends(
    operation: Operation, trials: Trials, disk: SmallDisk
) -> None:
    trials.start(operation)
    before = disk.used
    trials.undisturbed(operation)
    taken = max(disk.used - before, LEAST)
    said = set()
    for number, level in enumerate(LEVELS):
        ended = trials.without_room(operation, disk, leaving=int(level * taken), seed=number)
        said.add(f"{level:.1f}: {ended.code}: {ended.stderr.strip()}")
    sys.stdout.write("\n  ".join([f"{operation}: {taken:,} bytes", *sorted(said)]) + "\n")
    # What takes next to nothing may find room in the last page of a file.
    assert any(": 1:" in line for line in said) or taken == LEAST


READING = (
    ("search", "red", "--index", "{index}"), ("verify", "{index}"), ("info", "--index", "{index}"),
    ("watch", "list", "{index}"),
)  # fmt: skip


@pytest.mark.parametrize("state", ["full", "read-only"])
def test_whoever_only_reads_is_not_disturbed(trials: Trials, disk: SmallDisk, state: str) -> None:
    operation = next(each for each in OPERATIONS if each.name == "watch-run")
    place = trials.start(operation)
    if state == "full":
        disk.fill(leaving=0)
    else:
        disk.remount("ro")
    try:
        for words in READING:
            ended = trials.forge.run(place.args(words), under=place.home)
            assert ended.code == 0, (words, str(ended))
    finally:
        disk.remount("rw") if state == "read-only" else disk.empty()


@pytest.mark.parametrize("state", ["full", "read-only"])
def test_a_server_starts_answers_and_ends_on_a_disk_without_room(disk: SmallDisk, tmp_path: Path, state: str) -> None:
    index = build_small_index(disk.path / state / "index")
    expected = [hit.tile_id for hit in swath.open(index).search(text="a river", k=TINY)]
    if state == "full":
        disk.fill(leaving=0)
    else:
        disk.remount("ro")
    try:
        with served_command(index, tmp_path / "log") as running:
            for _ in range(2):
                answer = httpx.get(f"{running.url}/v1/search", params={"q": "a river", "k": TINY}, timeout=60)
                assert answer.status_code == 200, answer.text
                assert [hit["tile_id"] for hit in answer.json()["hits"]] == expected
            assert httpx.get(f"{running.url}/readyz", timeout=60).status_code == 200
            running.process.terminate()
            assert running.process.wait(60) == 0
        said = (tmp_path / "log").read_text()
        assert "Traceback" not in said
        assert '"level": "error"' not in said
    finally:
        disk.remount("rw") if state == "read-only" else disk.empty()
