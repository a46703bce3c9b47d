"""What does the choice of evidence cost, and what does it bring? Measured on the demo archive, whose truth is known.

Run ``python -m benchmarks.evidence ARCHIVE INDEX``: the folder of ``demo.generate`` and its index, which is calibrated
on the truth if it was not. docs/design/answers-evidence.md cites the figures. The archive is synthetic.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import swath
from embeddings import open_encoder_of
from indexer import Store, vector_matrix
from retriever import Searcher, filters_only, load_calibration
from retriever.rag import Archive, QueryPlan
from retriever.rag.evidence import _spread as spread
from retriever.rag.evidence._diversify import diversify
from retriever.rag.evidence._filters import filters_of
from retriever.rag.evidence._retrieve import Retrieved, retrieve
from retriever.rag.evidence._scoring import Phrase, phrase_of
from retriever.rag.evidence._worth import worth_showing

Floats = NDArray[np.floating[Any]]

SHOWN = 12
CLEAR = 0.4
"""Most cloud of a tile that is held to show what lies below."""

FEW = 3
"""Fewest tiles with both things of a pair, and twice as many with one alone."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is on the tiles."""

    tiles: Mapping[str, Mapping[str, Any]]
    """By tile id."""
    showing: Mapping[str, frozenset[str]]
    """Ids of the clear tiles that show each kind of thing."""

    def place(self, tile_id: str) -> tuple[Any, ...]:
        """Return what all dates and sensors of one place share."""
        tile = self.tiles[tile_id]
        return tile["item"].split("-")[2], tile["row"], tile["col"]

    def day(self, tile_id: str) -> str:
        """Return the day of a tile."""
        return str(self.tiles[tile_id]["datetime"])[:10]


def truth_of(archive: Path) -> Truth:
    """Read the truth of a demo archive."""
    lines = (archive / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    tiles = {tile["tile_id"]: tile for tile in map(json.loads, lines)}
    showing: dict[str, set[str]] = defaultdict(set)
    for tile_id, tile in tiles.items():
        for kind in tile["objects"] if tile["cloud"] < CLEAR else ():
            showing[kind].add(tile_id)
    return Truth(tiles=tiles, showing={kind: frozenset(ids) for kind, ids in sorted(showing.items())})


def opened(index: Path, truth: Truth) -> Archive:
    """Open an index, calibrated on the truth where it was not."""
    if load_calibration(index) is None:
        labels = index.with_name("labels.jsonl")
        lines = ({"tile_id": tile_id, "labels": tile["objects"]} for tile_id, tile in truth.tiles.items())
        labels.write_text("".join(f"{json.dumps(row)}\n" for row in lines), encoding="utf-8")
        swath.open(index).calibrate(labels)
    store = Store.open(index)
    rows = store.snapshot()
    searcher = Searcher(store, lambda: open_encoder_of(rows.space), calibration=load_calibration(index))
    return Archive(searcher=searcher, rows=rows)


def spread_table(archive: Archive, truth: Truth) -> Iterator[str]:
    """Yield the table of what spreading brings for each weight of relevance."""
    yield "| chosen | right of 12 | places of 12 | dates | sensors | right places found |"
    yield "|---|---|---|---|---|---|"
    plans = {kind: QueryPlan(question=kind, sought=(kind,)) for kind in truth.showing}
    found = {kind: retrieve(plan, archive, filters_of(plan, None), tiles=SHOWN) for kind, plan in plans.items()}
    best = {kind: [each.row_id for each in one.searches[0].candidates[:SHOWN]] for kind, one in found.items()}
    yield f"| the 12 best | {_spread_row(archive, truth, best)} |"
    kept = spread.LAMBDA
    for weight in (0.9, 0.8, 0.75, 0.7, 0.6, 0.5):
        spread.LAMBDA = weight
        chosen = {kind: _chosen(plans[kind], archive, found[kind]) for kind in plans}
        yield f"| lambda {weight:g} | {_spread_row(archive, truth, chosen)} |"
    spread.LAMBDA = kept


def _chosen(plan: QueryPlan, archive: Archive, found: Retrieved) -> list[int]:
    return [each.candidate.row_id for each in diversify(plan, archive, found, tiles=SHOWN)]


def _spread_row(archive: Archive, truth: Truth, chosen: Mapping[str, Sequence[int]]) -> str:
    rows = []
    for kind, row_ids in chosen.items():
        ids = archive.rows.take(row_ids, ("tile_id",))["tile_id"].to_pylist()
        right = [each for each in ids if each in truth.showing[kind]]
        there = len({truth.place(each) for each in truth.showing[kind]})
        rows.append(
            (
                len(right) / min(SHOWN, len(truth.showing[kind])),
                len({truth.place(each) for each in ids}) / SHOWN,
                len({truth.day(each) for each in ids}),
                len({truth.tiles[each]["collection"] for each in ids}),
                len({truth.place(each) for each in right}) / min(SHOWN, there),
            )
        )
    return " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0))


def worth_table(archive: Archive, truth: Truth) -> Iterator[str]:
    """Yield the table of what it brings to show only tiles that fit clearly, with and without a calibration."""
    yield "| shown | tiles | of them right | of the right places, found |"
    yield "|---|---|---|---|"
    bare = replace(archive, searcher=Searcher(_Fixed(archive.rows), open_encoder_of(archive.rows.space)))
    for name, asked in (("calibrated", archive), ("not calibrated", bare)):
        for what, worth in (("whatever fills 12", lambda found: found), ("what fits clearly", worth_showing)):
            yield f"| {what}, {name} | {_worth_row(asked, truth, worth)} |"


@dataclass(frozen=True, eq=False)
class _Fixed:
    rows: Any

    def snapshot(self) -> Any:
        return self.rows


def _worth_row(archive: Archive, truth: Truth, worth: Callable[[Retrieved], Retrieved]) -> str:
    rows = []
    for kind, showing in truth.showing.items():
        plan = QueryPlan(question=kind, sought=(kind,))
        row_ids = _chosen(plan, archive, worth(retrieve(plan, archive, filters_of(plan, None), tiles=SHOWN)))
        ids = archive.rows.take(row_ids, ("tile_id",))["tile_id"].to_pylist()
        right = [each for each in ids if each in showing]
        there = len({truth.place(each) for each in showing})
        rows.append((len(ids), len(right) / len(ids), len({truth.place(each) for each in right}) / min(SHOWN, there)))
    tiles, share, places = np.mean(rows, axis=0)
    return f"{tiles:.1f} | {share:.3f} | {places:.3f}"


def without_table(archive: Archive, truth: Truth) -> Iterator[str]:
    """Yield the table of how to keep what must not show away."""
    tiles = [
        (each["_rowid"], each["tile_id"]) for batch in archive.rows.scan(("tile_id",)) for each in batch.to_pylist()
    ]
    rows = archive.rows.take([row_id for row_id, _ in tiles], ("vector", "sensor"))
    vectors, sensors = vector_matrix(rows["vector"]), rows["sensor"].to_pylist()
    phrases = {kind: phrase_of(kind, filters_only(), archive) for kind in truth.showing}
    chances = {kind: each.probabilities(each.scores(vectors), sensors) for kind, each in phrases.items()}
    pairs = _pairs(truth)
    yield f"| {len(pairs)} pairs | right of 12 | unwanted of 12 |"
    yield "|---|---|---|"
    threshold = next(iter(phrases.values())).threshold or 0.5
    ways = {"nothing done": partial(_ranked, chances)}
    for weight in (0.1, 0.25, 0.5, 1.0):
        ways[f"subtracted with weight {weight:g}"] = partial(_subtracted, vectors, phrases, weight)
    for least in (threshold, 0.2, 0.1, 0.05):
        ways[f"left out from a probability of {least:.2f}"] = partial(_left_out, chances, least)
    for name, way in ways.items():
        yield f"| {name} | {_without_row(truth, tiles, pairs, way)} |"


def _pairs(truth: Truth) -> list[tuple[str, str]]:
    shown = truth.showing
    return [
        (one, other)
        for one in shown
        for other in shown
        if one != other and len(shown[one] - shown[other]) >= 2 * FEW and len(shown[one] & shown[other]) >= FEW
    ]


def _ranked(chances: Mapping[str, Floats], one: str, _: str) -> list[int]:
    return [int(at) for at in np.argsort(-chances[one], kind="stable")]


def _subtracted(vectors: Floats, phrases: Mapping[str, Phrase], weight: float, one: str, other: str) -> list[int]:
    turned = phrases[one].vector - weight * phrases[other].vector
    return [int(at) for at in np.argsort(-(vectors @ turned), kind="stable")]


def _left_out(chances: Mapping[str, Floats], least: float, one: str, other: str) -> list[int]:
    return [at for at in _ranked(chances, one, other) if chances[other][at] < least]


def _without_row(
    truth: Truth,
    tiles: Sequence[tuple[int, str]],
    pairs: Sequence[tuple[str, str]],
    way: Callable[[str, str], list[int]],
) -> str:
    rows = []
    for one, other in pairs:
        ids = [tiles[at][1] for at in way(one, other)[:SHOWN]]
        wanted = truth.showing[one] - truth.showing[other]
        rows.append((sum(each in wanted for each in ids), sum(each in truth.showing[other] for each in ids)))
    right, unwanted = np.mean(rows, axis=0) / SHOWN
    return f"{right:.3f} | {unwanted:.3f}"


def main() -> None:
    """Print the tables."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("archive", type=Path)
    asked.add_argument("index", type=Path)
    given = asked.parse_args()
    truth = truth_of(given.archive)
    archive = opened(given.index, truth)
    tables = (spread_table(archive, truth), worth_table(archive, truth), without_table(archive, truth))
    for line in (line for table in tables for line in (*table, "")):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
