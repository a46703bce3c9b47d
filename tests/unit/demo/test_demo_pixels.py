from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from demo._covers import FOREST, Cover, palette
from demo._optical import BANDS
from demo._weather import SUN_AZIMUTH


def ratio(pixels: np.ndarray, first: str, second: str) -> np.ndarray:
    a, b = (pixels[BANDS.index(name)].astype(np.float64) for name in (first, second))
    return np.asarray((a - b) / (a + b))


def decibel(power: np.ndarray) -> float:
    return float(10 * np.log10(power.mean()))


@pytest.mark.parametrize(("scene", "cover"), [("coast", Cover.SEA), ("coast", Cover.RIVER), ("upland", Cover.LAKE)])
def test_water_is_darker_in_the_near_infrared_than_in_green(stage: Any, scene: str, cover: Cover) -> None:
    ndwi = ratio(stage.optical(scene, 1).pixels, "B03", "B08")[stage.where(scene, 1, cover)]
    assert ndwi.size > 500
    assert (ndwi > 0).mean() > 0.99


def test_the_open_sea_is_dark_and_bluer_than_red(stage: Any) -> None:
    pixels = stage.optical("coast", 0).pixels[:, stage.where("coast", 0, Cover.SEA)].mean(axis=1)
    blue, red = pixels[BANDS.index("B02")], pixels[BANDS.index("B04")]
    assert 200 < red < blue < 1000


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_forest_is_green_in_every_season(stage: Any, epoch: int) -> None:
    forest = stage.where("upland", epoch, *FOREST)
    pixels = stage.optical("upland", epoch).pixels
    assert np.median(ratio(pixels, "B08", "B04")[forest]) > 0.6
    red, green, blue = (float(np.median(pixels[BANDS.index(name)][forest])) for name in ("B04", "B03", "B02"))
    assert green > red > 0
    assert green > blue > 0


def test_the_burn_scar_appears_between_the_first_and_the_second_date(stage: Any) -> None:
    burnt = stage.where("upland", 1, Cover.BURNT) & stage.where("upland", 0, *FOREST)
    assert burnt.sum() > 5000
    before, after = (ratio(stage.optical("upland", epoch).pixels, "B08", "B12")[burnt] for epoch in (0, 1))
    assert np.median(before) > 0.4
    assert np.median(after) < -0.2
    assert (after < 0).mean() > 0.95


def test_flooded_fields_turn_dark_for_radar_on_the_third_date(stage: Any) -> None:
    flooded = stage.where("farmland", 2, Cover.FLOOD)
    assert flooded.sum() > 3000
    before, after = (stage.radar("farmland", epoch)[0][flooded] for epoch in (1, 2))
    assert decibel(before) - decibel(after) > 5
    assert decibel(after) < -15


def test_the_flood_is_on_no_other_date(stage: Any) -> None:
    covers = stage.ground("farmland").covers
    assert [int((codes == Cover.FLOOD).sum()) > 0 for codes in covers] == [False, False, True]


def test_the_construction_site_is_bare_before_it_is_built_up(stage: Any) -> None:
    covers = stage.ground("city").covers
    halls = (covers[2] == Cover.METAL) & (covers[0] != Cover.METAL)
    assert halls.sum() * 25 > 200_000  # square metres
    assert np.isin(covers[1][halls], (Cover.SOIL, Cover.SAND)).all()


def test_radar_sees_bright_ships_on_a_dark_sea(stage: Any) -> None:
    ships = stage.radar("coast", 0)[0][stage.ground("coast").covers[0][::2, ::2] == Cover.SHIP]
    assert decibel(ships) - decibel(stage.radar("coast", 0)[0][stage.where("coast", 0, Cover.SEA)]) > 12


def test_speckle_has_the_measured_number_of_looks_and_unit_mean() -> None:
    from demo._covers import statistics
    from demo._radar import _speckle

    noise = _speckle(np.random.default_rng(1), (600, 600))
    assert noise.mean() == pytest.approx(1, abs=0.01)
    assert 1 / noise.var() == pytest.approx(statistics()["speckle"]["looks"], rel=0.1)


@pytest.mark.parametrize("cover", [Cover.CONIFER, Cover.MAIZE, Cover.SAND, Cover.SEA])
def test_a_cover_keeps_the_mean_reflectance_of_its_spectrum(stage: Any, cover: Cover) -> None:
    scene = {Cover.CONIFER: "upland", Cover.MAIZE: "farmland"}.get(cover, "coast")
    chosen = stage.where(scene, 1, cover)
    shade = stage.ground(scene).shade[chosen].mean()
    found = stage.optical(scene, 1).pixels[:, chosen].mean(axis=1) / 1e4 / shade
    # 20 m and 60 m bands mix with what lies around; the texture is not symmetric.
    np.testing.assert_allclose(found[1:4], palette(1).mean[cover][1:4], rtol=0.25)
    np.testing.assert_allclose(found[7], palette(1).mean[cover][7], rtol=0.25, atol=0.003)


def test_nodata_never_occurs_in_the_pixels(stage: Any) -> None:
    for name in ("upland", "coast"):
        assert stage.optical(name, 2).pixels.min() >= 1
        assert stage.radar(name, 2).min() > 0
        assert np.isfinite(stage.radar(name, 2)).all()


def test_clouds_are_bright_and_classified_and_shadows_are_dark(stage: Any) -> None:
    scene, view = stage.optical("upland", 2), stage.sky("upland", 2)
    blue = scene.pixels[BANDS.index("B02")].astype(float)
    assert np.median(blue[view.cloud > 0.9]) > 3500
    thick, clear_shadow = view.cloud[::2, ::2] > 0.9, (view.shadow > 0.9) & (view.cloud < 0.01)
    assert (scene.scl[thick] == 9).all()
    assert (scene.scl[clear_shadow[::2, ::2]] == 3).all()
    clear = (view.shadow < 0.01) & (view.cloud < 0.01)
    assert np.median(blue[clear_shadow]) < 0.75 * np.median(blue[clear])


def test_shadows_fall_away_from_the_sun(stage: Any) -> None:
    assert all(90 < azimuth < 180 for azimuth in SUN_AZIMUTH)  # south-east, so shadows lie to the north-west
    view = stage.sky("farmland", 0)
    agreement = {
        (down, right): float((np.roll(view.cloud, (down, right), (0, 1)) * view.shadow).sum())
        for down in (-85, 0, 85)
        for right in (-40, 0, 40)
    }
    assert max(agreement, key=lambda key: agreement[key]) == (-85, -40)


def test_a_clear_sky_has_neither_cloud_nor_shadow(stage: Any) -> None:
    assert stage.sky("upland", 1).cloud.max() == 0
    assert np.isin(stage.optical("upland", 1).scl, (4, 5, 6)).all()
