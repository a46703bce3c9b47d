"""Whether evidence carries an answer: by filters, words, threshold and comparison, each laid out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely.geometry import box

from retriever.rag import Archive, PlannedPlace, QueryPlan
from retriever.rag.evidence._filters import filters_of
from retriever.rag.evidence._retrieve import Retrieved, retrieve
from retriever.rag.evidence._support import Support, judge, weigh
from retriever.rag.evidence._support_ground import Ground, ground_of
from retriever.rag.evidence._support_terms import terms, untaught
from tests.unit.retriever.evidence_tables import BLUE, CALIBRATION, RED, archive_of, colour, square
from tests.unit.retriever.tables import row


def rows(count: int, vector: list[float] = RED) -> list[dict[str, Any]]:
    return [row(f"t{n:03}", square(5 + 0.1 * n, 50), sensor="naip", vector=vector) for n in range(count)]


def found(archive: Archive, *sought: str, place: Any = None) -> Retrieved:
    where = None if place is None else PlannedPlace(name="there", geometry=place, source="user")
    plan = QueryPlan(question="?", sought=sought, place=where)
    return retrieve(plan, archive, filters_of(plan, None), tiles=12)


def weighed(archive: Archive, *sought: str, place: Any = None) -> tuple[Support, ...]:
    return weigh(found(archive, *sought, place=place), archive)


# --- filters, threshold


def test_nothing_that_passes_carries_no_answer() -> None:
    archive = archive_of(rows(3))
    far = found(archive, "red", place=box(-60, -10, -59, -9))
    assert judge(far, archive) == "No tile passes the filters of the question."


def test_only_tiles_that_were_looked_at_are_said_to_show_what_must_not_show() -> None:
    archive = archive_of(rows(40), calibration=CALIBRATION)
    plan = QueryPlan(question="?", sought=("red",), without=("red",))
    few = retrieve(plan, archive, filters_of(plan, None), tiles=2)
    assert judge(few, archive) == "Each of the 16 best of the 40 tiles that pass the filters shows what must not show."
    every = retrieve(plan, archive, filters_of(plan, None), tiles=12)
    assert judge(every, archive) == "Every tile that passes the filters shows what must not show."


def test_any_tile_will_do_where_nothing_is_sought() -> None:
    archive = archive_of(rows(3))
    assert judge(found(archive), archive) is None


def test_a_best_tile_below_the_threshold_of_the_index_carries_no_answer() -> None:
    archive = archive_of(rows(3, BLUE), calibration=CALIBRATION)
    (support,) = weighed(archive, "red")
    assert support.decided_by == "threshold"
    assert "threshold of this index, 0.50" in str(support.reason)
    (there,) = weighed(archive_of(rows(3), calibration=CALIBRATION), "red")
    assert there.reason is None


def test_a_phrase_is_quoted_as_plain_text_of_some_length() -> None:
    archive = archive_of(rows(3, BLUE), calibration=CALIBRATION)
    retrieved = found(archive, "red")
    (search,) = retrieved.searches
    assert search.phrase is not None
    odd = replace(search, phrase=replace(search.phrase, text='red"\n[1] ' + "x" * 400))
    said = str(judge(replace(retrieved, searches=(odd,)), archive))
    assert said.startswith('The best tile shows "red')
    assert "\n" not in said
    assert "[1]" not in said
    assert len(said) < 250


def test_one_phrase_that_carries_is_enough() -> None:
    archive = archive_of(rows(3), calibration=CALIBRATION)
    both = found(archive, "red", "blue")
    assert [support.reason is None for support in weigh(both, archive)] == [True, False]
    assert judge(both, archive) is None


def test_every_phrase_that_carries_nothing_is_named() -> None:
    archive = archive_of(rows(3, colour(0.1, 1, 0.1)), calibration=CALIBRATION)
    said = str(judge(found(archive, "red", "blue"), archive))
    assert '"red"' in said
    assert '"blue"' in said


def test_a_handful_of_tiles_is_no_ground_to_compare_on() -> None:
    (support,) = weighed(archive_of(rows(3, BLUE), calibration=None), "red")
    assert support.reason is None
    assert support.decided_by == "nothing"


# --- words


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("volcanoes erupting", ("volcanoe", "erupting")),
        ("a castle on a hill", ("castle",)),
        ("flooded fields", ()),
        ("flooding beside the rivers", ()),
        ("airports", ()),
        ("S2", ()),
        ("где лес", ("где", "лес")),
        ("机场", ("机场",)),
        ("château", ("château",)),
    ],
)
def test_words_are_known_in_their_forms(phrase: str, words: tuple[str, ...]) -> None:
    assert untaught(phrase, "swath-mini") == words


def test_an_encoder_of_which_nothing_is_listed_knows_every_word() -> None:
    assert untaught("castle", "georsclip:ViT-B-32") == ()


def test_words_are_said_once() -> None:
    assert len(set(terms())) == len(terms())


# --- comparison


DIM = len(terms())
AXES: NDArray[np.float32] = np.eye(DIM, dtype=np.float32)


def looks_like(*places: int, noise: float = 0.05) -> NDArray[np.float32]:
    """One tile for each word."""
    tiles = AXES[list(places)] + np.random.default_rng(1).normal(0, noise, (len(places), DIM))
    unit: NDArray[np.float32] = (tiles / np.linalg.norm(tiles, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_a_phrase_explains_tiles_that_look_like_it_and_no_others() -> None:
    tiles = looks_like(*[0] * 10, *[1] * 10, *[2] * 100)
    ground = Ground(AXES, tiles, ["rgb"] * len(tiles))
    assert ground.explains(AXES[0], tiles[:5]) > ground.explains(AXES[3], tiles[:5])
    assert ground.explains(AXES[0], tiles[:5]) > ground.explains(AXES[0], tiles[10:15])
    assert ground.rivals(AXES[0], tiles[10], 1) == (terms()[1],)


def test_synonyms_do_not_compete() -> None:
    """On a tile of two things, a word for both does away with a word for one; a synonym of that one does not."""
    tiles = np.repeat(unit(AXES[0] + 1.5 * AXES[5])[None], 5, axis=0)
    sample = looks_like(*range(100), *[5] * 100)

    def explained(*words: NDArray[np.float32]) -> float:
        without = np.delete(AXES, 5, axis=0)
        return Ground(np.vstack([without, *words]), sample, ["rgb"] * 200).explains(AXES[0], tiles)

    assert explained(unit(AXES[0] + 0.5 * AXES[5])) == pytest.approx(explained(), abs=0.01)
    assert explained(unit(AXES[0] + 1.5 * AXES[5])) < explained() - 1


def test_words_for_the_same_ground_do_not_compete() -> None:
    """Ships lie in harbours: where tiles that show the one show the other, the better fit of ships says nothing."""
    both = np.repeat(unit(AXES[0] + 1.5 * AXES[5])[None], 40, axis=0)
    apart = looks_like(*range(100), *[5] * 100)

    def explained(sample: NDArray[np.float32]) -> float:
        return Ground(AXES, sample, ["rgb"] * len(sample)).explains(AXES[0], both[:5])

    assert explained(np.vstack([looks_like(*range(6, 100)), both])) > explained(apart) + 1


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return it with length 1."""
    scaled: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return scaled


def test_heights_are_of_the_sensor() -> None:
    """A radar tile as bright as the dullest optical one is the highest of its own."""
    optical, radar = looks_like(*[0] * 50, noise=0.05), looks_like(*[1] * 49, 0, noise=0.05)
    ground = Ground(AXES, np.vstack([optical, radar]), ["naip"] * 50 + ["sentinel-1-rtc"] * 50)
    heights = ground.heights(AXES[0], radar[-1:], ["sentinel-1-rtc"])
    assert heights[0] > 5
    assert ground.highest(AXES[0], ["sentinel-1-rtc"]) == pytest.approx(heights[0])
    assert ground.highest(AXES[0], ["naip"]) < 5
    assert ground.highest(AXES[0], ["landsat-c2-l2"]) == -np.inf


def test_an_archive_is_read_once_a_version() -> None:
    archive = archive_of(rows(5))
    assert ground_of(archive) is ground_of(archive)
    assert len(ground_of(archive)) == 5


def test_a_far_better_tile_outside_the_filters_speaks_against_those_inside() -> None:
    """East the tiles are blue, west they are red; asked for blue things in the west."""
    random = np.random.default_rng(4)
    tiles = [
        row(
            f"t{n:03}",
            square(5 + 0.1 * n, 50),
            sensor="naip",
            vector=colour(*(np.array([0, 0, 1] if n < 60 else [1, 0, 0]) + random.uniform(0, 0.2, 3))),
        )
        for n in range(120)
    ]
    archive = archive_of(tiles, calibration=None)
    (inside,) = weighed(archive, "blue", place=box(5, 49, 10, 51))
    (outside,) = weighed(archive, "blue", place=box(11.5, 49, 20, 51))
    assert inside.decided_by == outside.decided_by == "comparison"
    assert inside.detail["drop"] < 0.5 < outside.detail["drop"]
    assert inside.margin > outside.margin
