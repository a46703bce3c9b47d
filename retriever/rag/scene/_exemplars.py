"""Words helped out by pictures: where the text alone finds nothing sure, tiles of an archive that are known to show it.

A tile is an exemplar when its label or a caption names what is sought, in the words of the vocabulary. The direction
searched is then the mean of the text and the mean of the exemplars, each of unit length: neither outweighs the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import Hit, Tile, VectorSpace
from embeddings import EncodesBoth, class_words
from indexer import vector_matrix
from retriever._expansion import expand, plain_words
from retriever._request import SearchRequest
from retriever.rag._archive import Archive

LOOKED_AT = 200
"""Best tiles for the words among which exemplars are looked for."""

EXEMPLARS = 5
"""Exemplars of a phrase; more bring in tiles that show it less well."""

FURTHER = 5
"""Least further tiles that are named, on which the dividing score is found."""


class Exemplified:
    """An encoder whose text vectors lean towards exemplars, for the phrases that have some.

    Args:
        encoder: Encodes text and tiles.
        exemplars: (n, dim) unit vectors by phrase, as it was sought.
    """

    def __init__(self, encoder: EncodesBoth, exemplars: Mapping[str, NDArray[np.float32]]) -> None:
        self._encoder = encoder
        self._exemplars = {
            word: vectors
            for phrase, vectors in exemplars.items()
            for word in {phrase.lower(), *(term.lower() for term in expand(phrase).terms)}
        }

    @property
    def space(self) -> VectorSpace:
        """The encoder's own."""
        return self._encoder.space

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """See `EncodesTiles`."""
        return self._encoder.prepare(tile)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """See `EncodesTiles`."""
        return self._encoder.encode(batch)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors; a text that names a phrase with exemplars leans towards them."""
        vectors = self._encoder.encode_text(texts)
        return np.stack([self._leant(text, vector) for text, vector in zip(texts, vectors, strict=True)])

    def _leant(self, text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        named = [word for word in self._exemplars if re.search(rf"\b{re.escape(word)}\b", text.lower())]
        return _leaning(vector, self._exemplars[max(named, key=len)]) if named else vector


@dataclass(frozen=True, kw_only=True, eq=False)
class Exemplars:
    """Tiles of an archive that are known to show a phrase."""

    vectors: NDArray[np.float32]
    """(n, dim) unit vectors, n at most 5."""
    tile_ids: tuple[str, ...]
    """Their ids in the archive."""
    least: float
    """Cosine to text and exemplars from which a tile counts as showing the phrase: the one that tells the archive's
    own tiles apart best (highest F1), the exemplars left out."""


def find_exemplars(phrase: str, archive: Archive) -> Exemplars | None:
    """Return tiles that are known to show a phrase; None where the archive names too few to learn from.

    Args:
        phrase: What is sought.
        archive: An index with labels or captions.

    Raises:
        QueryError: The archive's encoder understands no words.
        StoreError: The archive cannot be read.
    """
    names = re.compile("|".join(rf"\b{re.escape(plain_words(term))}" for term in expand(phrase).terms))
    asked = SearchRequest.build(text=phrase, k=LOOKED_AT)
    found = archive.searcher.find(asked, archive.rows)
    known = [place for place, hit in enumerate(found.hits()) if _says(hit, names)]
    if len(known) < EXEMPLARS + FURTHER:
        return None
    rows = archive.rows.take(found.ranked.matches.row_ids[known[:EXEMPLARS]], ("vector", "tile_id"))
    vectors = vector_matrix(rows["vector"]).astype(np.float32)
    ids = tuple(rows["tile_id"].to_pylist())
    direction = _leaning(archive.searcher.asked(asked, archive.rows).vector, vectors)
    return Exemplars(vectors=vectors, tile_ids=ids, least=_least(direction, archive, names, frozenset(ids)))


def _least(direction: NDArray[np.float32], archive: Archive, names: re.Pattern[str], own: frozenset[str]) -> float:
    """Return the score that divides the tiles that are named from the others with the highest F1."""
    request = SearchRequest.build(vector=direction, k=LOOKED_AT)
    hits = [hit for hit in archive.searcher.find(request, archive.rows).hits() if hit.tile_id not in own]
    right = np.array([_says(hit, names) for hit in hits])
    precise = np.cumsum(right) / np.arange(1, len(right) + 1)
    complete = np.cumsum(right) / max(right.sum(), 1)
    f1 = 2 * precise * complete / np.maximum(precise + complete, 1e-9)
    return hits[int(f1.argmax())].score


def _says(hit: Hit, names: re.Pattern[str]) -> bool:
    return any(names.search(plain_words(text)) for text in (class_words(hit.label or ""), *hit.captions))


def _leaning(text: NDArray[np.float32], exemplars: NDArray[np.float32]) -> NDArray[np.float32]:
    return _unit(text + _unit(exemplars.mean(axis=0)))


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector
