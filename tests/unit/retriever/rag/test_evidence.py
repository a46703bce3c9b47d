"""What is gathered: whose filters win, what is spread, what is said when nothing fits."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from shapely.geometry import Point, box

from core import QueryError
from retriever import SearchRequest, filters_only
from retriever.rag import EvidenceSet, Fact, Passage, PlannedPlace, QueryPlan, Step, Turn, gather
from retriever.rag.evidence._filters import filters_of
from tests.unit.retriever.evidence_tables import BLUE, GREEN, RED, archive_of, colour, day, square
from tests.unit.retriever.tables import row


@pytest.fixture(autouse=True)
def _enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether evidence carries an answer is judged elsewhere, and by an encoder that knows more than colours."""
    monkeypatch.setattr("retriever.rag.evidence._gather.judge", lambda retrieved, archive: None)


def plan(**values: Any) -> QueryPlan:
    return QueryPlan(question="Where is something red?", **({"sought": ("red",)} | values))


def place(geometry: Any, name: str = "there") -> PlannedPlace:
    return PlannedPlace(name=name, geometry=geometry, source="coordinates")


def ids(evidence: EvidenceSet) -> list[str]:
    return [tile.record.tile_id for tile in evidence.tiles]


def years(count: int = 6, **values: Any) -> list[dict[str, Any]]:
    """One place, a tile a year."""
    return [
        row(
            f"y{2000 + year}",
            square(5, 50),
            datetime=day(f"{2000 + year}-06-01"),
            sensor="naip",
            **({"vector": RED} | values),
        )
        for year in range(count)
    ]


def test_places_and_times_are_intersected_and_what_has_nothing_in_common_gives_way() -> None:
    asked = plan(
        place=place(box(0, 0, 10, 10)), periods=((day("2010-01-01"), None),), sensors=("naip", "rgb"), max_cloud=30.0
    )
    both = filters_of(
        asked, filters_only(within=box(5, 5, 20, 20), datetime="../2012-01-01", sensor="rgb", max_cloud=50)
    )
    (found,) = both.each
    assert found.request.within is not None
    assert found.request.within.equals(box(5, 5, 10, 10))
    assert found.request.datetime is not None
    assert found.request.datetime[0] == day("2010-01-01")
    assert (found.request.sensor, found.request.max_cloud, both.remarks) == (("rgb",), 30.0, ())
    apart = filters_of(asked, filters_only(within=box(50, 50, 60, 60), datetime="../2001-01-01", sensor="sar"))
    (found,) = apart.each
    assert found.period is None
    assert found.request.within is not None
    assert found.request.within.equals(box(50, 50, 60, 60))
    assert found.request.sensor == ("sar",)
    assert len(apart.remarks) == 3


def test_a_period_outside_the_dates_that_were_set_is_left_out_and_said() -> None:
    asked = plan(periods=((day("2000-01-01"), day("2001-12-31")), (day("2004-01-01"), None)))
    evidence = gather(asked, archive_of(years()), filters=filters_only(datetime="2003-01-01/.."), pictures=0)
    assert {tile.period for tile in evidence.tiles} == {1}
    assert ids(evidence) == ["y2004", "y2005"]
    assert "Only 1 of the question's 2 periods" in evidence.dropped[0]


def test_a_place_may_be_a_point() -> None:
    evidence = gather(plan(place=place(Point(5.01, 50.01))), archive_of(years()), pictures=0)
    assert evidence.matched == 6


def test_a_percentage_that_is_none_is_an_error() -> None:
    with pytest.raises(QueryError, match="max_cloud of the plan must be between 0 and 100 percent, got 130"):
        gather(plan(max_cloud=130), archive_of(years()), pictures=0)


def test_a_sensor_that_the_index_does_not_have_is_an_error() -> None:
    with pytest.raises(QueryError, match="no sensor 'landsat' in the index; it holds naip"):
        gather(plan(), archive_of(years()), filters=filters_only(sensor="landsat"), pictures=0)


def test_each_period_has_its_share_though_one_holds_nearly_all() -> None:
    rows = [
        row(
            f"a{n:02d}",
            square(5 + n * 0.1, 50),
            datetime=day("2010-01-01"),
            sensor="naip",
            vector=colour(1, 0.001 * n, 0),
        )
        for n in range(40)
    ]
    rows += [
        row(f"b{n}", square(5 + n * 0.1, 51), datetime=day("2020-01-01"), sensor="naip", vector=colour(1, 0.5, 0.1 * n))
        for n in range(3)
    ]
    periods = ((None, day("2015-01-01")), (day("2015-01-01"), None))
    evidence = gather(plan(periods=periods), archive_of(rows), tiles=8, pictures=0)
    assert [tile.period for tile in evidence.tiles].count(1) == 3
    assert len(evidence.tiles) == 8


def test_a_comparison_shows_the_same_places_in_every_period() -> None:
    rows = []
    for n in range(9):
        before, after = (RED, GREEN) if n % 2 else (GREEN, GREEN)
        for tile_id, when, vector in ((f"p{n}old", "2010-05-01", before), (f"p{n}new", "2020-05-01", after)):
            rows.append(row(tile_id, square(5 + n * 0.1, 50), datetime=day(when), sensor="naip", vector=vector))
    periods = ((None, day("2015-01-01")), (day("2015-01-01"), None))
    evidence = gather(plan(shape="change", periods=periods), archive_of(rows), tiles=6, pictures=0)
    names = ids(evidence)
    assert len(names) == 6
    for first, second in zip(names[::2], names[1::2], strict=True):
        assert (first[:2], first[2:], second[2:]) == (second[:2], "old", "new")
    # What is gone is shown with what it scores, not left out.
    gone = [tile for tile in evidence.tiles if tile.record.tile_id == "p1new"]
    assert gone
    assert gone[0].probability is not None
    assert gone[0].probability < 0.5


def test_near_duplicates_of_one_scene_are_shown_once() -> None:
    rows = [
        row(f"w{n}", square(5 + n * 0.005, 50), scene_id="s", sensor="naip", datetime=day("2010-01-01"), vector=RED)
        for n in range(9)
    ]
    evidence = gather(plan(), archive_of(rows), pictures=0)
    assert 1 < len(evidence.tiles) <= 3
    lefts = sorted(tile.record.bbox[0] for tile in evidence.tiles if tile.record.bbox)
    assert all(after - before >= 0.0149 for before, after in pairwise(lefts))


def test_pictures_without_a_place_are_shown_once_too() -> None:
    rows = [row(f"p{n}", sensor="naip", vector=RED if n < 5 else colour(1, 0.5, 0)) for n in range(6)]
    assert len(gather(plan(), archive_of(rows), pictures=0).tiles) == 2


def test_improbable_tiles_do_not_fill_up_the_evidence() -> None:
    rows = [row(f"r{n}", square(5 + n, 50), sensor="naip", vector=RED) for n in range(3)]
    rows += [row(f"b{n:02d}", square(5 + n, 52), sensor="naip", vector=BLUE) for n in range(30)]
    assert ids(gather(plan(), archive_of(rows), pictures=0)) == ["r0", "r1", "r2"]


def test_without_a_calibration_tiles_nearer_to_the_tail_than_to_the_best_are_not_shown() -> None:
    rows = [row(f"r{n}", square(5 + n, 50), sensor="naip", vector=RED) for n in range(3)]
    rows += [row(f"b{n:02d}", square(5 + n, 52), sensor="naip", vector=colour(0.1, 0, 1)) for n in range(30)]
    assert ids(gather(plan(), archive_of(rows, calibration=None), pictures=0)) == ["r0", "r1", "r2"]
    # Where nothing stands out, the best are shown all the same.
    alike = [row(f"a{n:02d}", square(5 + n, 50), sensor="naip", vector=RED) for n in range(30)]
    assert len(gather(plan(), archive_of(alike, calibration=None), tiles=5, pictures=0).tiles) == 5


def test_places_are_spread_where_the_best_tiles_are_all_of_one() -> None:
    rows = [
        row(f"p{p}d{d}", square(5 + p * 0.2, 50), sensor="naip", datetime=day("2010-01-01") + timedelta(days=40 * d),
            vector=colour(1, 0.02 * p, 0.001 * d))
        for p in range(6) for d in range(6)
    ]  # fmt: skip
    archive = archive_of(rows)
    best = archive.searcher.search(SearchRequest.build(text="red", k=6)).hits
    assert {hit.tile_id[:2] for hit in best} == {"p0"}
    assert len({name[:2] for name in ids(gather(plan(), archive, tiles=6, pictures=0))}) >= 3


def test_a_question_of_when_shows_the_first_and_the_last_tile() -> None:
    likely = [
        row(f"r{n:03d}", square(5 + n % 10 * 0.1, 50), sensor="naip", vector=colour(1, 0.004 * n, 0),
            datetime=day("2000-01-01") + timedelta(days=90 * ((n * 37) % 120)))
        for n in range(120)
    ]  # fmt: skip
    evidence = gather(plan(shape="when"), archive_of(likely), tiles=4, pictures=0)
    facts = {fact.name: fact for fact in evidence.facts}
    assert facts["first_seen"].cites
    assert facts["last_seen"].cites
    dates = [tile.record.datetime for tile in evidence.tiles]
    assert dates == sorted(each for each in dates if each is not None)
    assert dates[0] == day("2000-01-01")
    assert dates[-1] == day("2000-01-01") + timedelta(days=90 * 119)


def test_without_a_thing_sought_every_date_counts() -> None:
    evidence = gather(plan(sought=(), shape="when"), archive_of(years()), tiles=4, pictures=0)
    assert evidence.matched == 6
    assert (evidence.tiles[0].score, evidence.tiles[0].sought) == (None, None)
    assert ids(evidence)[0] == "y2000"
    assert ids(evidence)[-1] == "y2005"


def test_what_must_not_show_is_left_out_by_the_threshold_and_not_counted() -> None:
    rows = [row(f"r{n}", square(5 + n, 50), sensor="naip", vector=RED) for n in range(3)]
    rows += [row(f"y{n}", square(5 + n, 52), sensor="naip", vector=colour(1, 0, 1)) for n in range(3)]
    evidence = gather(plan(without=("blue",)), archive_of(rows), pictures=0)
    assert ids(evidence) == ["r0", "r1", "r2"]
    facts = {fact.name: fact.value for fact in evidence.facts}
    assert facts["likely"]["tiles"] == 3
    assert evidence.dropped == ('3 candidates left out that probably show "blue".',)
    only = gather(plan(without=("red",)), archive_of(rows[:3]), pictures=0)
    assert only.tiles == ()
    assert only.insufficient is not None
    assert "shows what must not show" in only.insufficient


def test_what_must_not_show_is_left_out_where_nothing_is_sought() -> None:
    rows = [row(f"r{n}", square(5 + n, 50), sensor="naip", vector=RED) for n in range(2)]
    rows += [row("b0", square(5, 52), sensor="naip", vector=BLUE)]
    asked = plan(sought=(), without=("blue",))
    evidence = gather(asked, archive_of(rows), pictures=0)
    assert ids(evidence) == ["r0", "r1"]
    assert evidence.dropped == (
        '1 candidate left out that probably shows "blue".',
        'What is counted of all tiles that pass the filters counts those that show "blue", too.',
    )
    unknown = gather(asked, archive_of(rows, calibration=None), pictures=0)
    assert len(unknown.tiles) == 3
    # Nothing is ranked, so nothing ranks lower.
    assert unknown.dropped == ('Tiles that show "blue" are not left out: the index has no threshold.',)


def test_probabilities_of_one_period_are_not_held_against_scores_of_another() -> None:
    early, late = day("2010-01-01"), day("2020-01-01")
    rows = [row(f"n{n}", square(5 + n, 50), datetime=early, sensor="naip", vector=RED) for n in range(3)]
    faint = colour(0.5, 1, 0)
    rows += [row(f"u{n}", square(5 + n, 52), datetime=late, sensor="unread", vector=faint) for n in range(3)]
    periods = ((None, day("2015-01-01")), (day("2015-01-01"), None))
    evidence = gather(plan(periods=periods), archive_of(rows), pictures=0)
    assert sorted(ids(evidence)) == ["n0", "n1", "n2", "u0", "u1", "u2"]
    assert [tile.probability is None for tile in evidence.tiles] == [False] * 3 + [True] * 3


def test_tiles_that_cannot_be_measured_take_no_place_of_those_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    area = Fact(name="measured_area", text="Much.", value={"dates": [{"share": 0.5, "date": "2010-01-01"}]}, cites=(1,))
    monkeypatch.setattr("retriever.rag.evidence._gather.measure", lambda *_, **__: (area,))
    names = ["sentinel-1-rtc"] * 9 + ["sentinel-2-l2a"] * 3
    rows = [row(f"{n:02}", square(5 + n, 50), datetime=day("2010-01-01"), sensor=s) for n, s in enumerate(names)]
    wanted = plan(sought=("open water",), renderings=("index:ndwi",))
    evidence = gather(wanted, archive_of(rows), tiles=4, pictures=0)
    # The first of all tiles is shown besides, so that its date can be cited.
    assert ids(evidence) == ["00", "09", "10", "11"]
    assert evidence.matched == 12
    radar = gather(wanted, archive_of(rows[:9]), tiles=4, pictures=0)
    assert len(radar.tiles) == 4


def test_measuring_is_bounded_by_the_area_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def measure(*_: Any, area: Any) -> tuple[()]:
        asked.append(area)
        return ()

    monkeypatch.setattr("retriever.rag.evidence._gather.measure", measure)
    wanted = plan(renderings=("index:ndwi",), place=place(box(0, 45, 10, 55)))
    archive = archive_of(years())
    gather(wanted, archive, pictures=0)
    gather(wanted, archive, filters=filters_only(bbox=(5, 50, 20, 60)), pictures=0)
    gather(wanted, archive, filters=filters_only(near=(50.01, 5.01), radius_km=1), pictures=0)
    whole, boxed, near = asked
    assert whole.equals(box(0, 45, 10, 55))
    assert boxed.equals(box(5, 50, 10, 55))
    assert near.area * 111.2**2 * 0.6427 == pytest.approx(3.14, rel=0.02)
    assert filters_of(plan(), None).area is None
    across = filters_of(plan(), filters_only(bbox=(179, -1, -179, 1))).area
    assert across is not None
    assert across.area == pytest.approx(4)


def test_without_a_threshold_what_must_not_show_ranks_lower() -> None:
    rows = [row("red", square(5, 50), sensor="naip", vector=colour(1, 0.3, 0))]
    rows += [row("both", square(5, 52), sensor="naip", vector=colour(1, 0, 0.25))]
    asked = plan(without=("blue",))
    assert ids(gather(plan(), archive_of(rows, calibration=None), pictures=0)) == ["both", "red"]
    turned = gather(asked, archive_of(rows, calibration=None), pictures=0)
    assert ids(turned) == ["red", "both"]
    # The score told is that for what was sought.
    assert [round(tile.score or 0, 2) for tile in turned.tiles] == [0.96, 0.97]
    assert "rank lower but are not left out" in turned.dropped[0]
    assert {fact.name for fact in turned.facts} >= {"uncalibrated", "tiles"}


def test_nothing_that_passes_says_which_filter_is_to_blame() -> None:
    asked = plan(periods=((day("2030-01-01"), None),), sensors=("naip",))
    evidence = gather(asked, archive_of(years()), pictures=0)
    assert (evidence.tiles, evidence.matched) == ((), 0)
    assert evidence.insufficient == (
        "No tile passes the filters of the question; without its dates 6 tiles would (from 2000-06-01 to 2005-06-01)."
    )
    elsewhere = gather(plan(place=place(box(90, 0, 91, 1), "Nowhere")), archive_of(years()), pictures=0)
    assert elsewhere.insufficient is not None
    assert 'without the place "Nowhere" 6 tiles would' in elsewhere.insufficient
    two = gather(plan(place=place(box(90, 0, 91, 1)), periods=asked.periods), archive_of(years()), pictures=0)
    assert two.insufficient is not None
    assert "leaving out any one of them does not help; the index holds 6 tiles" in two.insufficient
    assert gather(plan(), archive_of([]), pictures=0).insufficient == "The index holds no tiles."


def test_a_place_that_nobody_knows_is_not_searched_for_in_the_whole_world() -> None:
    steps: list[Step] = []
    asked = plan(unknown_place="Atlantis")
    evidence = gather(asked, archive_of(years()), pictures=0, note=steps.append)
    assert (evidence.tiles, steps) == ((), [])
    assert evidence.insufficient is not None
    assert 'names "Atlantis", and nothing here knows where that is' in evidence.insufficient
    drawn = gather(asked, archive_of(years()), filters=filters_only(bbox=(0, 45, 10, 55)), pictures=0)
    assert len(drawn.tiles) > 0
    assert any("Atlantis" in said for said in drawn.dropped)


def test_a_question_among_the_tiles_before_sees_no_others() -> None:
    archive = archive_of(years())
    turn = Turn(question="?", plan=plan(), tile_ids=("y2001", "y2003"))
    assert ids(gather(plan(among_earlier=True), archive, kept=turn, pictures=0)) == ["y2001", "y2003"]
    assert gather(plan(), archive, kept=turn, pictures=0).matched == 6
    also = filters_only(filter="datetime > TIMESTAMP('2002-01-01T00:00:00Z')")
    assert ids(gather(plan(among_earlier=True), archive, kept=turn, filters=also, pictures=0)) == ["y2003"]
    later = plan(among_earlier=True, periods=((day("2005-01-01"), None),))
    wide = gather(later, archive, kept=turn, pictures=0)
    assert ids(wide) == ["y2005"]
    assert wide.dropped == ("None of the 2 tiles of the answer before passes; the whole archive was searched.",)


class Library:
    """Three passages, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def search(self, texts: Any, *, near: Any, radius_km: float, k: int) -> tuple[Passage, ...]:
        self.asked.append((tuple(texts), near, radius_km, k))
        return self.get(["b", "a"])[:k]

    def get(self, ids: Any) -> tuple[Passage, ...]:
        return tuple(Passage(passage_id=each, title=each, text=f"About {each}.", source="x.md") for each in ids)


def test_passages_are_numbered_after_the_tiles_and_looked_for_near_them() -> None:
    library = Library()
    archive = archive_of(years(), knowledge=library)
    evidence = gather(plan(), archive, pictures=0)
    assert [each.number for each in evidence.passages] == [len(evidence.tiles) + 1, len(evidence.tiles) + 2]
    ((texts, near, _, _),) = library.asked
    assert texts == ("red",)
    assert near.intersects(square(5, 50))
    assert gather(plan(knowledge=False), archive, pictures=0).passages == ()
    entry = PlannedPlace(name="x", geometry=square(5, 50), source="knowledge", passage_id="c")
    named = gather(plan(place=entry), archive, pictures=0)
    assert [each.passage.passage_id for each in named.passages] == ["c", "b", "a"]


@pytest.fixture
def steps() -> list[Step]:
    return []


def test_each_step_is_told_with_its_time(steps: list[Step]) -> None:
    gather(plan(), archive_of(years(), knowledge=Library()), pictures=2, note=steps.append)
    assert [step.name for step in steps] == ["retrieve", "diversify", "knowledge", "draw"]
    assert all(step.seconds >= 0 and step.text.endswith(".") for step in steps)
    (search,) = steps[0].detail["searches"]
    assert (search["sought"], search["matched"], search["threshold"]) == ("red", 6, 0.5)


def test_evidence_that_cannot_carry_an_answer_is_not_drawn(monkeypatch: pytest.MonkeyPatch, steps: list[Step]) -> None:
    monkeypatch.setattr("retriever.rag.evidence._gather.judge", lambda retrieved, archive: "Nothing looks like it.")
    evidence = gather(plan(), archive_of(years()), note=steps.append)
    assert evidence.insufficient == "Nothing looks like it."
    assert evidence.tiles
    assert "draw" not in {step.name for step in steps}
