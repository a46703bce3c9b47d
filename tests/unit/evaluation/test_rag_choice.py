"""Letters about pictures of coloured quarters, and the quarter that the words find."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core import InputError, Question, Sample
from core.testing import MeanColourEncoder
from evaluation import Options, Report, evaluate
from evaluation._rag_scenes import shows
from tests.unit.evaluation.doubles import BLUE, GREEN, RED, Colour, Held, coloured, sample
from tests.unit.evaluation.rag_doubles import ListeningModel, quarters, settings_alone

EXACT = 1e-9
WHERE = {0: (0.0, 0.0, 0.5, 0.5), 1: (0.5, 0.0, 1.0, 0.5), 2: (0.0, 0.5, 0.5, 1.0), 3: (0.5, 0.5, 1.0, 1.0)}
"""Place of a quarter to its box."""


@pytest.fixture(autouse=True, scope="module")
def alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        settings_alone(patch)
        yield


def scene(number: int, colour: Colour, name: str, place: int) -> Sample:
    """A green or blue picture with one quarter of another colour; asked is which of two colours is in it."""
    ground = BLUE if colour == GREEN else GREEN
    colours = [colour if at == place else ground for at in range(4)]
    choices = (name, "white") if number % 2 else ("white", name)
    question = Question(
        text=f"Where is something {name} ?",
        answer="A" if number % 2 else "B",
        kind="colour",
        choices=choices,
        region=WHERE[place],
    )
    return sample(f"s{number}", {"image": quarters(colours)}, questions=(question,))


SCENES = tuple(
    scene(number, colour, name, place)
    for number, (colour, name, place) in enumerate(((RED, "red", 0), (GREEN, "green", 3), (RED, "red", 2)) * 2)
)


def measured(held: Any = SCENES, *, k: int = 1, **options: Any) -> Report:
    return evaluate("rag-choice", MeanColourEncoder(), Held(held=held), Options(k=k, tile_px=20, **options))


@pytest.fixture(scope="module")
def matching() -> Report:
    return measured()


def test_the_part_that_the_words_find_tells_the_letter_and_the_region(matching: Report) -> None:
    assert matching.figure("overall, with retrieval").value == 1
    hit = matching.figure("region hit rate")
    assert (hit.value, hit.chance, hit.queries) == (1, 1 / 4, 6)
    cited = matching.figure("region hit rate of cited parts")
    assert (cited.value, cited.chance, cited.baseline) == (1, 1 / 4, None)
    assert matching.model == "matching (mean-colour)"


def test_words_of_another_question_find_the_region_less_often(matching: Report) -> None:
    baseline = matching.figure("region hit rate").baseline
    assert baseline is not None
    assert baseline < 1


def test_grey_pictures_tell_nothing_apart(matching: Report) -> None:
    assert matching.figure("overall, blank images").value < 1
    assert matching.figure("colour, with retrieval").chance == 1 / 2


def test_a_larger_view_is_drawn_by_chance_more_often() -> None:
    assert measured(k=3).figure("region hit rate").chance == pytest.approx(3 / 4, abs=EXACT)


def test_the_letter_counts_however_it_is_said_and_a_wrong_citation_misses() -> None:
    reply = json.dumps({"answerable": True, "claims": [{"text": "The answer is (A).", "cites": [1]}], "caveats": []})
    model = ListeningModel(reply)
    report = measured(model=model)
    assert report.figure("overall, with retrieval").value == pytest.approx(3 / 6, abs=EXACT)
    assert report.figure("region hit rate").value == 1
    cited = report.figure("region hit rate of cited parts")
    assert (cited.value, cited.chance) == (0, 0)
    assert [len(sent) for sent in model.pictures_sent] == [2] * 6 + [1] * 6 + [2] * 12
    assert all(told.count("Choices: (A) ") == 1 and " (B) " in told for told in model.told)


def test_several_right_letters_must_all_be_named() -> None:
    both = Question(text="Which are there ?", answer="AB", kind="land", choices=("red", "green", "blue"))
    held = tuple(sample(f"m{n}", {"image": quarters([RED, GREEN, RED, GREEN])}, questions=(both,)) for n in range(2))
    for said, right in (("A and B", 1), ("A", 0), ("A, B, C", 0)):
        reply = json.dumps({"answerable": True, "claims": [{"text": said, "cites": [1]}], "caveats": []})
        report = measured(held, model=ListeningModel(reply))
        assert report.figure("overall, with retrieval").value == right
        assert report.figure("overall, with retrieval").chance == pytest.approx(1 / 7, abs=EXACT)


def test_without_regions_there_is_no_hit_rate() -> None:
    asked = Question(text="What is red ?", answer="A", kind="colour", choices=("red", "blue"))
    held = tuple(sample(f"p{n}", {"image": coloured(RED, side=40)}, questions=(asked,)) for n in range(2))
    assert not any("region" in figure.name for figure in measured(held).figures)


def test_both_pictures_of_a_pair_are_shown() -> None:
    asked = Question(text="What became red ?", answer="A", kind="change", choices=("red", "blue"))
    views = {"before": coloured(GREEN, side=40), "after": coloured(RED, side=40)}
    model = ListeningModel(json.dumps({"answerable": False, "claims": [], "caveats": []}))
    report = measured(tuple(sample(f"p{n}", views, questions=(asked,)) for n in range(2)), model=model)
    assert [len(sent) for sent in model.pictures_sent] == [3, 3, 2, 2, 3, 3, 3, 3]
    assert "tile 2 that of the later date" in model.told[0]
    assert report.figure("overall, with retrieval").value == 0


def test_questions_without_choices_belong_elsewhere() -> None:
    asked = (Question(text="Is it red?", answer="yes", kind="presence"),)
    with pytest.raises(InputError, match="see rag-vqa"):
        measured((sample("a", {"image": coloured(RED)}, questions=asked),))


def test_a_part_shows_a_region_by_half_of_the_smaller() -> None:
    assert shows((0.0, 0.0, 0.5, 0.5), (0.1, 0.1, 0.2, 0.2))
    assert shows((0.1, 0.1, 0.2, 0.2), (0.0, 0.0, 0.5, 0.5))
    assert shows((0.0, 0.0, 0.5, 0.5), (0.4, 0.0, 0.6, 0.5))
    assert not shows((0.0, 0.0, 0.5, 0.5), (0.45, 0.0, 0.65, 0.5))
    assert not shows((0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0))
