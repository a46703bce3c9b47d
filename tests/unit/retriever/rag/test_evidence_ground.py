"""Areas on the ellipsoid: overlaps once, antimeridian and poles, and an honest end where there are too many."""

import pytest
from shapely.geometry import box

from core import wrap_footprint
from retriever.rag import QueryPlan, gather
from retriever.rag.evidence._ground import ground_km2
from tests.unit.retriever.evidence_tables import RED, archive_of, square
from tests.unit.retriever.tables import row

# The surface of the WGS84 ellipsoid, https://en.wikipedia.org/wiki/Earth_ellipsoid (510,065,621.7 km2).
EARTH_KM2 = 510_065_621.7


def test_the_whole_earth_and_its_quarters_have_the_area_they_have() -> None:
    assert ground_km2([box(-180, -90, 180, 90)]) == pytest.approx(EARTH_KM2, rel=1e-9)
    assert ground_km2([box(-180, 0, 0, 90)]) == pytest.approx(EARTH_KM2 / 4, rel=1e-9)
    assert ground_km2([]) == 0


def test_ground_that_several_tiles_cover_counts_once() -> None:
    one = ground_km2([square(5, 50)])
    assert one == pytest.approx(1.434 * 2.225, rel=2e-3)
    assert ground_km2([square(5, 50), square(5, 50)]) == pytest.approx(one)
    assert ground_km2([square(5, 50), square(5.01, 50)]) == pytest.approx(1.5 * one, rel=1e-6)
    assert ground_km2([box(0, 0, 3, 3), box(1, 1, 2, 2)]) == pytest.approx(ground_km2([box(0, 0, 3, 3)]))


def test_a_hole_is_not_ground() -> None:
    ring = box(0, 0, 3, 3).difference(box(1, 1, 2, 2))
    assert ground_km2([ring]) == pytest.approx(ground_km2([box(0, 0, 3, 3)]) - ground_km2([box(1, 1, 2, 2)]))


def test_the_antimeridian_and_a_pole_change_nothing() -> None:
    crossing = wrap_footprint([(179.99, 50), (180.01, 50), (180.01, 50.02), (179.99, 50.02)])
    assert ground_km2([crossing]) == pytest.approx(ground_km2([square(5, 50)]), rel=1e-6)
    cap = wrap_footprint([(lon, 80.0) for lon in range(-180, 180, 10)])
    # Closed form of the ellipsoidal cap north of 80 degrees.
    assert ground_km2([cap]) == pytest.approx(3_900_000, rel=0.02)
    assert ground_km2([cap]) == pytest.approx(ground_km2([box(-180, 80, 180, 90)]), rel=1e-6)


def test_too_many_footprints_give_a_lower_bound_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retriever.rag.evidence._seen.MOST_FOOTPRINTS", 3)
    monkeypatch.setattr("retriever.rag.evidence._fact_sentences.MOST_FOOTPRINTS", 3)
    monkeypatch.setattr("retriever.rag.evidence._gather.judge", lambda retrieved, archive: None)
    rows = [row(f"t{n}", square(5 + n, 50), sensor="naip", vector=RED) for n in range(5)]
    evidence = gather(QueryPlan(question="?"), archive_of(rows), pictures=0)
    (fact,) = [fact for fact in evidence.facts if fact.name == "area_km2"]
    assert fact.value == pytest.approx(3 * ground_km2([square(5, 50)]), rel=1e-3)
    assert "at least" in fact.text
    assert "only 3 different footprints were added up" in fact.text
