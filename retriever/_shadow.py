"""The same questions to two generations of an index: how far their answers agree, and how long each takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core import InputError, TileNotFoundError
from embeddings import open_encoder_of
from indexer.store import Store
from retriever._request import SearchRequest
from retriever._search import Searcher


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long searches took."""

    p50_ms: float
    """Half took less."""
    p99_ms: float
    """All but one in a hundred took less."""


@dataclass(frozen=True, kw_only=True)
class TextShadow:
    """One text, asked of both."""

    text: str
    """As it was typed."""
    overlap: float
    """Share of the k hits that both found."""


@dataclass(frozen=True, kw_only=True)
class ShadowReport:
    """Two generations beside each other. Different encoders agree on little: that is no fault, but what to expect."""

    current: str
    """Encoder and revision that answer."""
    other: str
    """Those of the other generation."""
    share: float
    """Share of the tiles in use that the other generation has, 0..1."""
    k: int
    """Hits compared of each answer."""
    tiles: int
    """Tiles that were looked for in both; the tile itself is no hit."""
    overlap: float
    """Mean share of the k hits that both found."""
    least: float
    """The least of any tile."""
    texts: tuple[TextShadow, ...]
    """The same for texts."""
    current_latency: Latency
    """Of the searches by tile, one after the other."""
    other_latency: Latency
    """The same for the other generation."""


@dataclass(frozen=True, kw_only=True)
class _Answer:
    tiles: frozenset[str]
    ms: float


def shadow(
    stores: tuple[Store, Store], *, share: float, sample: int, k: int, texts: Sequence[str] = (), exact: bool = False
) -> ShadowReport:
    """Ask both generations the same.

    Args:
        stores: The generation in use, and another.
        share: Share of the tiles in use that the other has.
        sample: Number of tiles to look for, taken evenly.
        k: Hits compared.
        texts: Sentences to look for; the encoders are opened for them only.
        exact: Compare every tile; else as searches do.

    Raises:
        InputError: Fewer than one tile or hit is asked for, or no tile is in both.
        QueryError: An encoder reads no text.
        StoreError: An index cannot be read.
    """
    if sample < 1 or k < 1:
        raise InputError(f"compare at least 1 hit of 1 tile, got {k} of {sample}")
    first, other = (Searcher(store, partial(open_encoder_of, store.space)) for store in stores)
    pairs = list(_by_tile(first, other, _sampled(stores[1], sample), k=k, exact=exact))
    if not pairs:
        raise InputError(f"no tile of {stores[1].path} is in {stores[0].path}; there is nothing to compare")
    shares = np.array([len(one.tiles & two.tiles) / k for one, two in pairs])
    return ShadowReport(
        current=f"{stores[0].space.encoder}@{stores[0].space.revision}",
        other=f"{stores[1].space.encoder}@{stores[1].space.revision}",
        share=share,
        k=k,
        tiles=len(pairs),
        overlap=float(shares.mean()),
        least=float(shares.min()),
        texts=tuple(_by_text(first, other, text, k=k, exact=exact) for text in texts),
        current_latency=_latency([one.ms for one, _ in pairs]),
        other_latency=_latency([two.ms for _, two in pairs]),
    )


def _by_tile(
    first: Searcher, other: Searcher, tile_ids: Sequence[str], *, k: int, exact: bool
) -> Iterator[tuple[_Answer, _Answer]]:
    for number, tile_id in enumerate(tile_ids):
        request = SearchRequest.build(like=tile_id, k=k, exact=exact, calibrated=False)
        try:
            if number == 0:  # opens files, which is no part of how long a search takes
                _answer(first, request), _answer(other, request)
            yield _answer(first, request), _answer(other, request)
        except TileNotFoundError:  # removed since
            continue


def _by_text(first: Searcher, other: Searcher, text: str, *, k: int, exact: bool) -> TextShadow:
    request = SearchRequest.build(text=text, k=k, exact=exact, calibrated=False)
    one, two = _answer(first, request), _answer(other, request)
    return TextShadow(text=text, overlap=len(one.tiles & two.tiles) / k)


def _answer(searcher: Searcher, request: SearchRequest) -> _Answer:
    started = time.perf_counter()
    found = searcher.find(request)
    return _Answer(tiles=frozenset(found.ranked.matches.tile_ids), ms=(time.perf_counter() - started) * 1000)


def _sampled(store: Store, sample: int) -> list[str]:
    """Tile ids at equal steps through the table."""
    snapshot = store.snapshot()
    wanted = np.unique(np.linspace(0, max(snapshot.count() - 1, 0), sample).astype(np.int64))
    found: list[str] = []
    first = 0
    for batch in snapshot.scan(["tile_id"]):
        here: NDArray[np.int64] = wanted[(wanted >= first) & (wanted < first + batch.num_rows)] - first
        found += [batch["tile_id"][int(place)].as_py() for place in here]
        first += batch.num_rows
    return found


def _latency(times: Sequence[float]) -> Latency:
    p50, p99 = np.percentile(times, [50, 99])
    return Latency(p50_ms=float(p50), p99_ms=float(p99))
