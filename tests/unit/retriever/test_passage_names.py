"""Names of places in questions: whole words, without case, accents and plural, the longest first."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.rag.passages._passage_names import Names

KNOWN = ["Lake Neusiedl", "Neusiedl", "Fertő", "Storm Ylva, 4 March 2021", "Łódź (city)", "Land's End", "Rice terrace"]
NAMES = Names((name, number) for number, name in enumerate(KNOWN))


def found(text: str, names: Names = NAMES) -> list[tuple[str, str]]:
    return [(each[0].name, text[each[0].start : each[0].end]) for each in names.find(text)]


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("How did Lake Neusiedl change?", "Lake Neusiedl", "Lake Neusiedl"),
        ("how did LAKE  NEUSIEDL change", "Lake Neusiedl", "LAKE  NEUSIEDL"),
        ("the reeds of ferto.", "Fertő", "ferto"),
        ("the reeds of Ferto\u030b.", "Fertő", "Ferto\u030b"),
        ("Was lodz flooded?", "Łódź (city)", "lodz"),
        ("what did Storm Ylva do?", "Storm Ylva, 4 March 2021", "Storm Ylva"),
        ("boats off Land’s End", "Land's End", "Land’s End"),
        ("Neusiedl's reed", "Neusiedl", "Neusiedl's"),
        ("rice terraces in May", "Rice terrace", "rice terraces"),
        ("lake-neusiedl", "Lake Neusiedl", "lake-neusiedl"),
    ],
)
def test_names_are_found_however_they_are_written(text: str, name: str, said: str) -> None:
    assert found(text) == [(name, said)]


@pytest.mark.parametrize(
    "text", ["Neusiedlersee", "the lake", "no name here", "", "storm", "Lodzer", "terrace of rice"]
)
def test_parts_of_names_and_parts_of_words_are_none(text: str) -> None:
    assert found(text) == []


def test_longest_name_wins_and_none_overlap() -> None:
    assert found("Neusiedl, Lake Neusiedl and Storm Ylva, 4 March 2021!") == [
        ("Storm Ylva, 4 March 2021", "Storm Ylva, 4 March 2021"),
        ("Lake Neusiedl", "Lake Neusiedl"),
        ("Neusiedl", "Neusiedl"),
    ]


def test_a_name_of_several_entries_tells_all_of_them() -> None:
    names = Names([("Springfield", 0), ("Springfield, Ohio", 1), ("Springfield", 0)])
    (both,) = names.find("Springfield in spring")
    assert [each.entry for each in both] == [0, 1]


@pytest.mark.parametrize(
    "thing", ["Harbour", "wetlands", "Rivers", "Introduction", "river bridge", "2019", "Ob", "forest"]
)
def test_words_for_things_are_no_names(thing: str) -> None:
    assert found(f"where is a {thing}?", Names([(thing, 0)])) == []


def test_scripts_other_than_latin_are_found_between_spaces() -> None:
    names = Names([("Київ", 0), ("琵琶湖", 1), ("Αθήνα", 2)])
    assert {name for name, _ in found("київ і ΑΘΗΝΑ, 琵琶湖?", names)} == {"Київ", "琵琶湖", "Αθήνα"}


@given(st.text(max_size=60), st.text(max_size=60))
def test_offsets_are_of_the_text_as_given(before: str, after: str) -> None:
    text = f"{before} Fertő {after}"
    assert any(name == "Fertő" and "Fert" in said for name, said in found(text))
    spans = sorted((each[0].start, each[0].end) for each in NAMES.find(text))
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
