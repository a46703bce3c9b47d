"""All bands against three, on tiles that only the other bands tell apart."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from core import InputError, Sample, Tile
from core.testing import MeanColourEncoder
from evaluation import Options, Report, evaluate
from evaluation._families import mean_ndvi, wet_share
from evaluation._spectral import colours_only, resampled, weighted_average_precision
from tests.unit.evaluation.doubles import RED, Held, coloured, sample, spectral

EXACT = 1e-9


class Thermometer(MeanColourEncoder):
    """Points to (1, 0) for bright near infrared and to (0, 1) where it is dark or missing; any word asks for bright."""

    def prepare(self, tile: Tile) -> NDArray[np.float32]:
        bright = "B08" in tile.bands and float(tile.pixels[tile.bands.index("B08")].mean()) > 0.3
        return np.array([bright, not bright, 0], dtype=np.float32)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        return np.pad(batch.astype(np.float32), ((0, 0), (0, 1)))

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (len(texts), 1))


def tiles() -> tuple[Sample, ...]:
    """Sixteen tiles, the same in red, green and blue; every fourth one, from the last, has vigorous vegetation."""
    return tuple(
        sample(
            f"t{number:02d}",
            {"s2": spectral({"B02": 0.05, "B03": 0.05, "B04": 0.05, "B08": 0.6 if number % 4 == 3 else 0.05})},
            labels=("snow",) if number % 2 else ("bare ground",),
        )
        for number in range(16)
    )


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate("spectral-families", Thermometer(), Held(held=tiles()))


def test_the_other_bands_earn_their_place(report: Report) -> None:
    assert report.figure("vegetation vigour AP, all bands").value == pytest.approx(1.0, abs=EXACT)
    # With three bands all tiles tie and stand in order: right are the 4th, 8th, 12th and 16th.
    assert report.figure("vegetation vigour AP, RGB only").value == pytest.approx(1 / 4, abs=EXACT)
    gain = report.figure("vegetation vigour AP, gain of all bands")
    assert gain.value == pytest.approx(3 / 4, abs=EXACT)
    assert gain.low > 0, "the interval excludes zero"


def test_a_family_that_gains_nothing_has_an_interval_around_zero(report: Report) -> None:
    gain = report.figure("snow AP, gain of all bands")
    # All bands put the 4th, 8th, ... (all of them snow) first, then the rest in order.
    assert gain.value > 0
    same = evaluate("spectral-families", MeanColourEncoder(), Held(held=tiles()))
    blind = same.figure("snow AP, gain of all bands")
    assert (blind.value, blind.low, blind.high) == (0.0, 0.0, 0.0)
    assert any("does not use them" in note for note in same.notes)


def test_families_that_are_not_there_are_named(report: Report) -> None:
    assert "Not asked, because no tile or every tile is right: water, burnt area." in report.notes
    assert "vegetation vigour 4; snow 8" in report.notes[0]


def test_ndvi_by_hand() -> None:
    assert mean_ndvi(spectral({"B04": 0.1, "B08": 0.4})) == pytest.approx(0.3 / 0.5, abs=1e-6)
    assert np.isnan(mean_ndvi(spectral({"B04": 0.1, "B03": 0.4})))


def test_colours_keep_their_units() -> None:
    tile = colours_only(spectral({"B08": 0.4, "B02": 0.1, "B03": 0.2, "B04": 0.3}))
    assert tile.bands == ("B04", "B03", "B02")
    assert tile.pixels[:, 0, 0].tolist() == pytest.approx([0.3, 0.2, 0.1])


def test_a_plain_picture_has_nothing_to_compare() -> None:
    held = Held(held=(sample("a", {"image": coloured(RED)}, labels=("snow",)),))
    with pytest.raises(InputError, match=r"needs tiles with bands beyond red, green and blue; .*choose another view"):
        evaluate("spectral-families", MeanColourEncoder(), held)


def test_a_candidate_that_was_drawn_twice_counts_twice() -> None:
    right, weights = np.array([0, 1, 0, 1], dtype=np.int32), np.array([1, 2, 0, 1])
    # The ranking becomes wrong, right, right, right.
    assert weighted_average_precision(right, weights) == pytest.approx((1 / 2 + 2 / 3 + 3 / 4) / 3, abs=EXACT)
    assert np.isnan(weighted_average_precision(right, np.array([3, 0, 1, 0])))


def test_both_versions_see_the_same_draw() -> None:
    scores = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
    right = np.array([1, 0, 1, 0, 0, 1], dtype=np.int32)
    drawn = np.array(resampled([scores, scores], right, [f"g{n}" for n in range(6)]))
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    assert np.nanstd(drawn[:, 0]) > 0


def test_truth_of_cut_tiles_is_read_from_the_mask() -> None:
    mask = np.full((16, 16), 2)
    mask[:8, 8:] = 7
    view = spectral({"B02": 0.1, "B03": 0.1, "B04": 0.1, "B08": 0.1}, side=16)
    held = Held(name="terramind", held=(sample("site", {"s2": view}, labels=("snow/ice", "trees"), mask=lambda: mask),))
    report = evaluate("spectral-families", MeanColourEncoder(), held, Options(tile_px=8))
    assert "Right tiles of 4: snow 1." in report.notes[0]
    # Of four tiles that all tie the second is snow.
    assert report.figure("snow AP, all bands").value == pytest.approx(1 / 2, abs=EXACT)


def flooded(rows: int) -> Tile:
    """A tile of ten rows that is NDWI (0.3 - 0.1) / 0.4 = 0.5 in its first rows and (0.1 - 0.3) / 0.4 = -0.5 below."""
    tile = spectral({"B02": 0.1, "B03": 0.1, "B04": 0.1, "B08": 0.3}, side=10)
    tile.pixels[1, :rows], tile.pixels[3, :rows] = 0.3, 0.1
    return tile


def test_share_of_water_by_hand() -> None:
    assert [wet_share(flooded(rows)) for rows in (0, 2, 10)] == pytest.approx([0, 0.2, 1], abs=EXACT)
    assert np.isnan(wet_share(spectral({"B04": 0.1, "B03": 0.4})))


def test_without_labels_or_masks_the_bands_tell_where_water_is() -> None:
    tiles = [sample(f"t{rows}", {"s2": flooded(rows)}) for rows in (0, 1, 2, 3)]
    report = evaluate("spectral-families", MeanColourEncoder(), Held(held=tuple(tiles)))
    assert "Right tiles of 4: water 2." in report.notes[0]
    assert "NDWI of the tile's own bands is above 0 on at least 20% of it" in report.figures[0].meaning
    # One label anywhere, and labels are believed: now only the third is water.
    tiles[2] = sample("t2", {"s2": flooded(2)}, labels=("water",))
    labelled = evaluate("spectral-families", MeanColourEncoder(), Held(held=tuple(tiles)))
    assert "Right tiles of 4: water 1." in labelled.notes[0]
