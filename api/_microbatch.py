"""One encoder for many threads: sentences that wait together are encoded together, and those seen before not at all.

A thread that comes while the encoder is busy leaves its sentences in line; whoever has the encoder next takes all that
wait in one call. Nobody waits for company: a sentence that finds the encoder idle is encoded at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

import numpy as np
from numpy.typing import NDArray

from api._search_metrics import BATCHES, WAITING, stage
from core import EncodesText, EncodesTiles, Tile, VectorSpace

CACHED_TEXTS = 4096
"""Sentences whose vectors are kept: 6 MB of 384 numbers, and a few times that where prompts multiply them."""

MAX_BATCH = 64
"""Most sentences of one call; more are no faster (measured: 60/s at 32, 57/s at 16, 44/s at 1 on one core)."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    """Sentences of one thread."""

    texts: tuple[str, ...]
    done: Event = field(default_factory=Event)
    result: list[NDArray[np.float32] | BaseException] = field(default_factory=list)


class SharedEncoder:
    """An encoder of pictures that several threads may use; one call goes on at a time.

    Args:
        encoder: What encodes.
    """

    def __init__(self, encoder: EncodesTiles) -> None:
        self._encoder = encoder
        self._busy = Lock()

    @property
    def space(self) -> VectorSpace:
        """The space the vectors live in."""
        return self._encoder.space

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """See ``EncodesTiles``."""
        return self._encoder.prepare(tile)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """See ``EncodesTiles``."""
        with self._busy:
            return self._encoder.encode(batch)


class SharedTextEncoder(SharedEncoder):
    """An encoder of pictures and sentences that several threads may use.

    Args:
        encoder: What encodes pictures.
        texts: What encodes sentences, mostly the same.
        cached: Sentences whose vectors are kept.
    """

    def __init__(self, encoder: EncodesTiles, texts: EncodesText, *, cached: int = CACHED_TEXTS) -> None:
        super().__init__(encoder)
        self._texts = texts
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._cached = cached
        self._guard = Lock()
        self._line: list[_Waiting] = []

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors; see ``EncodesText``."""
        found = self._remembered(texts)
        if missing := tuple(text for text in dict.fromkeys(texts) if text not in found):
            found |= dict(zip(missing, self._encoded(missing), strict=True))
        return np.array([found[text] for text in texts], dtype=np.float32).reshape(len(texts), self.space.dim)

    def _remembered(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        with self._guard:
            found = {text: self._known[text] for text in texts if text in self._known}
            for text in found:
                self._known.move_to_end(text)
        return found

    def _encoded(self, texts: tuple[str, ...]) -> NDArray[np.float32]:
        mine = _Waiting(texts)
        with self._guard:
            self._line.append(mine)
        with WAITING.track_inprogress(), self._busy:
            if not mine.done.is_set():
                self._serve(self._next(mine))
        (result,) = mine.result
        if isinstance(result, BaseException):
            raise result
        return result

    def _next(self, mine: _Waiting) -> list[_Waiting]:
        """Take one's own sentences, and those of others in line as far as they fit."""
        with self._guard:
            taken, size = [mine], len(mine.texts)
            for other in self._line:
                if other is not mine and size + len(other.texts) <= MAX_BATCH:
                    taken.append(other)
                    size += len(other.texts)
            self._line = [other for other in self._line if other not in taken]
        return taken

    def _serve(self, taken: list[_Waiting]) -> None:
        try:
            distinct = tuple(dict.fromkeys(text for each in taken for text in each.texts))
            BATCHES.observe(len(distinct))
            with stage("encode"):
                found = dict(zip(distinct, self._texts.encode_text(distinct), strict=True))
        except BaseException as error:
            self._fail(taken, error)
            return
        self._remember(found)
        for each in taken:
            each.result.append(np.array([found[text] for text in each.texts], dtype=np.float32))
            each.done.set()

    def _fail(self, taken: list[_Waiting], error: BaseException) -> None:
        """One sentence that cannot be encoded must not fail the others: they are tried by themselves."""
        if len(taken) == 1:
            taken[0].result.append(error)
            taken[0].done.set()
            return
        for each in taken:
            self._serve([each])

    def _remember(self, found: dict[str, NDArray[np.float32]]) -> None:
        with self._guard:
            self._known |= found
            while len(self._known) > self._cached:
                self._known.popitem(last=False)


def shared(encoder: EncodesTiles) -> SharedEncoder:
    """Return an encoder for many threads; of texts too where it encodes them."""
    if isinstance(encoder, EncodesText):
        return SharedTextEncoder(encoder, encoder)
    return SharedEncoder(encoder)
