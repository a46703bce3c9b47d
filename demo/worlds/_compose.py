"""Which landscape a sample shows: a setting, what lies in it, what happened to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import numpy as np

from demo.worlds import _culture as culture
from demo.worlds import _events as events
from demo.worlds import _nature as nature
from demo.worlds import _works as works
from demo.worlds._canvas import Canvas
from demo.worlds._surfaces import Climate, Season

GSD = (5.0, 30.0)
"""Metres a pixel."""

Painter = Callable[[Canvas], None]

SETTINGS: dict[Painter, float] = {
    nature.forest: 0.17,
    culture.farmland: 0.19,
    nature.plain: 0.12,
    culture.town: 0.1,
    nature.mountains: 0.12,
    nature.desert: 0.1,
    nature.sea: 0.07,
    nature.wetland: 0.07,
    nature.snowfield: 0.06,
}
"""What lies under everything, and how often."""

WORKS: dict[Painter, float] = {
    culture.village: 0.22,
    culture.road: 0.26,
    works.airport: 0.09,
    works.solar: 0.07,
    works.greenhouses: 0.06,
    works.quarry: 0.09,
    works.tanks: 0.05,
    works.reservoir_ponds: 0.06,
}

EVENTS: dict[Painter, float] = {events.fire: 0.36, events.flood: 0.34, events.snowfall: 0.18, events.felling: 0.12}


def compose(rng: np.random.Generator, size: int) -> Canvas:
    """Paint one landscape.

    Args:
        rng: The sample's stream.
        size: Delivered pixels a side.
    """
    gsd = float(np.exp(rng.uniform(math.log(GSD[0]), math.log(GSD[1]))))
    season = get_args(Season)[rng.integers(4)]
    climate = get_args(Climate)[rng.choice(4, p=[0.45, 0.17, 0.18, 0.2])]
    canvas = Canvas(rng=rng, size=size, gsd=gsd, season=season, climate=climate)
    painter = _draw(rng, SETTINGS)
    painter(canvas)
    if painter is nature.sea:
        works.ships(canvas) if rng.random() < 0.5 else None
        return canvas
    _parts(canvas, painter)
    _happenings(canvas, painter)
    return canvas


def _parts(canvas: Canvas, setting: Painter) -> None:
    rng = canvas.rng
    if setting in (nature.forest, nature.plain) and rng.random() < 0.25:
        area = np.asarray(canvas.noise(1.9, 0.6) > rng.uniform(-0.5, 1))
        kept, canvas.setting = canvas.setting, ""
        culture.farmland(canvas, area)
        canvas.name("farmland", canvas.setting, area, least=0.08)
        canvas.setting = kept
    if setting is culture.farmland and rng.random() < 0.35:
        woods = nature.patches(canvas, nature.wooded(canvas), float(rng.uniform(0.05, 0.4)))
        canvas.name("forest", "patches of woodland", woods, least=0.05)
    wet = rng.random()
    if wet < 0.15:
        water = nature.coast(canvas)
        if rng.random() < 0.4 and setting not in (nature.snowfield, nature.mountains):
            works.harbour(canvas, water)
    elif wet < 0.35:
        nature.river(canvas)
    elif wet < 0.5 and setting is not nature.snowfield:
        nature.lakes(canvas)
    if setting not in (nature.mountains, nature.snowfield, nature.wetland) and rng.random() < 0.45:
        work = _draw(rng, WORKS)
        work(canvas) if (setting, work) != (culture.town, culture.village) else culture.road(canvas)
    if rng.random() < 0.15:
        culture.road(canvas)


def _happenings(canvas: Canvas, setting: Painter) -> None:
    if setting in (nature.desert, nature.snowfield) or canvas.rng.random() > 0.4:
        return
    event = _draw(canvas.rng, EVENTS)
    if event is events.snowfall and canvas.climate in ("tropical", "arid"):
        event = events.fire
    if event is events.flood and setting is nature.mountains:
        event = events.fire
    event(canvas)


def _draw(rng: np.random.Generator, odds: dict[Painter, float]) -> Painter:
    weights = np.array(list(odds.values()))
    return list(odds)[rng.choice(len(weights), p=weights / weights.sum())]
