"""What the soak calls flat, and what it does not; what it calls a wrong answer."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import Any

import httpx
import numpy as np
import pytest

from benchmarks.soak_archive import COLLECTION, Known, Scenes, World
from benchmarks.soak_judges import hits_wrong
from benchmarks.soak_load import Answered
from benchmarks.soak_report import Soak, report, trend, verdicts
from benchmarks.soak_requests import WEIGHTS, WEIGHTS_TO, Asker
from benchmarks.soak_searches import Recall
from benchmarks.soak_watch import Sample

SECONDS = 3600.0


def _sample(at: float, **changed: float) -> Sample:
    flat: dict[str, Any] = {
        "anonymous": 400_000_000, "rss": 700_000_000, "uss": 450_000_000, "fds": 24, "threads": 40, "maps": 1_800,
        "deleted": 0, "processor": at / 4, "others": at / 9,
    }  # fmt: skip
    return Sample(at=at, **flat | changed)


def _soak(**changed: Any) -> Soak:
    times, dues = np.arange(0, SECONDS, 5.0), np.arange(0, SECONDS, 0.5)
    flat = Soak(
        seconds=SECONDS, warm_up=270.0, rate=6.0,
        answers=[Answered(kind="search", due=at, late=0.001, ms=20.0, problem=None) for at in dues],
        samples=[_sample(float(at)) for at in times], sizes=[(float(at), 80_000_000) for at in times],
        writes={"add": [3.0]}, problems=(), recall=Recall(found=10, wanted=10), remarks={}, tiles=(20_600, 20_700),
        encoder="swath-mini",
    )  # fmt: skip
    return replace(flat, **changed)


def _broken(soak: Soak) -> list[str]:
    return [each.name for each in verdicts(soak) if not each.holds]


def test_a_flat_run_holds_in_everything_and_the_page_says_so() -> None:
    assert _broken(_soak()) == []
    assert "**NO**" not in report(_soak())


@pytest.mark.parametrize(
    ("name", "first", "last", "told"),
    [
        ("anonymous", 400_000_000, 430_000_000, "the server's own memory"),
        ("rss", 700_000_000, 780_000_000, "resident memory"),
        ("fds", 24, 34, "open file descriptors"),
        ("threads", 40, 80, "most threads"),
    ],
)
def test_what_grows_steadily_does_not_hold(name: str, first: float, last: float, told: str) -> None:
    samples = [_sample(at, **{name: first + (last - first) * at / SECONDS}) for at in np.arange(0, SECONDS, 5.0)]
    assert _broken(_soak(samples=samples)) == [told]


def test_growth_within_the_warm_up_is_not_judged() -> None:
    samples = [_sample(at, anonymous=2e8 + 2e8 * min(at, 270) / 270) for at in np.arange(0, SECONDS, 5.0)]
    assert _broken(_soak(samples=samples)) == []


def test_one_wrong_answer_or_one_command_that_failed_is_too_much() -> None:
    answers = list(_soak().answers)
    answers[700] = replace(answers[700], problem="search: matched 3 instead of 4")
    assert _broken(_soak(answers=answers)) == ["errors and wrong answers"]
    assert _broken(_soak(problems=("swath index ended with 2",))) == ["errors and wrong answers"]
    assert "matched 3 instead of 4" in report(_soak(answers=answers))


def test_latency_that_grows_and_requests_that_are_sent_late_do_not_hold() -> None:
    slower = [replace(each, ms=20.0 + each.due / 4) for each in _soak().answers]
    assert _broken(_soak(answers=slower)) == ["p99 of an answer, median of the minutes"]
    late = [replace(each, late=0.5) for each in _soak().answers]
    assert _broken(_soak(answers=late)) == ["p99 of how late requests were sent"]


def test_an_index_that_outgrows_its_tiles_and_searches_that_miss_the_best_do_not_hold() -> None:
    grown = [(at, round(8e7 + 1e5 * at)) for at, _ in _soak().sizes]
    assert _broken(_soak(sizes=grown)) == ["least room of the index on the disk"]
    assert _broken(_soak(recall=Recall(found=9, wanted=10))) == ["recall of searches with known answers"]


def test_too_few_values_are_no_trend() -> None:
    with pytest.raises(ValueError, match="too few"):
        trend([1.0, 2.0], [1.0, 2.0], 0.0, 3.0)


WORLD = World(
    known=(Known(body={"text": "a river", "k": 2}, matched=5, scores=(0.4, 0.3)),),
    tiles=5,
    drawn=("demo-a",),
    others=("b",),
    collections=("c",),
)


def _hit(scene: str, score: float, number: int) -> dict[str, Any]:
    return {"tile_id": f"{scene}~{number}", "scene_id": scene, "collection": COLLECTION, "score": score}


def _judged(scenes: Scenes, hits: list[dict[str, Any]], matched: int, sent: float) -> str | None:
    asker = Asker(world=WORLD, scenes=scenes, rng=np.random.default_rng(1))
    answer = httpx.Response(200, json={"hits": hits, "matched": matched, "remarks": []})
    return asker.words().judge(answer, sent)


def test_a_scene_that_comes_back_is_noticed_unless_it_was_being_changed() -> None:
    scenes = Scenes()
    scenes.begin("s")
    scenes.end("s", 0)
    hits = [_hit("s", 0.5, 1)]
    assert _judged(scenes, hits, 1, monotonic()) == "scene s came back after it was removed"
    scenes.begin("s")
    assert _judged(scenes, hits, 1, monotonic()) is None


def test_a_question_sent_before_a_removal_was_acknowledged_may_still_see_the_scene() -> None:
    scenes = Scenes()
    sent = monotonic()
    scenes.begin("s")
    scenes.end("s", 0)
    assert _judged(scenes, [_hit("s", 0.5, 1)], 1, sent) is None


def test_hits_that_are_too_few_doubled_out_of_order_or_outside_the_filters_are_wrong() -> None:
    two = [_hit("s", 0.5, 1), _hit("s", 0.4, 2)]
    assert hits_wrong({"hits": two, "matched": 2}, {"k": 10}) is None
    assert "2 hits of 3" in str(hits_wrong({"hits": two, "matched": 3}, {"k": 10}))
    assert "order" in str(hits_wrong({"hits": two[::-1], "matched": 2}, {"k": 10}))
    assert "twice" in str(hits_wrong({"hits": [two[0], two[0]], "matched": 2}, {"k": 10}))
    assert "passes no filter" in str(hits_wrong({"hits": two, "matched": 2}, {"k": 10, "collection": ["other"]}))


def test_every_kind_of_request_has_a_weight_and_can_be_drawn() -> None:
    asker = Asker(world=WORLD, scenes=Scenes(), rng=np.random.default_rng(2))
    assert set(WEIGHTS) == set(WEIGHTS_TO)
    kinds = {asker.next().kind for _ in range(600)}
    assert len(kinds) == len(WEIGHTS)
