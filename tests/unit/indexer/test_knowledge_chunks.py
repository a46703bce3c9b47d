"""Texts in pieces that fit: paragraphs together, sentences whole."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.knowledge._chunks import MAX_TEXT, pieces


def count(texts: Sequence[str]) -> list[int]:
    return [2 + len(text.split()) for text in texts]


def cut(text: str, room: int) -> list[str]:
    return [piece.text for piece in pieces(text, count, room)]


def test_paragraphs_stay_together_as_far_as_they_fit() -> None:
    assert cut("One two. Three.\n\nFour five.\n\nSix seven eight.", 5) == [
        "One two. Three.\n\nFour five.",
        "Six seven eight.",
    ]


def test_a_paragraph_that_fits_by_itself_is_not_broken() -> None:
    assert cut("One two three.\n\nFour five. Six seven.", 5) == ["One two three.", "Four five. Six seven."]


def test_a_long_paragraph_repeats_its_last_short_sentence() -> None:
    text = "One two three. Four five six. Seven. Eight nine ten eleven. Twelve."
    assert cut(text, 8) == ["One two three. Four five six. Seven.", "Seven. Eight nine ten eleven. Twelve."]


def test_nothing_is_repeated_between_paragraphs() -> None:
    assert cut("One.\n\nTwo three four.", 3) == ["One.", "Two three four."]


@pytest.mark.parametrize(
    "text",
    [
        "The mole of St. Peter is 3.5 m high.",
        "Dr. J. Smith saw it, e.g. in May.",
        "It holds approx. 20 boats, incl. ferries.",
        "wrapped\nover two lines",
    ],
)
def test_no_sentence_is_cut_in_two(text: str) -> None:
    assert cut(text, 2) == [text]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('He said "stop!" Then it rained.', ['He said "stop!"', "Then it rained."]),
        ("Is it? Yes! Good.", ["Is it?", "Yes!", "Good."]),
        ("- one boat\n- two boats", ["- one boat", "- two boats"]),
        ("湖は浅い。水は少ない。", ["湖は浅い。", "水は少ない。"]),
    ],
)
def test_sentences_end_where_a_reader_would_say(text: str, sentences: list[str]) -> None:
    assert cut(text, 1) == sentences


def test_what_has_no_sentences_is_cut_at_spaces_and_marked() -> None:
    found = pieces("word " * 1_000, count, 50)
    assert [piece.overlong for piece in found] == [True] * 3
    assert all(len(piece.text) <= MAX_TEXT for piece in found)
    assert sum(len(piece.text.split()) for piece in found) == 1_000


@given(
    st.lists(
        st.lists(st.lists(st.sampled_from(["ab", "cde", "fghi"]), min_size=1, max_size=9), min_size=1, max_size=6),
        min_size=1,
        max_size=5,
    ),
    st.integers(3, 15),
)
def test_every_sentence_is_whole_in_a_piece_that_fits(paragraphs: list[list[list[str]]], room: int) -> None:
    told = [[" ".join([f"S{p}x{s}", *words]) + "." for s, words in enumerate(par)] for p, par in enumerate(paragraphs)]
    found = pieces("\n\n".join(" ".join(par) for par in told), count, room)
    for sentence in (sentence for par in told for sentence in par):
        assert any(sentence in piece.text for piece in found)
    for piece in found:
        fits = count([piece.text])[0] - 2 <= room
        assert fits != piece.overlong
        assert fits or sum(sentence in piece.text for par in told for sentence in par) == 1
