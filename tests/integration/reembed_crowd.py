"""Clients that search without a pause, and what each answer must be: wholly that of one encoder."""

import base64
import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
from PIL import Image

from indexer import vector_matrix
from indexer._generation import generation_folder
from indexer.store import Store
from retriever import query_tile
from tests.integration.real import ROOT
from tests.two_encoders import Scatter

K = 10
TEXTS = ("red roofs", "a blue lake", "green fields", "nothing in particular", "gray sand")
TOLERANCE = 2e-3
"""Most that a score may differ from the oracle's: vectors are stored as float16."""


@dataclass(frozen=True)
class Asked:
    """One question."""

    kind: str
    what: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    kind: str
    encoder: str
    began: float
    seconds: float


def picture(seed: int) -> bytes:
    """A PNG of smooth noise."""
    coarse = np.random.default_rng(seed).integers(1, 255, (8, 8, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(np.kron(coarse, np.ones((8, 8, 1), np.uint8))).save(sink, format="PNG")
    return sink.getvalue()


class Oracle:
    """Right answers of each generation, by comparing with every row of its table.

    Args:
        index: The index directory, at its first generation.
    """

    def __init__(self, index: Path) -> None:
        self._index = index
        self._right: dict[tuple[str, str], dict[str, float]] = {}
        self._tiles = self._ids(0)
        self.questions = list(self._questions())
        self.add_generation(0)

    def add_generation(self, number: int) -> None:
        """Learn what another generation answers."""
        store = Store.at(generation_folder(self._index, number))
        encoder, (ids, vectors) = Scatter(store.space.encoder), self._ids(number)
        name = f"{store.space.encoder}@{store.space.revision}"
        for question in self.questions:
            if question.kind == "text":
                vector = encoder.encode_text([question.what])[0]
            elif question.kind == "picture":
                tile = query_tile(picture(int(question.what)))
                vector = encoder.encode(encoder.prepare(tile)[np.newaxis])[0]
            else:
                vector = vectors[ids.index(question.what)]
                vector = vector / np.linalg.norm(vector)
            scores = dict(zip(ids, (vectors @ vector).tolist(), strict=True))
            if question.kind == "like":
                del scores[question.what]
            self._right[question.what, name] = scores

    def says(self, question: Asked, encoder: str, hits: list[dict[str, Any]]) -> str | None:
        """Return what is wrong with an answer, if anything: its scores and order must be those of that encoder."""
        right = self._right.get((question.what, encoder))
        if right is None:
            return f"answered from {encoder}, which holds nothing yet"
        best = sorted(right.values(), reverse=True)[:K]
        if len(hits) != min(K, len(right)):
            return f"{len(hits)} hits"
        for hit, least in zip(hits, best, strict=True):
            expected = right[hit["tile_id"]]
            if abs(hit["score"] - expected) > TOLERANCE or expected < least - TOLERANCE:
                return f"{hit['tile_id']} scored {hit['score']}, by {encoder} {expected}; best of its rank {least}"
        return None

    def _ids(self, number: int) -> tuple[list[str], Any]:
        ids: list[str] = []
        parts = []
        for batch in Store.at(generation_folder(self._index, number)).snapshot().scan(["tile_id", "vector"]):
            ids += batch["tile_id"].to_pylist()
            parts.append(vector_matrix(batch["vector"]).astype(np.float32))
        return ids, np.concatenate(parts)

    def _questions(self) -> Iterator[Asked]:
        for text in TEXTS:
            yield Asked("text", text, {"text": text, "prompts": None, "expand": False})
        for seed in range(5):
            uri = "data:image/png;base64," + base64.b64encode(picture(seed)).decode()
            yield Asked("picture", str(seed), {"query": [{"picture": uri}]})
        for tile_id in self._tiles[0][:: max(1, len(self._tiles[0]) // 5)]:
            yield Asked("like", tile_id, {"like": tile_id})


class Crowd:
    """Clients in threads, from the beginning of the block to its end.

    Args:
        url: The server.
        oracle: Knows what is right.
        clients: Number of threads.
        pause: Seconds that each waits between two questions.
    """

    def __init__(self, url: str, oracle: Oracle, *, clients: int, pause: float = 0.0) -> None:
        self._url = url
        self._pause = pause
        self._oracle = oracle
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]
        self.answers: list[Answer] = []
        self.failed: list[str] = []
        self.mixed: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def answered(self, more: int, within: float = 120) -> None:
        """Wait until so many more answers came."""
        wanted, end = len(self.answers) + more, time.monotonic() + within
        while len(self.answers) < wanted:
            assert not self.failed, self.failed[:3]
            assert time.monotonic() < end, "no answers any more"
            time.sleep(0.01)

    def until(self, encoder: str, within: float = 60) -> None:
        """Wait until an answer comes from an encoder."""
        first, end = len(self.answers), time.monotonic() + within
        while not any(answer.encoder == encoder for answer in self.answers[first:]):
            assert not self.failed, self.failed[:3]
            assert time.monotonic() < end, f"the server never went over to {encoder}"
            time.sleep(0.01)

    def _ask(self, number: int) -> None:
        questions, at = self._oracle.questions, number
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while not self._over.wait(self._pause):
                question = questions[at % len(questions)]
                at += 1
                try:
                    self._one(client, question)
                except Exception as error:
                    self.failed.append(f"{question.kind} {question.what}: {type(error).__name__}: {error}")

    def _one(self, client: httpx.Client, question: Asked) -> None:
        began = time.monotonic()
        response = client.post("/v1/search", json={**question.body, "k": K})
        seconds = time.monotonic() - began
        if response.status_code != 200:
            self.failed.append(f"{question.kind} {question.what}: {response.status_code} {response.text[:200]}")
            return
        said = response.json()
        wrong = self._oracle.says(question, said["encoder"], said["hits"])
        if wrong is not None:
            self.mixed.append(f"{question.kind} {question.what}: {wrong}")
        self.answers.append(Answer(question.kind, said["encoder"], began, seconds))


def _environment(plug: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{plug}{os.pathsep}{ROOT}"}


def command(plug: Path, *words: object) -> None:
    """Run ``swath`` as its user does, with the two encoders installed."""
    line = [sys.executable, "-m", "swath", *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, env=_environment(plug), check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@contextmanager
def serving_scatter(plug: Path, index: Path, log: Path) -> Iterator[str]:
    """Run ``swath serve`` on a free port until the block ends; yield its address."""
    line = [sys.executable, "-m", "swath", "serve", "--port", "0", "--index", str(index)]
    with (
        log.open("wb") as err,
        subprocess.Popen(line, stdout=subprocess.PIPE, stderr=err, env=_environment(plug)) as process,
    ):
        try:
            assert process.stdout is not None
            said = process.stdout.readline().decode()
            assert "; open http://" in said, log.read_text()
            yield said.partition("; open ")[2].split()[0].rstrip("/")
        finally:
            process.terminate()
            process.wait(30)
