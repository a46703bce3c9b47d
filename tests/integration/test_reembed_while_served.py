"""A server that is asked without a pause while its index goes over to another encoder, back, and over again."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

import swath
from indexer.reembedding import drop_old
from tests.integration.reembed_crowd import Crowd, Oracle, serving_scatter
from tests.two_encoders import plugged_in, write_scenes

CLIENTS = 8
PAUSE_S = 0.1
"""Between two questions of a client: some 80 a second in all are enough, and leave the processor to others."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(plugged_in(tmp_path / "plug")), *sys.path])
    write_scenes(tmp_path / "scenes", 3, side=128)
    swath.index(
        str(tmp_path / "scenes"), into=tmp_path / "index", sensor="rgb", encoder="scatter-a", tile_size=16, workers=1
    )
    return tmp_path


def test_no_answer_fails_and_none_mixes_two_encoders(home: Path) -> None:
    index = home / "index"
    oracle = Oracle(index)
    with (
        serving_scatter(home / "plug", index, home / "log") as url,
        Crowd(url, oracle, clients=CLIENTS, pause=PAUSE_S) as crowd,
    ):
        crowd.answered(20)
        assert swath.reembed(index, encoder="scatter-b", workers=1).complete
        oracle.add_generation(1)
        swath.switch(index)
        crowd.until("scatter-b@1")
        crowd.answered(20)
        swath.switch(index, back=True)
        crowd.until("scatter-a@1")
        swath.switch(index, back=True)
        crowd.until("scatter-b@1")
        crowd.answered(20)
        drop_old(index, keep=timedelta(0))
        crowd.answered(40)
    assert crowd.failed == []
    assert crowd.mixed == []
    assert {answer.encoder for answer in crowd.answers} == {"scatter-a@1", "scatter-b@1"}
    assert {answer.kind for answer in crowd.answers} == {"text", "picture", "like"}
