"""RSVQA: questions joined with answers across the official tables."""

import json
from collections import Counter
from pathlib import Path

import pytest

from core import InputError
from embeddings.datasets import open_dataset
from tests.dataset_trees_b import rsvqa
from tests.integration.real import DATA

REAL = DATA / "rsvqa"


def edited(path: Path, key: str, change: dict[str, object]) -> None:
    table = json.loads(path.read_text(encoding="utf-8"))
    table[key][-1] |= change
    path.write_text(json.dumps(table), encoding="utf-8")


def test_each_picture_has_its_own_questions_with_their_answers(tmp_path: Path) -> None:
    rsvqa(tmp_path)
    samples = {sample.sample_id: sample for sample in open_dataset("rsvqa", tmp_path).samples()}
    assert sorted(samples) == ["hr-10212", "hr-2387", "hr-2402", "lr-236", "lr-72"]
    for name, sample in samples.items():
        assert len(sample.questions) == 2
        assert {(q.text, q.answer, q.kind) for q in sample.questions} == {
            (f"Is there water in {name[3:]}?", "yes", "presence")
        }


def test_pictures_cut_from_one_tile_are_one_group(tmp_path: Path) -> None:
    rsvqa(tmp_path)
    groups = {sample.sample_id: sample.group for sample in open_dataset("rsvqa", tmp_path).samples("test")}
    assert groups["hr-2387"] == groups["hr-2402"] == "hr-tile_2"
    assert groups["lr-236"] == "lr-tile_0"


def test_one_part_alone_is_enough(tmp_path: Path) -> None:
    rsvqa(tmp_path)
    assert open_dataset("rsvqa", tmp_path / "RSVQA-LR").splits == ("test", "train")


def test_a_question_without_an_answer_is_told(tmp_path: Path) -> None:
    rsvqa(tmp_path)
    edited(tmp_path / "RSVQA-LR/LR_split_train_answers.json", "answers", {"question_id": 5})
    with pytest.raises(InputError, match=r"LR_split_train_answers\.json has no answer to question 721"):
        list(open_dataset("rsvqa", tmp_path).samples("train"))


def test_a_question_about_an_inactive_picture_is_told(tmp_path: Path) -> None:
    rsvqa(tmp_path)
    edited(tmp_path / "RSVQA-LR/LR_split_train_questions.json", "questions", {"img_id": 0})
    with pytest.raises(InputError, match="asks about image 0"):
        list(open_dataset("rsvqa", tmp_path).samples("train"))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no RSVQA at {REAL}; set SWATH_DATA")
def test_the_real_files_hold_24_pictures_and_2401_questions_at_their_resolutions() -> None:
    samples = list(open_dataset("rsvqa", REAL).samples())
    assert Counter(sample.sample_id[:2] for sample in samples) == {"lr": 12, "hr": 12}
    kinds = Counter(question.kind for sample in samples for question in sample.questions)
    assert kinds == {"comp": 882, "presence": 668, "count": 658, "area": 181, "rural_urban": 12}
    for sample in samples:
        tile = sample.views[0].read()
        assert tile.gsd == pytest.approx(10 if sample.sample_id.startswith("lr") else 0.1524, rel=0.02)
