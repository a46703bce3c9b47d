"""From request to hits, with the mean-colour encoder, whose answers can be checked by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core import QueryError, SpaceMismatchError, TileNotFoundError, VectorSpace
from core.testing import MeanColourEncoder
from retriever import Searcher, SearchRequest, find_tile
from tests.unit.retriever.tables import SPACE, Archive, row, rows_in_memory

COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "pale red": (1, 0.5, 0.5)}


def archive() -> Archive:
    vectors = {name: np.array([*colour, 0.1]) for name, colour in COLOURS.items()}
    rows = [row(name, vector=(v / np.linalg.norm(v)).tolist(), cloud=0.5) for name, v in vectors.items()]
    return Archive(rows_in_memory(rows))


def ids(encoder: Any = None, **given: Any) -> list[str]:
    return [hit.tile_id for hit in Searcher(archive(), encoder).search(SearchRequest.build(**given))]


def test_words_find_tiles() -> None:
    assert ids(MeanColourEncoder(), text="something red", k=2) == ["red", "pale red"]


def test_pictures_find_tiles() -> None:
    picture = np.full((8, 8, 3), (0, 0, 255), np.uint8)
    assert ids(MeanColourEncoder(), image=picture, k=1) == ["blue"]


def test_more_like_a_tile_leaves_the_tile_out() -> None:
    found = Searcher(archive()).search(SearchRequest.build(like="red"))
    assert [hit.tile_id for hit in found] == ["pale red", "blue", "green"]
    assert found.matched == 3


def test_vectors_find_tiles_without_an_encoder() -> None:
    assert ids(vector=[0, 5, 0, 0], k=1) == ["green"]


def test_scores_never_exceed_one() -> None:
    rows = rows_in_memory([row("long", vector=[1.0004, 0, 0, 0])])
    (hit,) = Searcher(Archive(rows)).search(SearchRequest.build(vector=[1, 0, 0, 0]))
    assert hit.score == 1.0


def test_the_encoder_is_opened_when_it_is_needed_and_once() -> None:
    opened: list[int] = []

    def opener() -> MeanColourEncoder:
        opened.append(1)
        return MeanColourEncoder()

    searcher = Searcher(archive(), opener)
    searcher.search(SearchRequest.build(like="red"))
    assert not opened
    for _ in range(2):
        searcher.search(SearchRequest.build(text="red"))
    assert opened == [1]
    assert ids(MeanColourEncoder, text="red", k=1) == ["red"]


class TextOnly:
    space = SPACE

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(4, dtype=np.float32)[: len(texts)]


class TilesOnly:
    space = SPACE

    def prepare(self, tile: Any) -> NDArray[np.generic]:
        return np.zeros(1)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        return np.zeros((len(batch), 4), np.float32)


@pytest.mark.parametrize(
    ("encoder", "given", "error", "message"),
    [
        (None, {"text": "red"}, QueryError, "no encoder was given"),
        (TilesOnly(), {"text": "red"}, QueryError, "does not understand words"),
        (TextOnly(), {"image": np.zeros((4, 4, 3), np.uint8)}, QueryError, "does not look at pictures"),
        (TilesOnly(), {"image": np.zeros((4, 4, 3), np.uint8)}, QueryError, "picture's vector is all zeros"),
        (MeanColourEncoder(revision="2"), {"text": "red"}, SpaceMismatchError, "mean-colour@1.*mean-colour@2"),
        (None, {"like": "purple"}, TileNotFoundError, "no tile 'purple'"),
        (None, {"vector": [1, 0]}, QueryError, "2 numbers.*vectors of 4"),
    ],
)
def test_what_cannot_be_searched_for_says_why(
    encoder: Any, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Searcher(archive(), encoder).search(SearchRequest.build(**given))


def test_one_search_reads_one_version() -> None:
    class Counting(Archive):
        taken = 0

        def snapshot(self) -> Any:
            self.taken += 1
            return super().snapshot()

    store = Counting(archive().snapshot())
    Searcher(store).search(SearchRequest.build(like="red", filter="cloud < 1", k=2))
    assert store.taken == 1


def test_a_tile_is_found_by_its_id() -> None:
    assert find_tile(archive().snapshot(), "blue").cloud == 0.5
    with pytest.raises(TileNotFoundError):
        find_tile(archive().snapshot(), "purple")


def test_the_space_of_the_index_is_named() -> None:
    assert str(VectorSpace(encoder="mean-colour", revision="1", dim=4)) == str(SPACE)


@pytest.mark.parametrize(("option", "known"), [("sensor", "rgb"), ("collection", "c")])
def test_a_name_the_index_does_not_have_is_an_error_that_lists_what_it_holds(option: str, known: str) -> None:
    with pytest.raises(QueryError, match=rf"no {option} 'nothing' in the index; it holds {known}"):
        ids(vector=[1, 0, 0, 0], **{option: "nothing"})


def test_a_filter_that_nothing_passes_is_an_empty_answer() -> None:
    assert ids(vector=[1, 0, 0, 0], sensor="rgb", max_cloud=10) == []
