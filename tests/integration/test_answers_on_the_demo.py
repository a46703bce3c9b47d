"""Answers on the demo archive, where the truth is known because it was drawn.

Citations as in ALCE (Gao et al. 2023, https://arxiv.org/abs/2305.14627), with the drawn truth in place of a model that
judges entailment. Recall: a claim counts if what it says is true and all evidence that bears it out is cited.
Precision: a citation counts if the tile cited bears out what the claim says.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

import swath
from benchmarks.abstain import QUESTIONS, figures, judged_plan, plan_of
from core import AnswerSettings
from demo._scenes import SCENES
from demo._truth import TILES
from demo._world import TILE_M
from retriever.rag import Answer, Archive, Asker, AskRequest, Claim
from retriever.rag.testing import RepeatingModel
from swath import Index

PLACES = len(SCENES) * TILES**2
TILE_KM2 = (TILE_M / 1000) ** 2
CENTRES = {(("46.20", "46.10")[scene.row], ("20.93", "20.78")[scene.column]): scene.name for scene in SCENES}
"""Scenes by the north and west of their middle, as answers write them."""
MISTAKEN = 0.01
"""Share of a scene that may be measured wrongly: dark roofs and panels pass for water."""


@dataclass(frozen=True)
class Truth:
    """What was drawn on one tile."""

    sensor: str
    date: str
    scene: str
    kinds: frozenset[str]
    water_km2: float = 0.0
    flood_km2: float = 0.0
    cloud_km2: float = 0.0


@pytest.fixture(scope="module")
def index(demo_folder: Path) -> Index:
    return swath.open(demo_folder / "demo-archive" / "index")


@pytest.fixture(scope="module")
def truths(demo_folder: Path) -> dict[str, Truth]:
    lines = (demo_folder / "demo-archive" / "archive" / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["tile_id"]: _truth(line) for line in map(json.loads, lines)}


def _truth(line: dict[str, Any]) -> Truth:
    return Truth(
        sensor=line["collection"].removeprefix("demo-"),
        date=line["datetime"][:10],
        scene=line["item"].split("-")[2],
        kinds=frozenset(line["objects"]),
        water_km2=line["cover"].get("water", 0.0) * TILE_KM2,
        flood_km2=line["cover"].get("flooded", 0.0) * TILE_KM2,
        cloud_km2=line["cloud"] * TILE_KM2,
    )


# --- citations

ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    ("Is there an airport?", {}),
    ("Where is the harbour in July 2021?", {"month": "07"}),
    ("How many dates of Sentinel-1 are there?", {"sensor": "sentinel-1-rtc"}),
    ("Which Sentinel-2 tiles show an airport in October 2021?", {"sensor": "sentinel-2-l2a", "month": "10"}),
    ("How many Sentinel-2 tiles are there from October 2021?", {"sensor": "sentinel-2-l2a", "month": "10"}),
    ("How many tiles are there from April 2021?", {"month": "04"}),
    ("How much open water is there in July 2021?", {"month": "07"}),
)
"""Questions, and what of the truth passes their filters."""


@pytest.mark.parametrize(("question", "filters"), ASKED)
def test_citations_of_a_model_that_repeats_its_evidence_are_all_right(
    index: Index, truths: dict[str, Truth], question: str, filters: dict[str, str]
) -> None:
    answer = ask(index, question)
    passing = [truth for truth in truths.values() if passes(truth, filters)]
    shown = {tile.number: truths[tile.record.tile_id] for tile in answer.evidence.tiles}
    assert answer.abstained is None
    assert answer.dropped == ()
    assert answer.written_by == "model"
    assert all(passes(truth, filters) for truth in shown.values())
    assert {number for claim in answer.claims for number in claim.cites} == set(shown)
    assert citation_shares(answer.claims, shown, passing) == (1.0, 1.0)


def ask(index: Index, question: str) -> Answer:
    """Return what the model that repeats its evidence makes of a question."""
    asker = Asker(index.archive, RepeatingModel(), AnswerSettings(images=0))
    return anyio.run(asker.answer, AskRequest(question=question, tiles=6))


def passes(truth: Truth, filters: dict[str, str]) -> bool:
    """Say whether a tile is of the sensor and month asked for."""
    return truth.sensor == filters.get("sensor", truth.sensor) and truth.date[5:7] == filters.get(
        "month", truth.date[5:7]
    )


def citation_shares(claims: tuple[Claim, ...], shown: dict[int, Truth], passing: list[Truth]) -> tuple[float, float]:
    """Return citation recall, over claims, and citation precision, over citations."""
    supported, right, cited = 0, 0, 0
    for claim in claims:
        bearing = bearing_out(claim, shown, passing)
        right += len(bearing & set(claim.cites))
        cited += len(claim.cites)
        supported += bool(bearing) and complete(claim, bearing, shown)
    return supported / len(claims), right / cited


def bearing_out(claim: Claim, shown: dict[int, Truth], passing: list[Truth]) -> set[int]:
    """Return the numbers of tiles that bear out a claim; none where it is not true, or says what nobody can check."""
    dates, text = re.findall(r"\d{4}-\d{2}-\d{2}", claim.text), claim.text
    if "saw this place on" in text:
        return {n for n, truth in shown.items() if f"{truth.sensor} saw this place on {truth.date}." in text}
    if re.search(r"^The (earliest|latest) tile", text):
        end = (min if "earliest" in text else max)(truth.date for truth in passing)
        return {n for n, truth in shown.items() if truth.date == end} if dates == [end] else set()
    if re.search(r"^(Of the [\d,.]+ km² measured|Open water |Clouds |Tiles of )", text):
        return measured(claim, shown, passing)
    return set(shown) if any(checked(text, dates, passing)) else set()


def measured(claim: Claim, shown: dict[int, Truth], passing: list[Truth]) -> set[int]:
    """Return the tiles that bear out what was measured: those of the scene, where the area is the one drawn."""
    if told := re.search(r"^Tiles of (\S+) were not measured: no bands for open water", claim.text):
        return {n for n, truth in shown.items() if truth.sensor == told[1] != "sentinel-2-l2a"}
    scene, date = shown[claim.cites[0]].scene, shown[claim.cites[0]].date
    around = re.search(r"around ([\d.]+)° N, ([\d.]+)° W", claim.text)
    if around and CENTRES.get((around[1], around[2])) != scene:
        return set()
    of = {"sensor": "sentinel-2-l2a", "date": date, "scene": scene}
    if not area_is_drawn(claim.text, date, [each for each in passing if vars(each).items() >= of.items()]):
        return set()
    return {n for n, truth in shown.items() if vars(truth).items() >= of.items()}


def area_is_drawn(text: str, date: str, there: list[Truth]) -> bool:
    """Say whether a text that tells an area of water tells that of the truth, as near as clouds let it."""
    told = re.search(r"open water covered ([\d,.]+) km² \([^)]+\) on ([\d-]+)\.$", text)
    if told is None:
        return "open water covered" not in text and bool(there)
    water, flood, cloud = (sum(getattr(each, f"{name}_km2") for each in there) for name in ("water", "flood", "cloud"))
    slack = MISTAKEN * TILES**2 * TILE_KM2 + cloud
    return told[2] == date and water - slack <= float(told[1].replace(",", "")) <= water + flood + slack


def checked(text: str, dates: list[str], passing: list[Truth]) -> Iterator[bool]:
    """Yield, for each kind of fact, whether a text says it of all tiles that pass, and rightly."""
    if told := re.search(r"^([\d,]+) tiles pass the filters", text):
        yield int(told[1].replace(",", "")) == len(passing)
    if re.search(r"are (all )?of (\d+ dates|\d{4})", text):
        yield dates == sorted({truth.date for truth in passing})
    if "were seen by" in text or "were all seen by" in text:
        told_of = {name: int(count) for name, count in re.findall(r"([a-z0-9-]+) \((\d+) tiles?\)", text)}
        yield told_of == Counter(truth.sensor for truth in passing)
    if told := re.search(r"cover ([\d,.]+) km", text):
        yield float(told[1].replace(",", "")) == pytest.approx(PLACES * (TILE_M / 1000) ** 2, rel=2e-3)
    if "lie between" in text:
        yield re.findall(r"\d+\.\d+", text) == ["21.00", "20.71", "46.05", "46.26"]


def complete(claim: Claim, bearing: set[int], shown: dict[int, Truth]) -> bool:
    """Say whether all that bears out a claim is cited; for sensors one tile of each does, for one tile itself does."""
    if "saw this place on" in claim.text:
        return bool(bearing & set(claim.cites))
    if "seen by" in claim.text:
        return {shown[n].sensor for n in claim.cites} == {shown[n].sensor for n in bearing}
    return bearing <= set(claim.cites)


def test_a_claim_that_is_untrue_or_cites_another_tile_costs_recall_and_precision() -> None:
    shown = {1: Truth("naip", "2020-01-01", "city", frozenset()), 2: Truth("rgb", "2021-01-01", "city", frozenset())}
    passing = list(shown.values())
    right = Claim(text="naip saw this place on 2020-01-01.", cites=(1,))
    assert citation_shares((right,), shown, passing) == (1.0, 1.0)
    assert citation_shares((right, Claim(text=right.text, cites=(2,))), shown, passing) == (0.5, 0.5)
    assert citation_shares((right, Claim(text="3 tiles pass the filters.", cites=(1,))), shown, passing) == (0.5, 0.5)
    assert citation_shares((Claim(text="2 tiles pass the filters.", cites=(1,)),), shown, passing) == (0.0, 1.0)
    area = "Of the 125 km² measured around 46.10° N, 20.78° W, open water covered {} km² ({} %) on 2021-07-18."
    sea = Truth("sentinel-2-l2a", "2021-07-18", "coast", frozenset(), water_km2=40.0)
    other = Truth("sentinel-2-l2a", "2021-07-18", "city", frozenset())
    seas = {1: sea, 2: other, 3: sea}
    for text, cites, shares in (
        (area.format("40.6", "32.5"), (1, 3), (1.0, 1.0)),
        (area.format("40.6", "32.5"), (1,), (0.0, 1.0)),
        (area.format("40.6", "32.5"), (1, 2, 3), (1.0, 2 / 3)),
        (area.format("40.6", "32.5"), (2,), (0.0, 0.0)),
        (area.format("49.6", "39.5"), (1, 3), (0.0, 0.0)),
        ("Tiles of sentinel-2-l2a were not measured: no bands for open water are known of them.", (1,), (0.0, 0.0)),
    ):
        assert citation_shares((Claim(text=text, cites=cites),), seas, [sea]) == shares, text
    assert citation_shares((Claim(text="There is a castle.", cites=(1, 2)),), shown, passing) == (0.0, 0.0)


# --- abstaining by scores alone


SHEET = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["answerable", "unanswerable"])
def test_the_sheet_says_truly_what_the_archive_can_answer(truths: dict[str, Truth], name: str) -> None:
    assert len(SHEET[name]) >= 40
    for asked in SHEET[name]:
        month = f"{asked['month']:02}" if "month" in asked else None
        showing = [
            truth
            for truth in truths.values()
            if truth.kinds & set(asked.get("kinds", ()))
            and asked.get("scene", truth.scene) == truth.scene
            and passes(truth, {"sensor": asked.get("sensor", truth.sensor), "month": month or truth.date[5:7]})
            and not asked.get("far")
        ]
        assert bool(showing) is (name == "answerable"), asked


def test_questions_without_an_answer_are_abstained_from_by_scores_alone(index: Index) -> None:
    """Fitted on other words and seeds. The best fixed cosine has 0.71 and 0.62; 0.9 was the aim, and is missed."""
    archive: Archive = index.archive()
    judged = [
        judged_plan(plan_of(asked), archive, there=name == "answerable")
        for name in ("answerable", "unanswerable")
        for asked in SHEET[name]
    ]
    shares = figures(judged)["judged"]
    assert shares["recall"] >= 0.90, shares
    assert shares["precision"] >= 0.84, shares


def test_an_abstention_says_why(index: Index) -> None:
    never = ask(index, "Are there any castles?")
    assert never.claims == ()
    assert "castle" in str(never.abstained)
    assert "never taught" in str(never.abstained)
