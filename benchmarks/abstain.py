"""How often are questions that an archive cannot answer abstained from, by scores alone? docs/design cites the figures.

Run ``python -m benchmarks.abstain demo --index demo-archive/index`` after ``swath demo``, which is synthetic, or
``python -m benchmarks.abstain aid --data FOLDER`` with the folder of AID's pictures and captions. On AID each class is
asked for while its validation pictures are there, and once they are taken out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from shapely.geometry import box

import swath
from core import parse_interval
from demo._scenes import SCENES, to_lonlat
from embeddings import open_encoder
from embeddings.datasets import open_dataset
from retriever import MemoryRows, Searcher
from retriever._calibration_truth import tiles_of_dataset
from retriever.rag import Archive, PlannedPlace, QueryPlan
from retriever.rag.evidence._filters import filters_of
from retriever.rag.evidence._retrieve import retrieve
from retriever.rag.evidence._support import weigh

QUESTIONS = Path(__file__).parents[1] / "tests" / "integration" / "support_questions.toml"

AID: Mapping[str, tuple[str, str]] = {
    "airport": ("airport", "planes at a terminal"), "bareland": ("bare land", "barren ground"),
    "baseballfield": ("baseball field", "baseball diamonds"), "beach": ("beach", "sand and waves"),
    "bridge": ("bridge", "bridge over water"), "center": ("center", "large round civic building"),
    "church": ("church", "a church with a spire"), "commercial": ("commercial area", "shopping district"),
    "denseresidential": ("dense residential", "crowded houses"), "desert": ("desert", "sand dunes"),
    "farmland": ("farmland", "crop fields"), "forest": ("forest", "woods"),
    "industrial": ("industrial area", "factories"), "meadow": ("meadow", "green grass"),
    "mediumresidential": ("medium residential", "suburban houses"), "mountain": ("mountain", "mountain ridges"),
    "park": ("park", "park with paths"), "parking": ("parking lot", "parked cars"),
    "playground": ("playground", "running track"), "pond": ("pond", "small pond"),
    "port": ("port", "boats in a harbour"), "railwaystation": ("railway station", "train platforms"),
    "resort": ("resort", "hotel with swimming pools"), "river": ("river", "winding river"),
    "school": ("school", "school campus"), "sparseresidential": ("sparse residential", "isolated houses"),
    "square": ("square", "public square"), "stadium": ("stadium", "sports stadium"),
    "storagetanks": ("storage tanks", "round tanks"), "viaduct": ("viaduct", "elevated highway"),
}  # fmt: skip
"""Class to two ways to ask for it."""

AID_NEVER = ("volcano", "ski jump", "iceberg", "glacier", "mangrove", "pyramids", "coral reef", "waterfall",
             "elephants", "oil rig", "salt ponds", "wind turbines", "snow covered mountain", "rice paddies", "tornado",
             "burnt forest", "flood", "lava field", "refugee camp", "observatory")  # fmt: skip
"""What no class of AID is about."""

_MONTHS = {month: (parse_interval(f"2021-{month:02}-01/2021-{month:02}-28"),) for month in (4, 7, 10)}
_INSIDE_M = 300.0
"""Scenes touch, so a question asks within this much less than one."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One question, and what was made of it."""

    there: bool
    """Whether the archive can answer it."""
    abstained: bool
    """Whether it was abstained from."""
    score: float
    """Cosine of the best tile; -1 where none passes."""
    decided_by: str
    """What decided."""


def main() -> None:
    """Ask, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("demo", "aid"))
    parser.add_argument("--index", type=Path, default=Path("demo-archive/index"), help="Index of the demo archive.")
    parser.add_argument("--data", type=Path, help="Folder with captions.jsonl and images/ of AID.")
    given = parser.parse_args()
    judged = list(of_demo(given.index) if given.what == "demo" else of_aid(given.data))
    sys.stdout.write(json.dumps(figures(judged), indent=2) + "\n")


def of_demo(index: Path) -> Iterator[Judged]:
    """Yield the questions of ``support_questions.toml``."""
    archive = swath.open(index).archive()
    sheet = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))
    for name in ("answerable", "unanswerable"):
        for asked in sheet[name]:
            yield judged_plan(plan_of(asked), archive, there=name == "answerable")


def plan_of(asked: Mapping[str, Any]) -> QueryPlan:
    """Return a question of the sheet as a plan."""
    return QueryPlan(
        question=asked["sought"],
        sought=(asked["sought"],),
        place=_place(asked),
        periods=_MONTHS.get(asked.get("month", 0), ()),
        sensors=(asked["sensor"],) if "sensor" in asked else (),
        knowledge=False,
    )


def _place(asked: Mapping[str, Any]) -> PlannedPlace | None:
    if asked.get("far"):
        return PlannedPlace(name="far", geometry=box(-25.0, 44.0, -24.9, 44.1), source="user")
    if "scene" not in asked:
        return None
    frame = next(frame for frame in SCENES if frame.name == asked["scene"])
    area = to_lonlat(frame.local.buffer(-_INSIDE_M, join_style="mitre"))
    return PlannedPlace(name=frame.name, geometry=area, source="user")


def judged_plan(plan: QueryPlan, archive: Archive, *, there: bool) -> Judged:
    """Return what is made of one plan of one phrase."""
    retrieved = retrieve(plan, archive, filters_of(plan, None), tiles=12)
    (support,) = weigh(retrieved, archive)
    best = retrieved.searches[0].best
    score = -1.0 if best is None or best.score is None else best.score
    return Judged(there=there, abstained=support.reason is not None, score=score, decided_by=support.decided_by)


def of_aid(data: Path) -> Iterator[Judged]:
    """Yield each class of AID while it is there and once it is taken out, and what never is."""
    encoder = open_encoder("swath-mini")
    dataset = open_dataset("captions", data)
    vectors = tiles_of_dataset(dataset, encoder, split="val").vectors.astype(np.float32)
    labels = np.array([sample.labels[0].lower().replace(" ", "") for sample in dataset.samples("val") if sample.labels])
    whole = _archive(vectors, encoder)
    for name, phrases in AID.items():
        rest = _archive(vectors[labels != name], encoder)
        for phrase in phrases:
            plan = QueryPlan(question=phrase, sought=(phrase,), knowledge=False)
            yield judged_plan(plan, whole, there=True)
            yield judged_plan(plan, rest, there=False)
    for phrase in AID_NEVER:
        yield judged_plan(QueryPlan(question=phrase, sought=(phrase,), knowledge=False), whole, there=False)


def _archive(vectors: NDArray[np.float32], encoder: Any) -> Archive:
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    ids = [f"{number:05}" for number in range(len(vectors))]
    rows = MemoryRows(
        pa.table({"tile_id": ids, "sensor": ["rgb"] * len(ids), "vector": flat, "collection": ["aid"] * len(ids)}),
        space=encoder.space,
    )
    return Archive(searcher=Searcher(_Fixed(rows), encoder), rows=rows)


@dataclass(frozen=True, eq=False)
class _Fixed:
    rows: MemoryRows

    def snapshot(self) -> MemoryRows:
        return self.rows


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return recall and precision of abstaining, and the same for a fixed threshold on the best score.

    The threshold is the best one for these very questions, so it flatters the baseline.
    """
    there = np.array([each.there for each in judged])
    scores = np.array([each.score for each in judged])
    tried = [shares(scores < value, there) for value in np.unique(scores)]
    own = np.array([each.abstained for each in judged])
    by = {name: int(sum(each.abstained and each.decided_by == name for each in judged)) for name in _DECIDERS}
    return {
        "unanswerable": int((~there).sum()),
        "answerable": int(there.sum()),
        "judged": shares(own, there),
        "fixed threshold, the best for these questions": max(tried, key=lambda each: min(each.values())),
        "abstaining always": shares(np.ones(len(there), dtype=bool), there),
        "abstained by": by,
    }


_DECIDERS = ("filters", "words", "threshold", "comparison")


def shares(abstained: NDArray[np.bool_], there: NDArray[np.bool_]) -> dict[str, float]:
    """Return recall and precision of abstaining."""
    right = int((abstained & ~there).sum())
    return {
        "recall": round(right / int((~there).sum()), 3),
        "precision": round(right / max(int(abstained.sum()), 1), 3),
    }


if __name__ == "__main__":
    main()
