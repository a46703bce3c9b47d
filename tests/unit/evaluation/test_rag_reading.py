"""Free answers read as classes."""

import pytest

from evaluation._rag_reading import bucket, chance_of_class, form_of, read_answer, read_letters

CHOICES = ("red", "A blue house", "green")


@pytest.mark.parametrize(
    ("answer", "form"),
    [("yes", "yes or no"), ("No", "yes or no"), ("47", "number"), ("12m2", "area"), ("rural", "word")],
)
def test_the_truth_says_what_answers_look_like(answer: str, form: str) -> None:
    assert form_of(answer) == form


@pytest.mark.parametrize(
    ("value", "name"),
    [(0, "0"), (1, "1-10"), (10, "1-10"), (11, "11-100"), (100, "11-100"), (1000, "101-1000"), (1001, ">1000")],
)
def test_buckets_end_where_the_official_ones_do(value: float, name: str) -> None:
    assert bucket(value) == name


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("Yes, there is a lake.", "yes or no", "yes"),
        ("There is no lake", "yes or no", "no"),
        ("I cannot tell", "yes or no", None),
        ("There are 23 buildings.", "number", "11-100"),
        ("between 11 and 100", "number", "11-100"),
        ("more than 1000", "number", ">1000"),
        ("None are visible", "number", "0"),
        ("three", "number", "1-10"),
        ("many", "number", None),
        ("about 1,200 m2", "area", ">1000"),
        ("0m2", "area", "0"),
        ("0.5 ha", "area", ">1000"),
        ("between 10m2 and 100m2", "area", "11-100"),
        ("It is an urban area", "word", "urban"),
        ("suburban", "word", None),
    ],
)
def test_answers_are_read_as_classes(text: str, form: str, expected: str | None) -> None:
    assert read_answer(text, form, {"rural", "urban"}) == expected  # type: ignore[arg-type]  # a literal as text


def test_counts_may_have_to_be_exact_and_areas_never() -> None:
    assert read_answer("There are 23", "number", exact=True) == "23"
    assert read_answer("23 m2", "area", exact=True) == "11-100"


def test_a_guess_is_right_as_often_as_there_are_classes() -> None:
    assert chance_of_class("yes or no", {"yes"}) == 1 / 2
    assert chance_of_class("area", {"0"}) == 1 / 5
    assert chance_of_class("number", {"0", "1-10"}) == 1 / 5
    assert chance_of_class("number", {"0", "1", "7"}, exact=True) == 1 / 3
    assert chance_of_class("word", {"rural", "urban"}) == 1 / 2


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("B", "B"),
        ("(B) A blue house", "B"),
        ("B.", "B"),
        ("The best answer is C.", "C"),
        ("The correct option is (A)", "A"),
        ("Answer: A, C", "AC"),
        ("C and A", "AC"),
        ("A blue house", "B"),
        ("It is (C), I think", "C"),
        ("A dog stands there", ""),
        ("(A) or (B)", ""),
        ("green", "C"),
        ("Because of the dam", ""),
        ("D", ""),
    ],
)
def test_letters_are_read_and_capitals_inside_words_are_not(text: str, letters: str) -> None:
    assert read_letters(text, CHOICES) == letters
