"""Two sensors over the same sites, seen by an encoder of mean colours."""

import numpy as np
import pytest

from core import InputError, Tile, UnknownNameError
from core.testing import MeanColourEncoder
from evaluation import Options, evaluate
from evaluation._corpus import Corpus
from evaluation._cross_sensor import centred
from tests.unit.evaluation.doubles import BLUE, GREEN, RED, Colour, Held, coloured, sample

YELLOW = (250, 250, 10)


def sites() -> Held:
    """Site a is green before and after; b turns from red to blue; the second sensor sees b's `after` red."""
    return Held(
        held=(
            sample("a", _views(GREEN, YELLOW, GREEN, YELLOW), group="one"),
            sample("b", _views(RED, BLUE, RED, RED), group="two"),
        )
    )


def _views(before: Colour, after: Colour, other_before: Colour, other_after: Colour) -> dict[str, Tile]:
    colours = {"s1-before": before, "s1-after": after, "s2-before": other_before, "s2-after": other_after}
    return {role: coloured(colour) for role, colour in colours.items()}


def test_right_is_the_same_site_at_the_same_time() -> None:
    report = evaluate("cross-sensor", MeanColourEncoder(), sites())
    # s1 pictures: green, yellow, red find theirs first. Blue finds green first (10, 250, 10 and 250, 10, 10 are as far,
    # and green stands first), then red before, then red after, its own.
    assert report.figure("s1 to s2 site recall@1").value == pytest.approx(3 / 4, abs=1e-9)
    assert report.figure("s1 to s2 site recall@1").chance == pytest.approx(1 / 4, abs=1e-9)
    assert report.figure("s1 to s2 site median rank").value == 1.0
    assert report.figure("s1 to s2 site median rank").chance == pytest.approx(2.0)
    assert report.figure("s1 to s2 site median rank").better == "lower"


def test_the_same_site_at_any_time_is_reported_apart() -> None:
    report = evaluate("cross-sensor", MeanColourEncoder(), sites())
    # s2 to s1: green, yellow, red, and red `after`, which finds red `before` first: right at any time only.
    assert report.figure("s2 to s1 site recall@1").value == pytest.approx(3 / 4, abs=1e-9)
    assert report.figure("s2 to s1 site at any time recall@1").value == pytest.approx(4 / 4, abs=1e-9)
    assert report.figure("s2 to s1 site at any time recall@1").chance == pytest.approx(2 / 4, abs=1e-9)


def test_tiles_of_the_same_site_are_right() -> None:
    places = {"a": coloured(RED, side=40), "b": coloured(GREEN, side=40)}
    held = Held(held=tuple(sample(name, {"s1": tile, "s2": tile}) for name, tile in places.items()))
    report = evaluate("cross-sensor", MeanColourEncoder(), held, Options(tile_px=20))
    assert report.pictures == 2 * 2 * 4
    figure = report.figure("s1 to s2 site recall@1")
    assert (figure.value, figure.queries, figure.units) == (1.0, 8, 2)
    assert figure.chance == pytest.approx(4 / 8, abs=1e-9)
    # All four tiles of a site look alike, so the first of them is found: one in four is exactly right.
    assert report.figure("s1 to s2 site and tile recall@1").value == pytest.approx(1 / 4, abs=1e-9)


def test_an_exact_role_wins_over_what_begins_with_it() -> None:
    views = {"s1": coloured(RED), "s2": coloured(RED), "s2-l1c": coloured(RED)}
    report = evaluate("cross-sensor", MeanColourEncoder(), Held(held=(sample("a", views), sample("b", views))))
    assert "2 of s1 and 2 of s2" in report.notes[0]


def test_labels_are_compared_in_four_directions() -> None:
    held = (
        sample("a", {"s1": coloured(RED), "s2": coloured(RED)}, labels=("water", "forest")),
        sample("b", {"s1": coloured(RED), "s2": coloured(RED)}, labels=("water",)),
        sample("c", {"s1": coloured(GREEN), "s2": coloured(GREEN)}, labels=("town",)),
    )
    report = evaluate("cross-sensor", MeanColourEncoder(), Held(held=held), Options(k=1))
    for direction in ("s1 to s1", "s1 to s2", "s2 to s1", "s2 to s2"):
        # a finds b: precision 1, recall 1/2. b finds a: precision 1/2, recall 1. c finds a: nothing shared.
        assert report.figure(f"{direction} label precision@1").value == pytest.approx((1 + 1 / 2 + 0) / 3, abs=1e-9)
        assert report.figure(f"{direction} label recall@1").value == pytest.approx((1 / 2 + 1 + 0) / 3, abs=1e-9)
        assert report.figure(f"{direction} label F1@1").value == pytest.approx(1 / 2, abs=1e-9)
        # Chance: the mean over the two other places.
        assert report.figure(f"{direction} label precision@1").chance == pytest.approx((1 + 1 / 2) / 2 / 3, abs=1e-9)


def test_queries_may_come_from_another_split() -> None:
    held = (
        sample("a", {"s1": coloured(RED), "s2": coloured(RED)}, labels=("water",), split="test"),
        sample("b", {"s1": coloured(GREEN), "s2": coloured(GREEN)}, labels=("town",), split="test"),
        sample("q", {"s1": coloured(GREEN), "s2": coloured(RED)}, labels=("town",), split="val"),
    )
    report = evaluate("cross-sensor", MeanColourEncoder(), Held(held=held), Options(k=1, query_split="val"))
    assert report.figure("s1 to s2 label precision@1").value == 1.0
    assert report.figure("s2 to s1 label precision@1").value == 0.0
    assert report.figure("s2 to s1 label precision@1").queries == 1


def test_missing_views_are_named() -> None:
    held = Held(held=(sample("a", {"image": coloured(RED)}),))
    with pytest.raises(InputError, match="no sample has a view 's1' or 's2'; views are image; choose two with --roles"):
        evaluate("cross-sensor", MeanColourEncoder(), held)


def test_a_view_smaller_than_a_tile_is_named() -> None:
    with pytest.raises(InputError, match="smaller than a tile of 64"):
        evaluate("cross-sensor", MeanColourEncoder(), sites(), Options(tile_px=64))


def test_a_constant_offset_between_the_sensors_is_taken_off() -> None:
    away = np.array([[0.6, 0.8, 0.0], [0.6, 0.0, 0.8]], dtype=np.float32)
    nothing = np.empty((2, 0), dtype=np.float32)
    corpus = Corpus(items=(), vectors=away, colours=nothing, thumbnails=np.zeros((2, 16, 16, 3), dtype=np.uint8))
    # The mean is (0.6, 0.4, 0.4); what is left, (0, 0.4, -0.4) and its opposite, has length 0.4 * sqrt(2).
    half = 2**-0.5
    assert centred(corpus).vectors == pytest.approx(np.array([[0, half, -half], [0, -half, half]]), abs=1e-6)


def test_an_unknown_variant_lists_the_known() -> None:
    with pytest.raises(UnknownNameError, match="plain, centred"):
        evaluate("cross-sensor", MeanColourEncoder(), sites(), Options(variant="best"))
