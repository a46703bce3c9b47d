"""The protocols of answers with a real model behind a real server; it is random, so it is the way that is tested."""

from collections.abc import Iterator

import pytest

from core.testing import MeanColourEncoder
from evaluation import Options, evaluate
from tests.integration.tiny_vlm import TinyVlm, served_vlm
from tests.unit.evaluation.doubles import Held
from tests.unit.evaluation.rag_doubles import fields
from tests.unit.evaluation.test_rag_choice import SCENES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def vlm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyVlm]:
    pytest.importorskip("transformers", reason="the real server needs pip install 'transformers[serving]'")
    pytest.importorskip("torch", reason="the real server needs torch")
    with served_vlm(tmp_path_factory.mktemp("vlm")) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in (("URL", running.url), ("MODEL", running.model), ("MAX_TOKENS", "64"), ("RETRIES", "0")):
            patch.setenv(f"SWATH_ANSWER_{name}", value)
        patch.setenv("SWATH_ANSWER_IMAGES", "2")
        yield running


@pytest.mark.parametrize(("protocol", "held"), [("rag-vqa", fields(4)), ("rag-choice", SCENES[:4])])
def test_a_random_model_is_asked_under_every_control_and_is_not_right(
    protocol: str, held: tuple[object, ...], vlm: TinyVlm
) -> None:
    options = Options(k=1, questions=1, tile_px=20, leakage_limit=0)
    report = evaluate(protocol, MeanColourEncoder(), Held(held=held), options)  # type: ignore[arg-type]  # samples
    assert report.model is not None
    assert report.model not in {"nearest", "matching"}
    for control in ("with retrieval", "without retrieval", "shuffled evidence", "blank images"):
        figure = report.figure(f"overall, {control}")
        assert figure.queries == 4
        # Random bytes are no JSON, so they fail honestly, and count as wrong.
        assert figure.value == 0
        assert report.latency[control]["answer"][0] > 0
    assert "4 failed" in report.notes[0]
    assert any(note.startswith("Failures: ") for note in report.notes)
