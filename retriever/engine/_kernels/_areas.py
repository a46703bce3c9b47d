"""Where boxes lie towards polygons and circles: inside, away, or neither for certain.

Boxes are bounds of footprints or of whole blocks. All tests leave a margin for rounding, and a box within the margin is
left in doubt; so is one that crosses the antimeridian, or has no bounds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from retriever.engine._kernels._lanes import exact_kernel

AWAY, DOUBT, INSIDE = 0, 1, 2

_MARGIN = 1e-7
"""Degrees, a centimetre: ten thousand times the rounding error of coordinates."""


@exact_kernel
def judge_polygon(
    sides: Any, which: Any, edges: Any, starts: Any, members: Any, south: Any, height: Any, filled: Any, verdicts: Any
) -> None:
    """Write where each of some boxes lies towards a polygon, or a line where it is not ``filled``.

    ``sides`` is (4, n) bounds; ``edges`` (m, 4) x and y of both ends of each edge; those that reach into band b, which
    begins at ``south + b * height`` degrees, are ``members[starts[b] : starts[b + 1]]``.
    """
    last = len(starts) - 2
    for place in range(len(which)):
        number = which[place]
        west, low = np.float64(sides[0, number]), np.float64(sides[1, number])
        east, high = np.float64(sides[2, number]), np.float64(sides[3, number])
        if not (west <= east and low <= high):
            verdicts[place] = DOUBT
            continue
        x, y = (west + east) / 2, (low + high) / 2
        half_x, half_y = (east - west) / 2 + _MARGIN, (high - low) / 2 + _MARGIN
        first = min(max(int((y - half_y - south) / height), 0), last)
        final = min(max(int((y + half_y - south) / height), 0), last)
        centre = min(max(int((y - south) / height), 0), last)
        verdict = AWAY
        for band in range(first, final + 1):
            for at in range(starts[band], starts[band + 1]):
                edge = members[at]
                x0, y0, x1, y1 = edges[edge, 0], edges[edge, 1], edges[edge, 2], edges[edge, 3]
                if band == centre and (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                    verdict = INSIDE - verdict
                if max(x0, x1) < x - half_x or min(x0, x1) > x + half_x:
                    continue
                if max(y0, y1) < y - half_y or min(y0, y1) > y + half_y:
                    continue
                turn = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
                if abs(turn) <= half_x * abs(y1 - y0) + half_y * abs(x1 - x0) + _MARGIN * _MARGIN:
                    verdict = DOUBT
                    break
            if verdict == DOUBT:
                break
        verdicts[place] = AWAY if verdict == INSIDE and not filled else verdict


@exact_kernel
def judge_circle(sides: Any, which: Any, lat: Any, lon: Any, angle: Any, slack: Any, verdicts: Any) -> None:
    """Write where each of some boxes lies towards a circle round a point, of a radius given as an angle in radians.

    On the map a degree is never shorter than on the ground, so half a box's diagonal in degrees is how far its points
    are from its middle at most.
    """
    phi, lam = math.radians(lat), math.radians(lon)
    for place in range(len(which)):
        number = which[place]
        west, low = np.float64(sides[0, number]), np.float64(sides[1, number])
        east, high = np.float64(sides[2, number]), np.float64(sides[3, number])
        verdicts[place] = DOUBT
        if not (west <= east and low <= high):
            continue
        reach = math.radians(math.hypot(east - west, high - low)) / 2 + slack
        middle = math.radians((low + high) / 2)
        up, aside = math.sin((middle - phi) / 2), math.sin((math.radians((west + east) / 2) - lam) / 2)
        away = 2 * math.asin(min(1.0, math.sqrt(up * up + math.cos(phi) * math.cos(middle) * aside * aside)))
        if away + reach <= angle:
            verdicts[place] = INSIDE
        elif away - reach > angle:
            verdicts[place] = AWAY
