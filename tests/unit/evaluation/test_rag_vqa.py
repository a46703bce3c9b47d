"""Free answers under four controls, by hand."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import InputError, Question, UnknownNameError
from core.testing import MeanColourEncoder
from evaluation import Options, Report, evaluate
from evaluation._rag_controls import Asked, partners, require_partners
from evaluation._rag_models import Exemplar, similar, vote
from retriever.rag import ModelError
from tests.unit.evaluation.doubles import RED, Held, coloured, sample
from tests.unit.evaluation.rag_doubles import ListeningModel, fields, settings_alone

EXACT = 1e-9


@pytest.fixture(autouse=True, scope="module")
def alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        settings_alone(patch)
        yield


ALONE = (*fields(1), sample("other", {"image": coloured(RED)}, questions=(Question(text="?", answer="a", kind="x"),)))
YES = json.dumps({"answerable": True, "claims": [{"text": "Yes, it is.", "cites": [1]}], "caveats": []})


def measured(held: Any = None, **options: Any) -> Report:
    return evaluate("rag-vqa", MeanColourEncoder(), Held(held=held or fields()), Options(k=2, **options))


@pytest.fixture(scope="module")
def nearest() -> Report:
    return measured(model="nearest")


def test_the_nearest_picture_of_another_group_tells_the_answer(nearest: Report) -> None:
    for kind in ("presence", "count", "colour", "overall", "average of types"):
        assert nearest.figure(f"{kind}, with retrieval").value == 1


def test_nothing_retrieved_nothing_answered(nearest: Report) -> None:
    assert nearest.figure("overall, without retrieval").value == 0
    assert "without retrieval: 18 of 18 without an answer" in " ".join(nearest.notes)


def test_evidence_of_other_questions_and_grey_pictures_do_worse(nearest: Report) -> None:
    for control in ("shuffled evidence", "blank images"):
        gain = nearest.figure(f"overall, with retrieval less {control}")
        assert gain.value == pytest.approx(1 - nearest.figure(f"overall, {control}").value, abs=EXACT)
        assert gain.low > 0


def test_chance_and_the_most_frequent_answer_of_other_groups_stand_beside_every_score(nearest: Report) -> None:
    presence = nearest.figure("presence, with retrieval")
    assert (presence.chance, presence.queries, presence.units) == (1 / 2, 6, 6)
    # Of the five others, red fields see four "no" and say wrong, the four others see three "no" and say right.
    assert presence.baseline == pytest.approx(4 / 6, abs=EXACT)
    assert nearest.figure("colour, with retrieval").chance == pytest.approx(1 / 3, abs=EXACT)
    # Two of each colour: without its own, the most frequent is never its own.
    assert nearest.figure("colour, with retrieval").baseline == 0
    assert nearest.baseline == "most frequent answer"


def test_every_step_is_timed_and_the_report_shows_it(nearest: Report) -> None:
    assert {"retrieve", "model", "validate", "answer"} <= set(nearest.latency["with retrieval"])
    assert all(0 <= middle <= late for row in nearest.latency.values() for middle, late in row.values())
    text = nearest.to_markdown()
    assert "answered by nearest" in text
    assert "| most frequent answer |" in text
    assert "| with retrieval | " in text
    assert json.loads(nearest.to_json())["latency"]["blank images"]["answer"][0] > 0


def test_the_same_seed_gives_the_same_figures(nearest: Report) -> None:
    assert measured(model="nearest").figures == nearest.figures


def test_a_picture_never_gets_the_answers_of_its_own_group() -> None:
    twins = fields(5)
    secret = Question(text="Is there a red field?", answer="no, says g9", kind="presence")
    own = sample("own", {"image": coloured(RED)}, group="g9", questions=(secret,))
    sibling = sample("sibling", {"image": coloured(RED)}, group="g9", questions=(secret,))
    model = ListeningModel(YES)
    measured((own, sibling, *twins), model=model, only_groups=("g9",))
    assert len(model.told) == 2 * 4
    assert not any("says g9" in told for told in model.told)


def test_each_control_sends_what_it_says() -> None:
    model = ListeningModel(YES)
    measured(fields(6), model=model, questions=1)
    told = [model.told[start : start + 6] for start in range(0, 24, 6)]
    sent = [model.pictures_sent[start : start + 6] for start in range(0, 24, 6)]
    assert all("Known of picture" in each for row in (told[0], told[2], told[3]) for each in row)
    assert not any("Known of picture" in each for each in told[1])
    assert [{len(pictures) for pictures in row} for row in sent] == [{3}, {1}, {3}, {3}]
    for shown, grey in ((sent[0], False), (sent[3], True)):
        spread = [np.ptp(np.asarray(Image.open(io.BytesIO(one)).convert("RGB"))) for row in shown for one in row]
        assert all((each < 8) == grey for each in spread)
    assert all(each.count("Question: Is there a red field?") == 1 for row in told for each in row)


def test_what_a_model_says_is_read_and_its_failures_are_counted() -> None:
    said = measured(model=ListeningModel(YES), questions=1)
    assert said.figure("presence, without retrieval").value == pytest.approx(2 / 6, abs=EXACT)
    assert said.model == "listening"
    failed = measured(model=ListeningModel(ModelError("the server is away")), questions=1)
    assert failed.figure("overall, with retrieval").value == 0
    assert "6 failed" in failed.notes[0]
    assert "24 x the server is away" in failed.notes[1]


def test_counts_that_no_record_gives_count_here_all_the_same() -> None:
    reply = json.dumps({"answerable": True, "claims": [{"text": "There are 30 roofs", "cites": [1]}], "caveats": []})
    report = measured(model=ListeningModel(reply))
    assert report.figure("count, without retrieval").value == pytest.approx(2 / 6, abs=EXACT)
    assert any("would not have let it through" in note for note in report.notes)


@pytest.mark.parametrize(
    ("held", "options", "message"),
    [
        ((sample("a", {"image": coloured(RED)}),), {}, "needs questions without choices"),
        (fields(1), {}, "all pictures are of one"),
        (fields(3), {"model": "configured"}, "set SWATH_ANSWER_URL"),
        (ALONE, {}, "shuffled evidence needs another question of the same kind"),
    ],
)
def test_what_cannot_be_measured_is_said(held: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        measured(held, **options)


def test_an_unknown_model_lists_the_known() -> None:
    with pytest.raises(UnknownNameError, match="configured, matching, nearest"):
        measured(model="gpt")


def test_partners_are_of_the_same_kind_and_another_group() -> None:
    asked = [Asked(kind=number % 2, group=f"g{number // 4}") for number in range(12)]
    found = require_partners(partners(asked))
    for number, partner in enumerate(found):
        assert asked[partner].kind == asked[number].kind
        assert asked[partner].group != asked[number].group
    assert found == partners(asked)


def test_votes_weigh_pictures_by_likeness_and_questions_by_their_words() -> None:
    def known(picture: int, alike: float, answer: str, question: str = "Is there a lake?") -> Exemplar:
        return Exemplar(picture=picture, passage=picture + 10, alike=alike, question=question, answer=answer)

    near, far, other = known(2, 0.9, "yes"), known(3, 0.5, "no"), known(4, 0.95, "no", "Is there a road?")
    answer, cites, share = vote("Is a lake present?", [near, far, other])
    assert (answer, cites) == ("yes", (2, 12))
    assert 0.9 < share < 1
    assert vote("How many?", [known(2, 0.9, "7"), known(3, 0.9, "900"), known(4, 0.9, "9")])[0] == "9"
    assert vote("How large?", [known(2, 0.9, "70m2"), known(3, 0.1, "9m2")])[0] == "70m2"


def test_questions_are_alike_by_the_words_that_matter() -> None:
    assert similar("Is there a water area?", "Are water areas present in the image?") == 1
    assert similar("Is there a lake?", "Is there a road?") == 0
