"""A server goes over to the vectors that an index was switched to, and stays with the old ones until it can."""

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from api import _following
from api._following import Following
from core import WeightsNotFoundError
from indexer._generation import Generations, home_of, write_generations
from indexer.store import Store
from tests.two_encoders import Scatter

SPACES = {0: Scatter("scatter-a").space, 1: Scatter("scatter-b").space}


@dataclass(frozen=True)
class Opened:
    name: str
    path: Path
    store: Store


@pytest.fixture
def index(tmp_path: Path) -> Path:
    Store.create_or_open(tmp_path / "index", space=SPACES[0])
    (tmp_path / "index" / "generations").mkdir()
    Store.create_or_open(tmp_path / "index" / "generations" / "1", space=SPACES[1])
    return tmp_path / "index"


def opened(name: str, path: Path) -> Opened:
    return Opened(name, path, Store.open(path))


def newest(following: Following[Opened], services: dict[str, Opened], wanted: int) -> Opened:
    for _ in range(500):
        found = following.newest(services["i"])
        if found.store.space == SPACES[wanted]:
            return found
        time.sleep(0.01)
    raise AssertionError("it never went over")


def test_it_goes_over_and_back(index: Path) -> None:
    services = {"i": opened("i", index)}
    following = Following(opened, services)
    first = services["i"]
    assert following.newest(first) is first
    write_generations(index, Generations(current=1, previous=0))
    assert newest(following, services, 1).store.path == home_of(index)
    write_generations(index, Generations(current=0, previous=1))
    assert newest(following, services, 0) is not first
    assert first.store.space == SPACES[0]


def test_requests_are_answered_from_the_old_ones_while_the_new_are_opened_once(index: Path) -> None:
    go, times = threading.Event(), []

    def slow(name: str, path: Path) -> Opened:
        times.append(name)
        go.wait(10)
        return opened(name, path)

    services = {"i": opened("i", index)}
    following, first = Following(slow, services), services["i"]
    write_generations(index, Generations(current=1, previous=0))
    assert all(following.newest(services["i"]) is first for _ in range(20))
    go.set()
    newest(following, services, 1)
    assert times == ["i"]


def test_vectors_that_cannot_be_opened_leave_the_old_ones_and_are_tried_again(
    index: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_following, "RETRY_S", 0.05)
    tries: list[str] = []

    def failing(name: str, path: Path) -> Opened:
        tries.append(name)
        if len(tries) < 3:
            raise WeightsNotFoundError("no weights")
        return opened(name, path)

    services = {"i": opened("i", index)}
    following = Following(failing, services)
    write_generations(index, Generations(current=1, previous=0))
    with caplog.at_level(logging.WARNING, "swath.serve"):
        newest(following, services, 1)
    assert "cannot be opened: no weights" in caplog.text
    assert len(tries) == 3


def test_a_damaged_document_leaves_what_answers(index: Path) -> None:
    services = {"i": opened("i", index)}
    (index / "generation.json").write_text("{")
    assert Following(opened, services).newest(services["i"]) is services["i"]
