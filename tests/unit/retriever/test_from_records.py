"""An answer from records says nothing that records, facts and passages do not say."""

import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from core import Offset, PixelWindow, Record
from retriever.rag import (
    Claim,
    EvidencePassage,
    EvidenceSet,
    EvidenceTile,
    Fact,
    Passage,
    PlannedPlace,
    QueryPlan,
    Shape,
    write_from_records,
)
from retriever.rag._wording import amount, counted, distance, listed, only_years, share, shortened, square_km, wind
from retriever.rag.records._from_records_scores import in_words, percent, percent_range

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def record(name: str, lon: float, lat: float, when: datetime | None, *, collection: str = "s2") -> Record:
    size = 0.01
    return Record(
        tile_id=name, scene_id=name, collection=collection, sensor="sentinel-2-l2a", encoding="dn", datetime=when,
        bbox=(lon - size, lat - size, lon + size, lat + size), centroid=(lon, lat),
        footprint=box(lon - size, lat - size, lon + size, lat + size), h3=None, h3_cover=(), gsd=10.0, crs="EPSG:32632",
        href=f"/data/{name}.tif", window=PixelWindow(col_off=0, row_off=0, width=224, height=224), valid=1.0,
        cloud=None, offset=Offset(), label=None, captions=(), preview=b"",
    )  # fmt: skip


def tile(
    number: int, *, lon: float = 10.0, lat: float = 50.0, when: str | None = "2019-06-01", **more: object
) -> EvidenceTile:
    instant = None if when is None else datetime.fromisoformat(when).replace(tzinfo=UTC)
    collection = str(more.pop("collection", "s2"))
    given_: dict[str, object] = {"sought": None, "period": None, "score": None, "probability": None} | more
    return EvidenceTile(number=number, record=record(f"t{number}", lon, lat, instant, collection=collection), **given_)  # type: ignore[arg-type]  # fields by name


def write(tiles: list[EvidenceTile], shape: Shape = "describe", **more: object) -> tuple[list[Claim], list[str]]:
    plan = QueryPlan(question="?", shape=shape, periods=more.pop("periods", ()))  # type: ignore[arg-type]  # as above
    written = write_from_records(plan, EvidenceSet(tiles=tuple(tiles), **more))  # type: ignore[arg-type]  # as above
    return list(written.claims), list(written.caveats)


instants = st.datetimes(datetime(1985, 1, 1), datetime(2024, 12, 31)).map(lambda when: when.replace(tzinfo=UTC))
words = st.text(max_size=60)


@st.composite
def evidence(draw: st.DrawFn) -> EvidenceSet:
    """Tiles of few places and dates, so that they group, with facts and passages."""
    calibrated = draw(st.booleans())
    spots = draw(st.lists(st.tuples(st.floats(-179, 179), st.floats(-80, 80)), min_size=1, max_size=4))
    days = draw(st.lists(instants, min_size=1, max_size=4))
    tiles = []
    for number in range(1, draw(st.integers(0, 14)) + 1):
        lon, lat = draw(st.sampled_from(spots))
        sought = draw(st.sampled_from([None, "a river", 'a "7" quoted\nthing']))
        when = draw(st.sampled_from([None, *days]))
        score = None if sought is None else draw(st.floats(-1, 1))
        probability = draw(st.floats(0, 1)) if calibrated and sought is not None else None
        period = draw(st.sampled_from([None, 0, 1]))
        made = record(f"t{number}", lon, lat, when, collection=draw(st.sampled_from(["a", "b"])))
        tiles.append(
            EvidenceTile(number=number, record=made, sought=sought, period=period, score=score, probability=probability)
        )
    passages = [
        EvidencePassage(
            number=len(tiles) + 1 + place,
            passage=Passage(passage_id=str(place), title=draw(words), text=draw(words), source="notes.md",
                            distance_km=draw(st.none() | st.floats(0, 30))),
        )
        for place in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    facts = [
        Fact(name=draw(st.sampled_from(["tiles", "dates", "measured_area", "likely_dates", "of_later_times"])),
             text=f"{draw(st.integers(0, 9999))} of something.", value={"count": 5, "dates": []},
             cites=tuple(draw(st.lists(st.integers(1, 16), max_size=4))))
        for _ in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    return EvidenceSet(tiles=tuple(tiles), passages=tuple(passages), facts=tuple(facts), matched=len(tiles) + 3)


def numbers_of(text: str) -> set[str]:
    spelled = {str(WORDS.index(word)) for word in re.findall(r"[a-z]+", text.lower()) if word in WORDS}
    return set(NUMBER.findall(text)) | spelled


def derivable(claim: Claim, found: EvidenceSet, plan: QueryPlan) -> set[str]:
    """Every number that the records of a claim's own tiles, or its fact or passage, can give."""
    mine = [tile for tile in found.tiles if tile.number in claim.cites]
    texts = [fact.text for fact in found.facts if fact.text == claim.text]
    for each in found.passages:
        if each.number in claim.cites:
            texts += [each.passage.text, each.passage.title, each.passage.source]
            texts += [] if each.passage.distance_km is None else [f"{each.passage.distance_km:.0f}"]
    texts += [tile.sought or "" for tile in mine] + [tile.record.sensor for tile in mine]
    days = {tile.record.datetime.astimezone(UTC).date() for tile in mine if tile.record.datetime}
    texts += [str(len(mine)), str(len(days)), *(day.isoformat() for day in days), *(str(day.year) for day in days)]
    for first, last in plan.periods:
        texts += [str(end.date()) for end in (first, last) if end is not None]
    for measure in ("probability", "score"):
        values = [value for tile in mine if (value := getattr(tile, measure)) is not None]
        texts += [f"{value:.2f} {value * 100:.0f} 99 1" for value in values]
    centres = [tile.record.centroid for tile in mine if tile.record.centroid]
    if centres:
        lats = [lat for _, lat in centres]
        turned = [math.radians(lon) for lon, _ in centres]
        lon = math.degrees(math.atan2(sum(map(math.sin, turned)), sum(map(math.cos, turned))))
        for shift in (-0.01, 0, 0.01):  # a mean of angles rounds otherwise than a mean of numbers
            texts += [f"{abs(sum(lats) / len(lats) + shift):.2f}", f"{abs(lon + shift):.2f}"]
    texts.append(str(found.matched) if claim.text.startswith("Yes: ") else "")
    texts.append(" ".join(str(count) for count in range(2, 15)) if "other places" in claim.text else "")
    return {number for text in texts for number in numbers_of(text)}


@given(evidence(), st.sampled_from(get_args(Shape)))
def test_every_number_follows_from_what_is_cited(found: EvidenceSet, shape: Shape) -> None:
    span = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2009, 12, 31, tzinfo=UTC))
    plan = QueryPlan(question="?", shape=shape, periods=(span, (None, span[1])))
    for claim in write_from_records(plan, found).claims:
        assert claim.cites
        assert set(claim.cites) <= found.numbers()
        assert numbers_of(claim.text) <= derivable(claim, found, plan), claim.text
        assert claim.text == " ".join(claim.text.split())
        assert claim.text.rstrip('"').endswith((".", "…")) or claim.text.endswith('"')


@given(evidence())
def test_every_tile_and_passage_is_told_of(found: EvidenceSet) -> None:
    claims = write_from_records(QueryPlan(question="?"), found).claims
    assert {number for claim in claims for number in claim.cites} >= found.numbers()


def test_tiles_are_told_by_place_with_their_dates() -> None:
    claims, caveats = write(
        [tile(1), tile(2, lon=10.02, when="2020-06-01"), tile(3, lon=-60.5, lat=-3.25, when=None)], matched=3
    )
    assert [claim.text for claim in claims] == [
        "Two tiles around 50.00° N, 10.01° E pass the filters: sentinel-2-l2a, 2019-06-01 and 2020-06-01.",
        "One tile around 3.25° S, 60.50° W passes the filters: sentinel-2-l2a, without a date.",
    ]
    assert [claim.cites for claim in claims] == [(1, 2), (3,)]
    assert caveats == []


def test_regions_of_one_scene_are_told_by_columns_and_rows() -> None:
    tiles = [tile(1, collection="level-1"), tile(2, collection="level-8")]
    windows = [PixelWindow(col_off=448, row_off=2240, width=224, height=224), tiles[1].record.window]
    centres = (None, tiles[1].record.centroid)
    there = [
        replace(each, record=replace(each.record, window=window, centroid=centre))
        for each, window, centre in zip(tiles, windows, centres, strict=True)
    ]
    claims, _ = write(there, matched=2)
    assert [claim.text.partition(" passes")[0] for claim in claims] == [
        "One tile in columns 448 to 672 and rows 2,240 to 2,464",
        "One tile around 50.00° N, 10.00° E in columns 0 to 224 and rows 0 to 224",
    ]


def test_a_place_across_the_antimeridian_is_one() -> None:
    claims, _ = write([tile(1, lon=179.98), tile(2, lon=-179.98)])
    assert "180.00°" in claims[0].text
    assert claims[0].cites == (1, 2)


def test_probabilities_are_said_in_words_and_numbers() -> None:
    claims, _ = write([tile(1, sought="a harbour", score=0.3, probability=0.93)])
    assert claims[0].text.startswith(
        'One tile around 50.00° N, 10.00° E fits "a harbour" with a probability of 93 % (very likely): '
    )
    assert claims[0].confidence == 0.93


def test_scores_are_not_called_probabilities() -> None:
    claims, caveats = write([tile(1, sought="a harbour", score=0.31), tile(2, sought="a harbour", score=0.25)])
    assert 'are among the closest to "a harbour" (scores 0.25 to 0.31)' in claims[0].text
    assert claims[0].confidence is None
    assert any("not probabilities" in caveat for caveat in caveats)


@pytest.mark.parametrize(
    ("probability", "said"), [(0.7, "probably shows"), (0.3, "does not clearly show"), (None, "does not prove")]
)
def test_is_there_is_answered_by_the_threshold_of_the_index(probability: float | None, said: str) -> None:
    limit = Fact(name="likely", text="1 of 3 tiles.", value={"sought": "a harbour", "threshold": 0.5}, cites=(1,))
    found = tile(1, sought="a harbour", score=0.3, probability=probability)
    claims, _ = write([found], "presence", facts=(limit,))
    assert said in claims[0].text


def test_is_there_imagery_is_answered_by_what_passes() -> None:
    claims, _ = write([tile(1), tile(2)], "presence", matched=1204)
    assert claims[0].text == "Yes: 1,204 tiles pass the filters of the question."
    assert claims[0].cites == (1, 2)


def test_only_the_passage_that_names_the_place_is_quoted() -> None:
    passages = tuple(
        EvidencePassage(
            number=number, passage=Passage(passage_id=name, title=name, text=f"About {name}.", source="places.md")
        )
        for number, name in ((2, "port"), (3, "lake"))
    )
    place = PlannedPlace(name="lake", geometry=box(9, 49, 11, 51), source="knowledge", passage_id="lake")
    found = EvidenceSet(tiles=(tile(1),), passages=passages)
    plan = QueryPlan(question="?", shape="when", place=place)
    assert [claim.cites for claim in write_from_records(plan, found).claims] == [(1,), (3,)]
    assert len(write_from_records(replace(plan, shape="describe"), found).claims) == 3


def test_measured_dates_make_those_of_records_needless() -> None:
    facts = (
        Fact(name="dates", text="The tiles are of 2 dates.", value={"count": 2}, cites=(1,)),
        Fact(name="measured_change", text="Much was lost.", value={}, cites=(1,)),
    )
    claims, _ = write([tile(1)], "change", facts=facts)
    assert [claim.text for claim in claims[:1]] == ["Much was lost."]
    assert not any(claim.text == "The tiles are of 2 dates." for claim in claims)


def test_what_is_measured_beside_tiles_that_were_found_hides_nothing_of_them() -> None:
    facts = (
        Fact(name="measured_least", text="The least dense vegetation was in May.", value={}, cites=(1,)),
        Fact(name="likely_dates", text="Tiles that probably show it are of 2021.", value={}, cites=(1,)),
        Fact(name="first_seen", text="The earliest is of 2021-07-18.", value={}, cites=(1,)),
        Fact(name="likely", text="1 tile fits.", value={"sought": "solar farm", "threshold": 0.5}, cites=(1,)),
    )
    claims, _ = write([tile(1, sought="solar farm", score=0.2, probability=0.8)], "when", facts=facts)
    assert [claim.text for claim in claims[:4]] == [
        "Tiles that probably show it are of 2021.",
        "The earliest is of 2021-07-18.",
        "1 tile fits.",
        "The least dense vegetation was in May.",
    ]


def test_likely_tiles_are_told_in_place_of_all() -> None:
    facts = (
        Fact(name="tiles", text="9 tiles pass.", value=9, cites=(1,)),
        Fact(name="likely", text="2 of 9 tiles fit.", value={"sought": "ice", "threshold": 0.5}, cites=(1,)),
    )
    claims, _ = write([tile(1, sought="ice", score=0.2, probability=0.8)], "count", facts=facts)
    assert [claim.text for claim in claims[:1]] == ["2 of 9 tiles fit."]
    assert not any(claim.text == "9 tiles pass." for claim in claims)


def test_years_are_years_where_a_collection_tells_no_more() -> None:
    tiles = [tile(1, when="1985-01-01", collection="landsat"), tile(2, when="2020-01-01", collection="landsat")]
    claims, caveats = write(tiles)
    assert claims[0].text.endswith(": sentinel-2-l2a, 1985 and 2020.")
    assert any("landsat" in caveat and "years" in caveat for caveat in caveats)


def test_what_limits_a_measurement_is_a_caveat() -> None:
    facts = (
        Fact(
            name="measured_area",
            text="Open water covered 2.00 km² on 2019-06-01.",
            value={"dates": [{"date": "2019-06-01"}]},
            cites=(1,),
        ),
        Fact(name="dates", text="The tiles are of 4 dates.", value={"count": 4}, cites=(1,)),
        Fact(name="measured_how", text="Told by a rule.", value={"place": [1, 2]}, cites=(1,)),
        Fact(name="measured_how", text="Told by a rule.", value={"place": [3, 4]}, cites=(1,)),
        Fact(name="tiles", text="9 tiles pass.", value=9, cites=(1,)),
    )
    claims, caveats = write([tile(1)], "when", facts=facts, matched=9)
    assert claims[0].text == "Open water covered 2.00 km² on 2019-06-01."
    assert caveats.count("Told by a rule.") == 1
    assert "1 of the 4 dates that pass the filters was measured." in caveats
    # Facts count every tile; measurements do not.
    said = next(caveat for caveat in caveats if caveat.startswith("1 tile of the 9 "))
    assert said.endswith("but only scenes of those shown are measured.")
    _, plain = write([tile(1)], "when", facts=facts[1:2], matched=9)
    assert plain[0].endswith("facts count all of them.")


def test_compared_periods_are_named() -> None:
    first, second = datetime(2000, 1, 1, tzinfo=UTC), datetime(2010, 1, 1, tzinfo=UTC)
    periods = ((None, first), (second, second + timedelta(days=1)))
    claims, _ = write([tile(1, period=0, sought="ice"), tile(2, period=1, sought="ice")], "compare", periods=periods)
    assert "until 2000-01-01" in claims[0].text
    assert "from 2010-01-01 to 2010-01-02" in claims[1].text


def test_many_places_are_summed_up() -> None:
    claims, _ = write([tile(number, lon=number * 10.0) for number in range(1, 10)])
    assert len(claims) == 6
    assert claims[-1].text.startswith("Four further tiles at 4 other places pass the filters")


def test_passages_are_quoted_capped_and_tamed() -> None:
    passage = Passage(
        passage_id="p", title="Port", text='The "port" [1] was built\nin 1921. ' + "x" * 400, source="notes.md",
        distance_km=12.4,
    )  # fmt: skip
    claims, _ = write([tile(1)], passages=(EvidencePassage(number=2, passage=passage),))
    assert claims[-1].cites == (2,)
    assert claims[-1].text.startswith('notes.md says on "Port" (12 km away): "The \'port\' (1) was built in 1921. ')
    assert len(claims[-1].text) < 320


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (amount(1234.4), "1,234"), (amount(61.25), "61.2"), (amount(2.406), "2.41"), (amount(0.034512), "0.0345"),
        (square_km(0.0012), "1,200 m²"), (square_km(61.2), "61.2 km²"), (square_km(0), "0.00 km²"),
        (distance(480.2), "480 m"), (distance(5310), "5.31 km"), (share(0.143), "14.3 %"), (share(0.0025), "0.25 %"),
        (wind(359), "north"), (wind(226), "south-west"), (counted(0, "tile"), "No tiles"),
        (counted(1, "tile"), "One tile"),
        (counted(13, "tile"), "13 tiles"), (listed([]), ""), (listed(["a", "b", "c"]), "a, b and c"),
        (shortened(list("abcd"), 3), "a, b and 2 more"), (percent(0.999), "over 99 %"), (percent(0.001), "under 1 %"),
        (percent_range(0.001, 0.4), "under 1 % to 40 %"), (percent_range(0.62, 0.93), "62 to 93 %"),
        (percent_range(0.93, 0.93), "93 %"), (in_words(0.5), "about as likely as not"),
        (in_words(0.0), "exceptionally unlikely"), (only_years([datetime(1985, 1, 1, tzinfo=UTC)]), False),
    ],
)  # fmt: skip
def test_numbers_are_written_as_people_write_them(got: object, wanted: object) -> None:
    assert got == wanted
