"""Large things that a search should find, drawn to life size."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from demo._covers import Cover
from demo._shapes import Frame, Sketch


def airport(sketch: Sketch, rng: np.random.Generator, frame: Frame) -> None:
    """Paint two parallel runways, taxiways, an apron with piers and aircraft, hangars and a car park."""
    ground = frame.rect(0, 60, 3500, 1750).buffer(60)
    sketch.paint(Cover.GRASS, ground)
    _runways(sketch, frame)
    sketch.paint(Cover.APRON, frame.rect(0, 130, 1500, 520), frame.rect(-1080, 150, 420, 300))
    sketch.paint(Cover.METAL, frame.rect(0, 400, 1150, 70))
    for x in (-420, 0, 420):
        sketch.paint(Cover.METAL, frame.rect(x, 235, 40, 280), frame.disc(x, 95, 48))
        _aircraft(sketch, rng, frame, x)
    for x in range(-660, 700, 120):
        if rng.random() < 0.7:
            sketch.paint(Cover.METAL, *_plane(frame, float(x), -40.0, 180.0))
    sketch.paint(Cover.METAL, *(frame.rect(-1200 + 130 * column, 250, 105, 85) for column in range(3)))
    sketch.paint(Cover.CARS, frame.rect(-230, 570, 640, 170), frame.rect(520, 570, 560, 170))
    sketch.paint(Cover.ASPHALT, frame.strip([(-1700, 690), (1700, 690)], 24), frame.strip([(140, 690), (140, 440)], 24))
    sketch.paint(Cover.ROOF_GREY, *(frame.rect(900 + 150 * column, 560, 110, 130) for column in range(4)))
    sketch.name("airport", "an airport with two parallel runways, a terminal and parked aircraft", ground)


def _runways(sketch: Sketch, frame: Frame) -> None:
    runways = [frame.rect(0, y, 3200, 66) for y in (-700, -290)]
    taxiways = [frame.strip([(-1550, y), (1550, y)], 28) for y in (-480, -150)]
    crossings = [frame.strip([(x, -700), (x + 110, -480)], 28) for x in (-1550, -900, -250, 400, 1050, 1440)]
    links = [frame.strip([(x, -480), (x, -110)], 28) for x in (-1550, -900, -250, 400, 1050, 1550)]
    sketch.paint(Cover.ASPHALT, *taxiways, *crossings, *links)
    sketch.paint(Cover.ASPHALT, *(runway.buffer(8) for runway in runways))
    sketch.paint(Cover.CONCRETE, *runways)
    # Tyre rubber darkens the touchdown zones; the thresholds are painted white.
    sketch.paint(Cover.ASPHALT, *(frame.rect(x, y, 420, 26) for y in (-700, -290) for x in (-1150, 1150)))
    sketch.paint(Cover.PAINT, *(frame.rect(x, y, 28, 44) for y in (-700, -290) for x in (-1560, 1560)))


def _aircraft(sketch: Sketch, rng: np.random.Generator, frame: Frame, pier: float) -> None:
    """Park wide-bodies (about 65 m long and wide) nose in along both sides of a pier."""
    for side in (-1, 1):
        for y in (170, 245, 320):
            if rng.random() < 0.9:
                sketch.paint(Cover.METAL, *_plane(frame, pier + side * 66, float(y), 90.0 * side))


def _plane(frame: Frame, x: float, y: float, turn: float) -> list[BaseGeometry]:
    body, wings = shapely.box(-5, -34, 5, 34), shapely.Polygon([(-34, -12), (0, 10), (34, -12), (0, -2)])
    tail = shapely.Polygon([(-12, -34), (0, -24), (12, -34)])
    local = Frame(x=x, y=y, turn=turn)
    return [frame.place(local.place(shapely.union_all([body, wings, tail])))]


def solar_farm(sketch: Sketch, frame: Frame) -> None:
    """Paint blocks of panel rows with service tracks and an inverter house each."""
    ground = frame.rect(0, 0, 1700, 1250)
    sketch.paint(Cover.GRASS, ground)
    for column in range(6):
        for row in range(9):
            x, y = -700 + 280 * column, -540 + 135 * row
            if (column, row) in {(0, 8), (5, 0), (5, 1)}:
                continue
            sketch.paint(Cover.SOLAR, frame.rect(x, y, 245, 105))
            sketch.paint(Cover.ROOF_GREY, frame.rect(x + 131, y, 14, 14))
    sketch.name("solar farm", "a solar farm with rows of dark blue photovoltaic panels", ground)


def stadium(sketch: Sketch, frame: Frame) -> None:
    """Paint a football ground with a running track and stands, a training pitch and a car park."""
    sketch.paint(Cover.CARS, frame.rect(330, 0, 330, 420), frame.rect(-290, -170, 230, 150))
    sketch.paint(Cover.CONCRETE, frame.disc(0, 0, 125, 1.25))
    sketch.paint(Cover.ROOF_GREY, frame.disc(0, 0, 118, 1.25))
    sketch.paint(Cover.TRACK, frame.disc(0, 0, 68, 1.5))
    sketch.paint(Cover.LEY, frame.rect(0, 0, 118, 78), frame.rect(-290, 80, 120, 80), frame.rect(-290, 190, 120, 80))
    sketch.name("stadium", "a stadium with a running track beside a large car park", frame.rect(40, 0, 960, 480))


def tank_farm(sketch: Sketch, rng: np.random.Generator, frame: Frame, *, columns: int = 7, rows: int = 4) -> None:
    """Paint round white storage tanks in bunds."""
    sketch.paint(Cover.SOIL, frame.rect(0, 0, columns * 115 + 60, rows * 115 + 60))
    for column in range(columns):
        for row in range(rows):
            x, y = (column - (columns - 1) / 2) * 115, (row - (rows - 1) / 2) * 115
            radius = float(rng.choice([26, 36, 42]))
            sketch.paint(Cover.ASPHALT, frame.disc(x - 10, y + 14, radius))
            sketch.paint(Cover.METAL, frame.disc(x, y, radius))
    outline = frame.rect(0, 0, columns * 115 + 60, rows * 115 + 60)
    sketch.name("storage tanks", "many round white storage tanks in rows", outline)


def harbour(sketch: Sketch, rng: np.random.Generator, frame: Frame) -> None:
    """Paint basins cut into the shore, quays with ships and containers, a breakwater; local y points to the sea.

    The frame's origin is on the shoreline.
    """
    ground = frame.rect(0, -420, 2150, 980)
    sketch.paint(Cover.CONCRETE, ground)
    basins = [(-620, 330), (-60, 330), (500, 330)]
    sketch.paint(Cover.SEA, *(frame.rect(x, -80, width, 820) for x, width in basins))
    sketch.paint(Cover.SEA, frame.rect(0, 420, 2300, 520))
    _ships(sketch, rng, frame, [x + side * (width / 2 - 24) for x, width in basins for side in (-1, 1)])
    for x in (-900, -340, 220, 780):
        _containers(sketch, rng, frame, x)
    sketch.paint(Cover.METAL, *(frame.rect(-900 + 300 * step, -640, 230, 110) for step in range(7)))
    sketch.paint(Cover.ASPHALT, frame.strip([(-1075, -740), (1075, -740)], 24))
    mole = frame.strip([(-1150, 30), (-1150, 620), (-900, 830), (350, 900)], 34)
    sketch.paint(Cover.CONCRETE, mole, frame.strip([(1130, 30), (1130, 560), (760, 860)], 34))
    sketch.name(
        "harbour", "a harbour with piers, containers and ships moored along the quays", frame.rect(0, 0, 2400, 1800)
    )


def _ships(sketch: Sketch, rng: np.random.Generator, frame: Frame, berths: list[float]) -> None:
    """Moor freighters of 150 to 280 m along the quays; two more are under way."""
    for x in berths:
        for y in (-260, 90):
            length = float(rng.uniform(150, 280))
            if rng.random() < 0.85:
                sketch.paint(Cover.SHIP, _hull(frame, x, y, length, 0.0))
            sketch.paint(Cover.METAL, frame.rect(x, y - 60, 22, 24))
    sketch.paint(Cover.SHIP, _hull(frame, 600, 500, 240, 70.0), _hull(frame, -350, 600, 200, 110.0))


def _hull(frame: Frame, x: float, y: float, length: float, turn: float) -> BaseGeometry:
    half, beam = length / 2, length * 0.075
    hull = shapely.Polygon([(-beam, -half), (beam, -half), (beam, half * 0.75), (0, half), (-beam, half * 0.75)])
    return frame.place(Frame(x=x, y=y, turn=turn).place(hull))


def _containers(sketch: Sketch, rng: np.random.Generator, frame: Frame, x: float) -> None:
    """Stack containers in coloured blocks on a quay between two basins."""
    for row in range(8):
        for column in (-1, 0, 1):
            cover = Cover.ROOF_RED if rng.random() < 0.4 else Cover.ROOF_GREY
            if rng.random() < 0.8:
                sketch.paint(cover, frame.rect(x + 46 * column, -420 + 58 * row, 34, 44))


def marina(sketch: Sketch, rng: np.random.Generator, frame: Frame) -> None:
    """Paint jetties full of small boats in a basin; local y points to the sea, the origin is on the shoreline."""
    sketch.paint(Cover.CONCRETE, frame.rect(0, -230, 980, 560))
    sketch.paint(Cover.SEA, frame.rect(0, -60, 880, 560), frame.rect(0, 260, 1000, 240))
    for jetty in range(8):
        x = -385 + 110 * jetty
        sketch.paint(Cover.CONCRETE, frame.strip([(x, -340), (x, 110)], 9))
        for step in range(16):
            for side in (-1, 1):
                if rng.random() < 0.85:
                    sketch.paint(Cover.METAL, frame.rect(x + side * 17, -310 + 26 * step, 22, 9))
    sketch.paint(Cover.CONCRETE, frame.strip([(-495, 0), (-495, 300), (250, 390)], 26))
    sketch.name("marina", "many boats moored at the jetties of a marina", frame.rect(0, 0, 1050, 900))


def bridge(sketch: Sketch, road: LineString, river: BaseGeometry) -> None:
    """Paint the road over the river and name it."""
    crossing = road.intersection(river.buffer(60))
    for part in shapely.get_parts(crossing):
        if part.length > 60:
            sketch.paint(Cover.CONCRETE, part.buffer(17, cap_style="flat"))
            sketch.name("bridge", "a bridge over a river", part.buffer(90))


def pond(sketch: Sketch, shape: BaseGeometry) -> None:
    """Paint a pond with a wooded shore."""
    sketch.paint(Cover.BROADLEAF, shape.buffer(22))
    sketch.paint(Cover.LAKE, shape)
    sketch.name("pond", "a pond surrounded by trees", shape)


def quarry(sketch: Sketch, rng: np.random.Generator, shape: BaseGeometry) -> None:
    """Paint a gravel pit with terraces and a small lake on its floor."""
    sketch.paint(Cover.BARE, shape)
    sketch.paint(Cover.TRAIL, *(shape.buffer(-by).boundary.buffer(7) for by in (40, 90, 140)))
    centre = shape.representative_point()
    sketch.paint(Cover.LAKE, shapely.Point(centre.x + rng.uniform(-40, 40), centre.y).buffer(75))
    sketch.name("quarry", "an open pit on bare ground", shape)


def construction(sketch: Sketch, frame: Frame) -> None:
    """Paint a site that is farmed on the first date, bare ground on the second and a logistics park on the third."""
    site = frame.rect(0, 0, 1150, 820)
    sketch.paint(Cover.SOIL, site, epochs=(1,))
    sketch.paint(Cover.SAND, *(frame.rect(x, y, 260, 200) for x in (-350, 0, 350) for y in (-190, 190)), epochs=(1,))
    sketch.paint(Cover.ASPHALT, site, frame.strip([(-575, -430), (575, -430)], 20), epochs=(2,))
    halls = [frame.rect(x, y, 280, 240) for x in (-370, 0, 370) for y in (-210, 210)]
    sketch.paint(Cover.METAL, *halls, epochs=(2,))
    sketch.paint(Cover.CARS, *(frame.rect(x, 0, 240, 120) for x in (-370, 0, 370)), epochs=(2,))
    sketch.name("construction site", "a construction site of bare levelled ground", site, epochs=(1,))
    sketch.name("new buildings", "a new logistics park with large white halls", site, epochs=(2,))
