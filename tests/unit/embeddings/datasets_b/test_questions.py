"""Questions with choices and conversations, as their publishers lay them out."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import InputError, SceneError
from embeddings.datasets import open_dataset
from embeddings.datasets._choices import answer_letters, plain_choices, split_choices
from tests.dataset_trees_b import arrow_stream, conversations, earthdial, mme_realworld, xlrs_bench, xlrs_rows


def test_mme_realworld_reads_the_remote_sensing_rows_and_joins_those_about_one_picture(tmp_path: Path) -> None:
    mme_realworld(tmp_path)
    dataset = open_dataset("mme-realworld-rs", tmp_path)
    assert dataset.splits == ("test", "test-cn")
    first, second = dataset.samples("test")
    assert [question.kind for question in first.questions] == ["color", "count"]
    assert first.questions[0].choices == ("Yellow", "Blue", "The image does not feature it.")
    assert (first.questions[0].answer, second.questions[0].answer) == ("B", "C")
    assert first.views[0].files[0].name == "03553_Toronto.png"


def test_mme_realworld_with_two_lists_of_one_split_is_told(tmp_path: Path) -> None:
    mme_realworld(tmp_path)
    (tmp_path / "MME-RealWorld-Lite.json").write_bytes((tmp_path / "MME_RealWorld.json").read_bytes())
    with pytest.raises(InputError, match="both hold split test; keep one"):
        open_dataset("mme-realworld-rs", tmp_path)


def test_mme_realworld_without_remote_sensing_rows_is_told(tmp_path: Path) -> None:
    mme_realworld(tmp_path)
    (tmp_path / "MME_RealWorld.json").write_text(json.dumps([{"Subtask": "Monitoring"}]), encoding="utf-8")
    with pytest.raises(InputError, match=r"MME_RealWorld\.json has no row"):
        list(open_dataset("mme-realworld-rs", tmp_path).samples("test"))


def test_mme_realworld_refuses_a_picture_outside_of_its_folder(tmp_path: Path) -> None:
    mme_realworld(tmp_path)
    rows = json.loads((tmp_path / "MME_RealWorld.json").read_text(encoding="utf-8"))
    rows[0]["Image"] = "../secret.png"
    (tmp_path / "MME_RealWorld.json").write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(InputError, match="outside of its folder"):
        list(open_dataset("mme-realworld-rs", tmp_path).samples("test"))


def test_an_answer_that_is_no_choice_is_told_with_its_row(tmp_path: Path) -> None:
    mme_realworld(tmp_path)
    rows = json.loads((tmp_path / "MME_RealWorld.json").read_text(encoding="utf-8"))
    rows[1]["Ground truth"] = "F"
    (tmp_path / "MME_RealWorld.json").write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(InputError, match=r"row 1 of .*answer 'F' is not one of A, B, C"):
        list(open_dataset("mme-realworld-rs", tmp_path).samples("test"))


def test_xlrs_bench_rows_are_samples_grouped_by_their_picture(tmp_path: Path) -> None:
    xlrs_bench(tmp_path)
    river, land, change = open_dataset("xlrs-bench", tmp_path).samples()
    assert river.group == land.group != change.group
    assert (river.questions[0].answer, land.questions[0].answer) == ("B", "AC")
    assert river.questions[0].choices == ("forest", "harbour", "farmland", "none")
    assert [view.role for view in change.views] == ["before", "after"]


def test_pictures_come_from_their_own_row_of_a_shard(tmp_path: Path) -> None:
    xlrs_bench(tmp_path)
    shown = [view.read().pixels for sample in open_dataset("xlrs-bench", tmp_path).samples() for view in sample.views]
    assert len(shown) == 4
    assert len({pixels.tobytes() for pixels in shown}) == 4
    again = tmp_path / "parquet" / "data"
    again.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(xlrs_rows()), again / "train-00000-of-00001.parquet")
    parquet = [
        view.read().pixels
        for sample in open_dataset("xlrs-bench", tmp_path / "parquet").samples()
        for view in sample.views
    ]
    assert all(np.array_equal(one, other) for one, other in zip(shown, parquet, strict=True))


def test_a_picture_that_is_none_is_told_with_its_row(tmp_path: Path) -> None:
    rows = xlrs_rows()
    rows[1]["image"][0]["bytes"] = b"not a picture"
    arrow_stream(tmp_path / "data-00000-of-00001.arrow", rows)
    sample = list(open_dataset("xlrs-bench", tmp_path).samples())[1]
    with pytest.raises(SceneError, match=r"row 1 of data-00000-of-00001\.arrow"):
        sample.views[0].read()


def test_a_shard_with_other_columns_is_refused_with_those_expected(tmp_path: Path) -> None:
    arrow_stream(tmp_path / "data-00000-of-00001.arrow", [{"text": "a"}])
    with pytest.raises(InputError, match=r"has no column index(.|\n)*multi-choice options"):
        list(open_dataset("xlrs-bench", tmp_path).samples())


def test_a_damaged_shard_is_told(tmp_path: Path) -> None:
    (tmp_path / "data-00000-of-00001.arrow").write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot read"):
        list(open_dataset("earthdial", tmp_path).samples())


def test_earthdial_shards_give_questions_by_type_and_leave_bands_out(tmp_path: Path) -> None:
    earthdial(tmp_path)
    dataset = open_dataset("earthdial", tmp_path)
    samples = list(dataset.samples())
    assert Counter(question.kind for sample in samples for question in sample.questions) == {"comp": 3, "caption": 1}
    assert {sample.questions[0].answer for sample in samples} == {"yes", "A quay."}
    (talk,) = dataset.samples("train")
    assert talk.captions == ("A quay.",)
    assert talk.questions[0].text == "What is there?"


def test_lists_of_conversations_are_joined_by_picture_with_marks_and_boxes_read(tmp_path: Path) -> None:
    conversations(tmp_path)
    samples = list(open_dataset("earthdial", tmp_path).samples())
    single, pair = sorted(samples, key=lambda sample: len(sample.views))
    assert [(question.kind, question.answer) for question in single.questions] == [
        ("vqa", "airport"),
        ("refer", "{<10><20><30><60>|<-45>}"),
    ]
    assert single.questions[1].region == (0.1, 0.2, 0.3, 0.6)
    assert (single.split, pair.split) == ("train", "rest")
    assert [view.role for view in pair.views] == ["before", "after"]
    assert pair.questions[0].kind == "instruction"
    assert all(view.read().mask.all() for sample in samples for view in sample.views)


def test_turns_that_do_not_alternate_are_told(tmp_path: Path) -> None:
    conversations(tmp_path)
    row = {"image": "a.png", "conversations": [{"from": "gpt", "value": "airport"}]}
    (tmp_path / "VRSBench_train.json").write_text(json.dumps([row]), encoding="utf-8")
    with pytest.raises(InputError, match=r"row 0 of VRSBench_train\.json is no conversation.*do not alternate"):
        list(open_dataset("earthdial", tmp_path).samples())


def test_letters_of_options_are_taken_off_and_found_in_answers() -> None:
    assert plain_choices(["(A) red  car", "B. blue", "C) green", "Dock"]) == ("red car", "blue", "green", "Dock")
    assert split_choices("A. flood B. earthquake near B. Dam") == ()
    assert split_choices("A. flood B. earthquake") == ("flood", "earthquake")
    assert answer_letters("(b) and A", ("x", "y")) == "AB"
    with pytest.raises(ValueError, match="not one of A, B"):
        answer_letters("", ("x", "y"))
