"""Painters of what happened: fire, flood, snowfall, felling."""

from __future__ import annotations

import numpy as np

from demo.worlds._canvas import Canvas
from demo.worlds._culture import parcels, quarters
from demo.worlds._surfaces import GROUPS, OPEN_WATER, Surface

_FUEL = (*GROUPS["forest"], *GROUPS["grassland"], *GROUPS["farmland"], Surface.CLEARCUT, Surface.PEAT)
_WOODS = GROUPS["forest"]


def fire(canvas: Canvas) -> None:
    """A burn scar with ragged edges and unburnt islands."""
    rng = canvas.rng
    field = canvas.noise(2.2, 0.9) + np.float32(0.2) * canvas.noise(1.4, 0.25)
    edge = float(np.quantile(field[::4, ::4], rng.uniform(0.05, 0.85)))
    scar = np.asarray((field > edge) & np.isin(canvas.cover, _FUEL))
    scar &= canvas.noise(1.6, 0.15) > rng.uniform(-3.0, -1.0)
    canvas.cover[scar] = Surface.BURNT
    canvas.name("burnt area", "a burn scar", scar, Surface.BURNT, least=0.03)


def flood(canvas: Canvas) -> None:
    """Water over low land, field by field or along a level; plants stand out of the shallow edge."""
    rng = canvas.rng
    level = canvas.noise(2.3, 0.8)
    if rng.random() < 0.4:
        number, _ = parcels(canvas, quarters(canvas, 1200.0), 180.0, 300.0)
        level = level + rng.normal(0, 0.35, 4096).astype(np.float32)[number]
    edge = float(np.quantile(level[::4, ::4], rng.uniform(0.4, 0.9)))
    dry = ~np.isin(canvas.cover, (*OPEN_WATER, Surface.ROOF, Surface.ROOF_DARK, Surface.HALL, Surface.BRIDGE))
    wet = np.asarray((level > edge) & dry)
    standing = (
        wet & (level < edge + rng.uniform(0, 0.4)) & np.isin(canvas.cover, (*GROUPS["forest"], *GROUPS["farmland"]))
    )
    canvas.paint(wet, Surface.FLOOD)
    canvas.paint(standing, Surface.FLOODED_PLANTS)
    canvas.name("flooded area", "flood water", wet, Surface.FLOOD, Surface.FLOODED_PLANTS, least=0.04)


def snowfall(canvas: Canvas) -> None:
    """Snow on the ground; trees and roofs shed part of it, water and roads stay open."""
    rng = canvas.rng
    cold = canvas.noise(2.0, 0.6)
    patchy = cold >= np.quantile(cold[::4, ::4], rng.choice([0.0, 0.0, 0.3, 0.6]))
    open_ground = ~np.isin(canvas.cover, (*OPEN_WATER, *_WOODS, Surface.SHIP, Surface.BRIDGE, Surface.ASPHALT))
    white = np.asarray(patchy & open_ground)
    if rng.random() < 0.4:
        white |= patchy & np.isin(canvas.cover, _WOODS) & (canvas.noise(0.3, 0.1) > rng.uniform(-0.5, 1))
    if rng.random() < 0.4:
        white |= np.isin(canvas.cover, (Surface.LAKE, Surface.POND))
    canvas.cover[white] = Surface.SNOW
    canvas.name("snow", "snow on the ground", white, Surface.SNOW, least=0.05)


def felling(canvas: Canvas) -> None:
    """Clear-cuts with straight edges in forest, or a fishbone of clearings along tracks."""
    number, _ = parcels(canvas, quarters(canvas, 1500.0), float(canvas.rng.uniform(90, 300)), 260.0)
    cut = np.asarray(np.isin(canvas.cover, _WOODS) & (canvas.rng.random(4096) < canvas.rng.uniform(0.1, 0.5))[number])
    canvas.cover[cut] = Surface.CLEARCUT
    canvas.fresh_objects(number, cut)
    canvas.name("clear-cut", "clear-cut patches", cut, Surface.CLEARCUT, least=0.04)
