"""Painters of single works: airport, harbour, solar farm, greenhouses, quarry, tanks, ponds."""

from __future__ import annotations

import numpy as np

from demo.worlds._canvas import Canvas, Mask
from demo.worlds._culture import BUCKETS, parcels, quarters
from demo.worlds._nature import WATERS
from demo.worlds._surfaces import Surface


def box(canvas: Canvas, angle: float, middle: tuple[float, float], length: float, width: float) -> Mask:
    """Return a rectangle about a point."""
    along, across = canvas.turned(angle, *middle)
    return np.asarray((np.abs(along) < length / 2) & (np.abs(across) < width / 2))


def airport(canvas: Canvas) -> None:
    """Runway, taxiway, apron and halls in mown grass."""
    rng = canvas.rng
    angle = float(rng.uniform(0, np.pi))
    length = float(min(rng.uniform(1500, 3400), 0.95 * canvas.extent))
    x, y = canvas.spot(0.15)
    site = box(canvas, angle, (x, y), length * 1.1, max(0.3 * length, 260))
    canvas.paint(site, Surface.GRASS)
    canvas.height = np.where(site, np.float32(0), canvas.height)
    paved = Surface.CONCRETE if rng.random() < 0.5 else Surface.ASPHALT
    runway = box(canvas, angle, (x, y), length, 55)
    canvas.paint(runway, paved)
    shift = np.array([-np.sin(angle), np.cos(angle)])
    tx, ty = np.array([x, y]) + shift * 110
    canvas.paint(box(canvas, angle, (tx, ty), length * 0.9, 26), paved)
    ax, ay = np.array([x, y]) + shift * 200
    apron = box(canvas, angle, (ax, ay), length * 0.35, 140)
    canvas.paint(apron, Surface.CONCRETE)
    hx, hy = np.array([x, y]) + shift * 290
    canvas.paint(box(canvas, angle, (hx, hy), length * 0.25, 60), Surface.HALL)
    canvas.name("airport", "an airport with a runway", runway, paved, least=0.008)


def harbour(canvas: Canvas, water: Mask) -> None:
    """Quays along the shore, ships at them."""
    rng = canvas.rng
    if not 0.1 < water.mean() < 0.9:
        return
    rows, columns = np.nonzero(water[:, 1:] != water[:, :-1])
    if not len(rows):
        return
    pick_one = int(rng.integers(len(rows)))
    x, y = float(canvas.x[0, columns[pick_one]]), float(canvas.y[rows[pick_one], 0])
    angle = float(rng.uniform(0, np.pi))
    reach = canvas.extent * float(rng.uniform(0.25, 0.5))
    port = box(canvas, angle, (x, y), reach, reach * 0.7)
    along, across = canvas.turned(angle, x, y)
    basin = port & (np.mod(along, 220) > 110) & (across > -reach * 0.15)
    canvas.paint(port, Surface.CONCRETE)
    canvas.paint(basin, Surface.SEA)
    sheds = port & ~basin & (np.mod(across, 90) > 45) & (np.mod(along, 130) < 80)
    canvas.paint(sheds, Surface.HALL)
    _ships(canvas, basin, int(rng.integers(2, 9)), (60, 220), angle + np.pi / 2)
    canvas.name("harbour", "a harbour with ships", port, Surface.CONCRETE, Surface.HALL, least=0.02)


def ships(canvas: Canvas) -> None:
    """Ships on open water."""
    water = np.isin(canvas.cover, (Surface.SEA, Surface.RIVER))
    area = _ships(canvas, water, int(canvas.rng.integers(1, 12)), (90, 380), None)
    canvas.name("ships", "ships on the water", area, Surface.SHIP, least=0.0008)


def _ships(canvas: Canvas, water: Mask, count: int, lengths: tuple[int, int], angle: float | None) -> Mask:
    rng = canvas.rng
    area = np.zeros_like(water)
    rows, columns = np.nonzero(water)
    if not len(rows):
        return area
    for spot in rng.integers(len(rows), size=count):
        length = min(float(rng.uniform(*lengths)), 0.12 * canvas.extent)
        turn = float(rng.uniform(0, np.pi)) if angle is None else angle
        x, y = float(canvas.x[0, columns[spot]]), float(canvas.y[rows[spot], 0])
        area |= box(canvas, turn, (x, y), length, max(length * 0.16, canvas.grain * 1.4))
    area &= water
    canvas.paint(area, Surface.SHIP)
    return area


def solar(canvas: Canvas) -> None:
    """A solar park: blocks of dark rows."""
    rng = canvas.rng
    angle, (x, y) = float(rng.uniform(-0.2, 0.2)), canvas.spot(0.2)
    reach = canvas.extent * float(rng.uniform(0.2, 0.5))
    site = box(canvas, angle, (x, y), reach, reach * float(rng.uniform(0.5, 1)))
    along, across = canvas.turned(angle, x, y)
    canvas.paint(site, rng.choice([Surface.GRASS, Surface.SOIL]))
    panels = site & (np.mod(along, 180) > 16) & (np.mod(across, 120) > 14)
    canvas.paint(panels, Surface.SOLAR)
    canvas.name("solar farm", "a solar farm", panels, Surface.SOLAR, least=0.02)


def greenhouses(canvas: Canvas) -> None:
    """Plastic greenhouses in parallel."""
    area = np.asarray(canvas.noise(2.0, 0.6) > canvas.rng.uniform(-0.6, 0.6)) & ~np.isin(canvas.cover, WATERS)
    number, edge = parcels(canvas, quarters(canvas, 700.0), float(canvas.rng.uniform(25, 60)), 130.0)
    covered = area & (edge > 4) & (canvas.rng.random(BUCKETS) < 0.85)[number]
    canvas.paint(area, Surface.SOIL)
    canvas.cover[covered] = Surface.PLASTIC
    canvas.fresh_objects(number, covered)
    canvas.name("greenhouses", "rows of greenhouses", covered, Surface.PLASTIC, least=0.06)


def quarry(canvas: Canvas) -> None:
    """An open pit with terraces, perhaps with water at the bottom."""
    rng = canvas.rng
    x, y = canvas.spot(0.25)
    radius = canvas.extent * float(rng.uniform(0.1, 0.28))
    shape = np.hypot(canvas.x - x, canvas.y - y) + canvas.noise(1.8, 0.3) * np.float32(0.18 * radius)
    pit = np.asarray(shape < radius)
    canvas.paint(pit, Surface.QUARRY)
    canvas.height = canvas.height - np.where(pit, np.floor((radius - shape) / 40) * 12, 0).astype(np.float32)
    if rng.random() < 0.5:
        canvas.paint(shape < radius * rng.uniform(0.2, 0.5), Surface.POND)
    canvas.name("quarry", "an open-pit quarry", pit, Surface.QUARRY, least=0.02)


def tanks(canvas: Canvas) -> None:
    """Round white storage tanks on bare ground."""
    rng = canvas.rng
    x, y = canvas.spot(0.2)
    pitch = float(rng.uniform(70, 130))
    site = box(canvas, 0.0, (x, y), pitch * rng.integers(3, 8), pitch * rng.integers(2, 7))
    canvas.paint(site, Surface.CONCRETE if rng.random() < 0.5 else Surface.SOIL)
    dx, dy = np.mod(canvas.x - x, pitch) - pitch / 2, np.mod(canvas.y - y, pitch) - pitch / 2
    discs = site & (np.hypot(dx, dy) < pitch * 0.36)
    canvas.paint(discs, Surface.HALL)
    canvas.name("storage tanks", "storage tanks", discs, Surface.HALL, least=0.004)


def reservoir_ponds(canvas: Canvas) -> None:
    """Rectangular fish or salt ponds."""
    area = np.asarray(canvas.noise(2.0, 0.6) > canvas.rng.uniform(-0.8, 0.4))
    number, edge = parcels(canvas, quarters(canvas, 1500.0), float(canvas.rng.uniform(60, 160)), 240.0)
    table = canvas.rng.choice(
        np.array([Surface.POND, Surface.SHALLOW, Surface.MUD, Surface.SALT], dtype=np.uint8),
        BUCKETS,
        p=[0.6, 0.2, 0.12, 0.08],
    )
    canvas.cover[area] = table[number][area]
    canvas.fresh_objects(number, area)
    canvas.paint(area & (edge < 6), Surface.SOIL)
    canvas.name("ponds", "rectangular ponds", area, Surface.POND, Surface.SHALLOW, least=0.05)
