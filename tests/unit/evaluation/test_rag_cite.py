"""Citations and abstentions over an archive of coloured pictures."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from core import InputError
from core.testing import MeanColourEncoder
from evaluation import Options, Report, evaluate
from evaluation._rag_cite_figures import Outcome, Query, figures_of
from retriever.rag import Claim, Message, TextPart
from tests.unit.evaluation.doubles import BLUE, GREEN, RED, Colour, Held, coloured, sample
from tests.unit.evaluation.rag_doubles import settings_alone

EXACT = 1e-9
COLOURS = {"red": RED, "green": GREEN, "blue": BLUE}


@pytest.fixture(autouse=True, scope="module")
def alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        settings_alone(patch)
        yield


def shade(colour: Colour, number: int) -> Colour:
    """Another colour of that name, far enough from the others not to pass for the same picture."""
    red, green, blue = (max(part, 10 + 30 * (number + at) % 120) for at, part in enumerate(colour))
    return red, green, blue


def archive(each: int = 4) -> Any:
    """So many pictures of each colour, the colour being the label and told in a caption."""
    return tuple(
        sample(
            f"{name}{number}",
            {"image": replace(coloured(shade(colour, number)), tile_id=f"held~{name}{number}", label=name)},
            labels=(name,),
            captions=(f"a {name} field",),
        )
        for name, colour in COLOURS.items()
        for number in range(each)
    )


def measured(**options: Any) -> Report:
    return evaluate("rag-cite", MeanColourEncoder(), Held(held=archive()), Options(k=4, **options))


class CitesEverything:
    """Claims that every tile it is shown has what was asked for."""

    told: list[str]

    def __init__(self) -> None:
        self.told = []

    @property
    def name(self) -> str:
        """Always the same."""
        return "cites everything"

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        """Yield one claim."""
        parts = [part.text for message in messages for part in message.parts if isinstance(part, TextPart)]
        self.told.append("\n".join(parts))
        numbers = sorted({int(found) for found in re.findall(r'^\{"number": (\d+), ', self.told[-1], re.MULTILINE)})
        claims = [{"text": "These tiles show it.", "cites": numbers}]
        yield json.dumps({"answerable": True, "claims": claims, "caveats": []})


@pytest.fixture(scope="module")
def everything() -> tuple[Report, CitesEverything]:
    model = CitesEverything()
    return measured(model=model), model


def test_citations_of_what_the_colour_finds_are_right(everything: tuple[Report, CitesEverything]) -> None:
    report, _ = everything
    precision = report.figure("citation precision, with retrieval")
    assert (precision.value, precision.baseline) == (1, 1)
    assert precision.chance == pytest.approx(4 / 12, abs=EXACT)
    assert report.figure("citation recall, with retrieval").value == 1


def test_evidence_of_another_class_is_cited_wrongly(everything: tuple[Report, CitesEverything]) -> None:
    report, _ = everything
    assert report.figure("citation precision, shuffled evidence").value == 0
    assert report.figure("citation recall, shuffled evidence").value == 0


def test_without_evidence_nobody_answers(everything: tuple[Report, CitesEverything]) -> None:
    report, _ = everything
    assert report.figure("abstention recall, without retrieval").value == 1
    assert "Answers without any evidence: 0 of 6." in report.notes
    assert not any(figure.name.startswith("citation") and "without" in figure.name for figure in report.figures)


def test_labels_and_captions_are_hidden_from_the_model(everything: tuple[Report, CitesEverything]) -> None:
    _, model = everything
    assert model.told
    assert not any("field" in told for told in model.told)
    # The class is named in the question and as what was looked for, and nowhere else.
    assert all(
        set(re.findall(r"red|green|blue", told.replace('"looked_for"', ""))) <= {*COLOURS} for told in model.told
    )
    assert all(len(set(re.findall(r"Which tiles show (\w+)", told))) == 1 for told in model.told)


def test_records_answer_where_there_is_no_model() -> None:
    report = measured()
    assert report.model == "records"
    assert report.figure("citation precision, with retrieval").value == 1
    assert set(report.latency["with retrieval"]) >= {"retrieve", "answer"}


def test_one_class_alone_cannot_be_asked_for() -> None:
    held = tuple(one for one in archive() if one.labels == ("red",))
    with pytest.raises(InputError, match="needs two classes"):
        evaluate("rag-cite", MeanColourEncoder(), Held(held=held))


def outcome(name: str, *, abstained: bool, evidence: tuple[bool, ...], cites: tuple[tuple[int, ...], ...]) -> Outcome:
    return Outcome(
        query=Query(name=name, without=False),
        abstained=abstained,
        claims=tuple(Claim(text="It is here.", cites=each) for each in cites),
        evidence=evidence,
        share=(3, 10),
    )


def test_precision_counts_citations_and_recall_claims() -> None:
    outcomes = (
        outcome("lake", abstained=False, evidence=(True, False, True), cites=((1, 2), (2,))),
        outcome("road", abstained=False, evidence=(False, True), cites=((2,),)),
    )
    figures = {figure.name: figure for figure in figures_of("with retrieval", outcomes)}
    assert figures["citation precision, with retrieval"].value == pytest.approx(2 / 4, abs=EXACT)
    assert figures["citation precision, with retrieval"].baseline == pytest.approx((3 * 2 / 3 + 1 / 2) / 4, abs=EXACT)
    assert figures["citation recall, with retrieval"].value == pytest.approx(2 / 3, abs=EXACT)


def test_abstentions_are_right_where_the_evidence_shows_nothing() -> None:
    outcomes = (
        outcome("lake", abstained=True, evidence=(False, False), cites=()),
        outcome("road", abstained=True, evidence=(True,), cites=()),
        outcome("dock", abstained=False, evidence=(False,), cites=((1,),)),
        outcome("pier", abstained=False, evidence=(True,), cites=((1,),)),
        outcome("quay", abstained=False, evidence=(True,), cites=((1,),)),
    )
    figures = {figure.name: figure for figure in figures_of("with retrieval", outcomes)}
    precision, recall = (figures[f"abstention {name}, with retrieval"] for name in ("precision", "recall"))
    assert [precision.value, recall.value] == pytest.approx([1 / 2, 1 / 2], abs=EXACT)
    assert precision.queries == recall.queries == 2
    assert precision.chance == pytest.approx(2 / 5, abs=EXACT)
    assert recall.chance == pytest.approx(2 / 5, abs=EXACT)
