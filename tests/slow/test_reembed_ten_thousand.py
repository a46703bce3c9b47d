"""Ten thousand tiles go over to another encoder while eight clients search without a pause.

The scenes are synthetic and the encoders projections at random: what is tested is that no answer fails and none mixes
two spaces, not what is found. Figures are printed (``pytest -s``); docs/design/reembedding.md cites them.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import swath
from indexer.reembedding import reembed_status
from tests.integration.reembed_crowd import Answer, Crowd, Oracle, command, serving_scatter
from tests.two_encoders import plugged_in, write_scenes

pytestmark = pytest.mark.slow

SCENES, SIDE, TILE = 10, 512, 16
PAUSE_S = 0.05
"""Of a client between two questions, so that the server does not take the processor from the re-embedding."""
TILES = SCENES * (SIDE // TILE) ** 2


@pytest.mark.timeout(1800)
def test_ten_thousand_tiles_under_eight_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug, index = plugged_in(tmp_path / "plug"), tmp_path / "index"
    monkeypatch.setattr(sys, "path", [str(plug), *sys.path])
    write_scenes(tmp_path / "scenes", SCENES, side=SIDE)
    swath.index(str(tmp_path / "scenes"), into=index, sensor="rgb", encoder="scatter-a", tile_size=TILE)
    swath.open(index).optimize()
    assert swath.open(index).info().tiles == TILES > 10_000
    oracle = Oracle(index)
    marks: dict[str, float] = {}
    with serving_scatter(plug, index, tmp_path / "log") as url, Crowd(url, oracle, clients=8, pause=PAUSE_S) as crowd:
        crowd.answered(300, within=300)
        marks["re-embedding"] = time.monotonic()
        command(plug, "reembed", index, "--encoder", "scatter-b")
        marks["made"] = time.monotonic()
        oracle.add_generation(1)
        crowd.answered(300, within=300)
        marks["switch"] = time.monotonic()
        command(plug, "reembed", index, "--switch")
        crowd.until("scatter-b@1")
        marks["switched"] = time.monotonic()
        crowd.answered(300, within=300)
        command(plug, "reembed", index, "--roll-back")
        crowd.until("scatter-a@1")
        crowd.answered(200, within=300)
        command(plug, "reembed", index, "--roll-back")
        crowd.until("scatter-b@1")
        crowd.answered(200, within=300)
    assert crowd.failed == []
    assert crowd.mixed == []
    state = reembed_status(index)
    assert (state.current.encoder, state.current.tiles) == ("scatter-b", TILES)
    sys.stdout.write(json.dumps(_figures(crowd.answers, marks), indent=1) + "\n")


def _figures(answers: list[Answer], marks: dict[str, float]) -> dict[str, object]:
    told: dict[str, object] = {"tiles": TILES, "answers": len(answers), "failed": 0, "mixed": 0}
    spans = {
        "before": (0.0, marks["re-embedding"]),
        "re-embedding": (marks["re-embedding"], marks["made"]),
        "made": (marks["made"], marks["switch"]),
        "switching": (marks["switch"], marks["switched"]),
        "after": (marks["switched"], float("inf")),
    }
    for name, (first, last) in spans.items():
        ms = [1000 * answer.seconds for answer in answers if first <= answer.began < last]
        told[name] = {
            "answers": len(ms),
            "p50_ms": round(float(np.percentile(ms, 50)), 1),
            "p99_ms": round(float(np.percentile(ms, 99)), 1),
        }
    told["seconds"] = {name: round(marks[last] - marks[first], 1) for name, first, last in (
        ("re-embedding", "re-embedding", "made"), ("switch until first answer", "switch", "switched"),
    )}  # fmt: skip
    return told
