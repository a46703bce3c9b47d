"""Many threads, one encoder: the same vectors, fewer calls."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from api._microbatch import MAX_BATCH, SharedEncoder, SharedTextEncoder, shared
from core import EncodesText, EncodesTiles, Tile, VectorSpace


class Counting:
    """Encodes a text by its length and letters, slowly, and notes what it was given at once."""

    space = VectorSpace(encoder="counting", revision="1", dim=3)

    def __init__(self, seconds: float = 0.0) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.inside = 0
        self._seconds = seconds

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.inside += 1
        assert self.inside == 1, "two threads are in the encoder at once"
        self.calls.append(tuple(texts))
        time.sleep(self._seconds)
        self.inside -= 1
        if "bad" in texts:
            raise ValueError("a bad text")
        return np.array([[len(text), sum(map(ord, text)), 1] for text in texts], dtype=np.float32)

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        return np.zeros(3, dtype=np.float32)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        self.inside += 1
        assert self.inside == 1, "two threads are in the encoder at once"
        time.sleep(self._seconds)
        self.inside -= 1
        return np.ones((len(batch), 3), dtype=np.float32)


def made(seconds: float = 0.0, cached: int = 100) -> tuple[Counting, SharedTextEncoder]:
    encoder = Counting(seconds)
    return encoder, SharedTextEncoder(encoder, encoder, cached=cached)


def test_threads_get_what_one_would_and_wait_together() -> None:
    encoder, together = made(seconds=0.02)
    queries = [[f"query {number}", "the same"] for number in range(32)]
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(together.encode_text, queries))
    for query, answer in zip(queries, answers, strict=True):
        np.testing.assert_array_equal(answer, Counting().encode_text(query))
    assert len(encoder.calls) <= 8, "32 threads should share a few calls"
    assert max(map(len, encoder.calls)) <= MAX_BATCH


def test_a_text_is_encoded_once_while_it_is_remembered() -> None:
    encoder, together = made(cached=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        together.encode_text([text])
    # c drove out b, which had waited longest; a was asked for in between.
    assert encoder.calls == [("a",), ("b",), ("c",), ("b",)]


def test_repeated_texts_of_one_call_are_encoded_once_and_come_back_in_order() -> None:
    encoder, together = made()
    found = together.encode_text(["b", "a", "b"])
    np.testing.assert_array_equal(found, Counting().encode_text(["b", "a", "b"]))
    assert encoder.calls == [("b", "a")]
    assert together.encode_text([]).shape == (0, 3)


def test_one_bad_text_fails_its_own_thread_only() -> None:
    encoder, together = made(seconds=0.05)
    queries = ["first", *[f"query {number}" for number in range(5)], "bad"]
    failures, answers = [], []

    def ask(text: str) -> None:
        try:
            answers.append(together.encode_text([text]))
        except ValueError as error:
            failures.append((text, str(error)))

    threads = [threading.Thread(target=ask, args=(text,)) for text in queries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert failures == [("bad", "a bad text")]
    assert len(answers) == len(queries) - 1
    assert encoder.calls


def test_pictures_and_texts_never_enter_at_once() -> None:
    _, together = made(seconds=0.005)
    with ThreadPoolExecutor(16) as pool:
        jobs = [pool.submit(together.encode, np.zeros((1, 3), np.float32)) for _ in range(8)]
        jobs += [pool.submit(together.encode_text, [str(number)]) for number in range(8)]
        assert all(job.result(10).shape == (1, 3) for job in jobs)


def test_an_encoder_without_texts_stays_without() -> None:
    class Pictures:
        space = Counting.space
        prepare, encode = Counting.prepare, Counting.encode

    only: EncodesTiles = Pictures()
    assert type(shared(only)) is SharedEncoder
    assert not isinstance(shared(only), EncodesText)
    assert isinstance(shared(Counting()), EncodesText)


@pytest.mark.parametrize("threads", [1, 8])
def test_the_shipped_encoder_gives_the_same_vectors_in_batches(threads: int) -> None:
    from embeddings import open_encoder

    encoder = open_encoder("swath-mini")
    assert isinstance(encoder, EncodesText)
    together = shared(encoder)
    assert isinstance(together, EncodesText)
    texts = [
        "a river",
        "an airport with two runways beside a large terminal building",
        "forest",
        "a harbour with ships",
    ]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda text: together.encode_text([text])[0], texts))
    alone = [encoder.encode_text([text])[0] for text in texts]
    np.testing.assert_allclose(found, alone, atol=2e-7)
