"""What can be told apart on original pixels: open water, snow, dense vegetation, burnt ground.

Reflectance is compared with a published threshold. Raw numbers (``dn``) have no fixed scale: on ten NAIP years of one
place, NDWI > 0 calls 14 % of the first year water and 59 % of the fourth, where the pictures show 14 and 25. So on raw
numbers only open water is measured, date by date, where it separates by itself: by Otsu's method on the modified NDWI
where there is a short-wave infrared band, else on the square root of the near infrared, in which water is dark. The
square root evens out the spread of the two groups, which Otsu's method takes to be alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import Sensor
from retriever.rag._wording import amount

SEPARATED = 0.75
"""Least share of the variance that lies between the two groups (Otsu's eta). A bell has 0.64, a flat histogram 0.75,
the series of docs/design/answers-records.md 0.86 to 0.96."""

WETTER = 0.1
"""Least NDWI by which the middle of what is taken for water lies above three quarters of the land; the series of
docs/design/answers-records.md have 0.24 or more."""

_BINS = 256
"""Of the histogram; 8-bit numbers have no more."""

_NIR = ("nir", "nir08")
_SWIR = ("swir16",)

Bands = dict[str, NDArray[np.float32]]
"""(h, w) numbers by the role of a band: ``green``, ``red``, ``nir``, ``swir16``, ``swir22``."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Something that an index shows."""

    index: str
    """Name of the index among the renderings, without its prefix."""
    noun: str
    """What is measured."""
    roles: tuple[tuple[str, ...], ...]
    """Bands it needs, each as the common names that serve."""
    helps: tuple[tuple[str, ...], ...] = ()
    """Bands that make it surer."""
    formula: str = ""
    """Index in words."""
    threshold: float = 0.0
    """Reflectance above it is counted."""
    source: str = ""
    """Where the threshold is published."""
    words: frozenset[str] = frozenset()
    """Words of phrases that mean just that."""
    bodies: frozenset[str] = frozenset()
    """Words of things made of it: where a place is named, measuring it there says how they fare."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WATER = Kind(
    index="ndwi",
    noun="open water",
    roles=(("green",), _NIR),
    helps=(_SWIR,),
    formula="NDWI = (green - nir) / (green + nir)",
    threshold=0.0,
    source="McFeeters 1996, https://doi.org/10.1080/01431169608948714",
    words=_words("water waters open surface standing flood floods flooded flooding inundation"),
    bodies=_words(
        "river rivers stream lake lakes pond ponds wetland wetlands reservoir reservoirs lagoon dry drier "
        "driest wet wetter wettest land area areas level levels extent shore shoreline"
    ),
)
SNOW = Kind(
    index="ndsi",
    noun="snow or ice",
    roles=(("green",), _SWIR, _NIR),
    formula="NDSI = (green - swir16) / (green + swir16)",
    threshold=0.4,
    source="Hall et al. 1995, https://doi.org/10.1016/0034-4257(95)00137-P",
    words=_words("snow snowy ice cover covered"),
    bodies=_words("glacier glaciers icecap"),
)
VEGETATION = Kind(
    index="ndvi",
    noun="dense vegetation",
    roles=(_NIR, ("red",)),
    formula="NDVI = (nir - red) / (nir + red)",
    threshold=0.5,
    # Sparse vegetation has 0.2 to 0.5.
    source="USGS, https://www.usgs.gov/special-topics/remote-sensing-phenology/science/ndvi-foundation-remote-sensing-phenology",
    words=_words("vegetation vegetated plants green greenery dense cover"),
)
BURNT = Kind(
    index="nbr",
    noun="burnt ground",
    roles=(_NIR, ("swir22",)),
    formula="fall of NBR = (nir - swir22) / (nir + swir22) since the first date",
    threshold=0.27,  # moderate-low severity and worse
    source="Key and Benson 2006, https://doi.org/10.2737/RMRS-GTR-164",
    words=_words("burn burns burnt burned scar scars fire fires wildfire wildfires area areas ground land"),
)
KINDS = (WATER, SNOW, VEGETATION, BURNT)
"""In the order in which they are looked for."""

_MNDWI = "MNDWI = (green - swir16) / (green + swir16)"
_MNDWI_SOURCE = "Xu 2006, https://doi.org/10.1080/01431160600589179"
_SNOW_NIR = 0.11
"""Least near infrared of snow (Hall et al. 1995)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """Where something is, on one date."""

    there: NDArray[np.bool_]
    """(h, w), True where it is; False where unknown."""
    known: NDArray[np.bool_]
    """(h, w), True where it can be told."""
    how: str
    """Rule and source, in words; the same for every date of one sensor whose files hold the same bands."""
    limit: float | None = None
    """Threshold that was found on this date; None where it is the published one."""
    doubt: str | None = None
    """Why it cannot be told after all."""


def wanted(sensor: Sensor, kind: Kind, there: tuple[str, ...]) -> dict[str, str]:
    """Return the bands to read: role to the name of a band; empty where one that is needed is missing."""
    by_role = {band.common_name: band.name for band in reversed(sensor.bands) if band.name in there}
    needed = {names[0]: next((by_role[name] for name in names if name in by_role), "") for names in kind.roles}
    helpful = {names[0]: by_role[names[0]] for names in kind.helps if names[0] in by_role}
    return {**needed, **helpful} if all(needed.values()) else {}


def tell(kind: Kind, bands: Bands, valid: NDArray[np.bool_], *, raw: bool, base: Bands | None = None) -> Told:
    """Return where something is.

    Args:
        kind: What is looked for.
        bands: Numbers by role, all of one shape (h, w).
        valid: (h, w), True where they are data and inside the area measured.
        raw: Whether they are raw numbers rather than reflectance.
        base: Numbers of the first date, for what only a change shows.
    """
    if raw:
        return _water_in_raw(bands, valid) if kind is WATER else _untold(valid, _RAW.format(noun=kind.noun))
    if kind is BURNT:
        fall = _ratio(base or bands, "nir", "swir22") - _ratio(bands, "nir", "swir22")
        return _above(fall, kind.threshold, valid, kind)
    if kind is SNOW:
        bright = valid & (bands["nir"] > _SNOW_NIR)
        told = _above(_ratio(bands, "green", "swir16"), kind.threshold, valid, kind)
        how = f"{told.how} and near infrared above {_SNOW_NIR}, which leaves out water"
        return Told(there=told.there & bright, known=told.known, how=how)
    if kind is VEGETATION:
        return _above(_ratio(bands, "nir", "red"), kind.threshold, valid, kind)
    return _water(bands, valid)


_RAW = "the bands hold raw numbers, not reflectance, and no published threshold for {noun} applies to them"


def _water(bands: Bands, valid: NDArray[np.bool_]) -> Told:
    """The modified index where there is a band for it: built-up ground is above 0 in NDWI, but not in MNDWI.

    Its formula is that of NDSI, so what is bright enough in near infrared to be snow is taken out.
    """
    if "swir16" not in bands:
        return _above(_ratio(bands, "green", "nir"), 0.0, valid, WATER)
    values = _ratio(bands, "green", "swir16")
    known = valid & np.isfinite(values)
    snow = (values > SNOW.threshold) & (bands["nir"] > _SNOW_NIR)
    but = f"snow left out, which is above {SNOW.threshold} with near infrared above {_SNOW_NIR}"
    how = f"where {_MNDWI} is above 0 ({_MNDWI_SOURCE}), {but}"
    return Told(there=known & (values > 0) & ~snow, known=known, how=how)


def _above(values: NDArray[np.float32], threshold: float, valid: NDArray[np.bool_], kind: Kind) -> Told:
    known = valid & np.isfinite(values)
    how = f"where {kind.formula} is above {amount(threshold)} ({kind.source})"
    return Told(there=known & (np.where(known, values, 0) > threshold), known=known, how=how)


def _water_in_raw(bands: Bands, valid: NDArray[np.bool_]) -> Told:
    green_nir = _ratio(bands, "green", "nir")
    modified = "swir16" in bands
    values = _ratio(bands, "green", "swir16") if modified else -np.sqrt(np.maximum(bands["nir"], 0))
    known = valid & np.isfinite(values) & np.isfinite(green_nir)
    if known.sum() < _BINS:
        return _untold(valid, "too few pixels hold data")
    limit, separated = otsu(values[known])
    there = known & (values > limit)
    if separated < SEPARATED or not _wet(green_nir, there, known):
        return _untold(valid, "no water separates from land by the raw numbers")
    if modified:
        return Told(there=there, known=known, how=_HOW_RAW.format(rule=f"where {_MNDWI} is high"), limit=limit)
    return Told(there=there, known=known, how=_HOW_RAW.format(rule="where near infrared is dark"), limit=limit**2)


_HOW_RAW = (
    "{rule}, the limit set on each date by Otsu's method (https://doi.org/10.1109/TSMC.1979.4310076), because the "
    "bands hold raw numbers, not reflectance, to which published thresholds do not apply; areas are indicative"
)


def _wet(green_nir: NDArray[np.float32], there: NDArray[np.bool_], known: NDArray[np.bool_]) -> bool:
    """Whether what was found is water rather than shade, whose NDWI is that of the land around it."""
    land = known & ~there
    if not (there.any() and land.any()):
        return False
    return bool(np.median(green_nir[there]) > np.quantile(green_nir[land], 0.75) + WETTER)


def _untold(valid: NDArray[np.bool_], why: str) -> Told:
    nothing = np.zeros_like(valid)
    return Told(there=nothing, known=nothing, how="", doubt=why)


def _ratio(bands: Bands, first: str, second: str) -> NDArray[np.float32]:
    """(h, w) normalised difference; NaN where the bands add up to nothing or less."""
    a, b = bands[first].astype(np.float32), bands[second].astype(np.float32)
    total = a + b
    ratio: NDArray[np.float32] = np.divide(a - b, total, out=np.full_like(total, np.nan), where=total > 0)
    return ratio


def otsu(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the limit between two groups of numbers, and the share 0..1 of the variance that lies between them.

    N. Otsu: A Threshold Selection Method from Gray-Level Histograms (https://doi.org/10.1109/TSMC.1979.4310076).

    Args:
        values: (n,) finite numbers.
    """
    counts, edges = np.histogram(values, bins=_BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below, sums = np.cumsum(counts).astype(np.float64), np.cumsum(counts * centres)
    above = below[-1] - below
    inner = (below > 0) & (above > 0)
    if not inner.any():
        return float(edges[-1]), 0.0
    below, above, sums_in = below[inner], above[inner], sums[inner]
    between = below * above * (sums_in / below - (sums[-1] - sums_in) / above) ** 2
    best = int(np.argmax(between))
    total = float(counts.sum()) ** 2 * float(np.average((centres - sums[-1] / counts.sum()) ** 2, weights=counts))
    return float(edges[1:][inner][best]), float(between[best]) / total
