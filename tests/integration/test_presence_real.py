"""RSVQA's own pictures and questions, whole and in tiles."""

import pytest

from core import InputError
from core.testing import MeanColourEncoder
from evaluation import Options, evaluate
from tests.integration.real import DATA

RSVQA = DATA / "rsvqa"

pytestmark = pytest.mark.skipif(not RSVQA.is_dir(), reason=f"no RSVQA pictures at {RSVQA}; set SWATH_DATA")


@pytest.mark.parametrize(("tile_px", "candidates"), [(None, 24), (128, 12 * 4 + 12 * 16)])
def test_both_sources_are_asked_apart(tile_px: int | None, candidates: int) -> None:
    report = evaluate("presence", MeanColourEncoder(), f"rsvqa:{RSVQA}", Options(split="all", tile_px=tile_px))
    assert report.pictures == candidates
    assert {figure.name: figure.queries for figure in report.figures} == {
        "presence mAP, RSVQA-HR": 9,
        "presence mAP, RSVQA-LR": 6,
    }
    # Counted in the JSON: 10 pictures have a building, 2 have none.
    assert any(
        "312 questions about presence, 9 of 131 objects" in note and "building 10/2" in note for note in report.notes
    )
    assert all("0 pairs" in note and "not understood" not in note for note in report.notes)


def test_a_split_that_is_too_small_says_so() -> None:
    with pytest.raises(InputError, match="--split all"):
        evaluate("presence", MeanColourEncoder(), f"rsvqa:{RSVQA}", Options(split="test"))
