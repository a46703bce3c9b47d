"""Measure what the demo archive is coloured with, and write ``demo/statistics.toml``.

Run with ``SWATH_DATA`` at the folder that holds ``terramind`` and ``sen1floods11`` (default ``../shared/data``):

    python -m demo.measure_statistics

Every measured class is a rule on one TerraMind example site: a land-cover code and a range of an index. Its mean
spectrum, its two main directions of variation (principal components times their standard deviation) and its gamma0
backscatter go into the table. Numbers that no data here can give stay in ``statistics.toml`` under ``assumed`` and are
kept as they are.

TerraMind's LULC maps number the ESRI classes without gaps: 1 water, 2 trees, 3 flooded vegetation, 4 crops, 5 built,
6 bare, 7 snow and ice, 8 clouds, 9 rangeland. (Read off the five maps beside their pictures: 7 covers a snow field
whose reflectance is 0.6 in red and 0.1 at 1.6 um; 5 follows the villages.)
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

STATISTICS = Path(__file__).with_name("statistics.toml")
"""The table; the part under ``ASSUMED_MARK`` is written by hand."""

ASSUMED_MARK = "# ---- Assumed, not measured"
"""Everything from this line on is kept."""

COMPONENTS = 2
"""Principal components kept a class: brightness and greenness, in most classes."""

BASELINE_OFFSET = 1000
"""Shift of the stored numbers from Sentinel-2 processing baseline 04.00 on
(https://sentinels.copernicus.eu/web/sentinel/-/copernicus-sentinel-2-major-products-upgrade-upcoming)."""

SHIFTED_SITES = frozenset({"433D_629L_3_1"})
"""Sites whose S2L2A still carries that shift: no band falls under 969, river water included, where dark pixels of the
other four lie under 500."""

Image = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which real pixels stand for a cover."""

    name: str
    """Name of the spectrum."""
    site: str
    """TerraMind example."""
    classes: tuple[int, ...]
    """LULC codes."""
    ndvi: tuple[float, float] = (-1.0, 1.0)
    """Range of (B08 - B04) / (B08 + B04)."""
    ndwi: tuple[float, float] = (-1.0, 1.0)
    """Range of (B03 - B08) / (B03 + B08)."""
    red: tuple[float, float] = (0.0, 2.0)
    """Range of B04 reflectance."""
    swir: tuple[float, float] = (0.0, 2.0)
    """Range of B12 reflectance."""


COAST, SAVANNA, TOWN, FIELDS = "282D_485L_3_3", "38D_378R_2_3", "433D_629L_3_1", "637U_59R_1_3"
SNOW = "609U_541L_3_0"

RULES = (
    Rule(name="sea", site=COAST, classes=(1,), ndwi=(0.3, 1), swir=(0, 0.03), red=(0.02, 0.12)),
    Rule(name="lake", site=COAST, classes=(1,), ndwi=(0.2, 1), swir=(0, 0.03), red=(0, 0.02)),
    Rule(name="turbid", site=COAST, classes=(1,), ndwi=(0.1, 1), swir=(0, 0.05), red=(0.05, 0.14)),
    Rule(name="broadleaf", site=COAST, classes=(2,), ndvi=(0.6, 1)),
    Rule(name="conifer", site=FIELDS, classes=(2,), ndvi=(0.5, 1)),
    Rule(name="grass", site=FIELDS, classes=(9,), ndvi=(0.6, 1)),
    Rule(name="rangeland", site=SAVANNA, classes=(9,)),
    Rule(name="crop-lush", site=FIELDS, classes=(4,), ndvi=(0.75, 1)),
    Rule(name="crop-young", site=FIELDS, classes=(4,), ndvi=(0.4, 0.65)),
    Rule(name="crop-stubble", site=FIELDS, classes=(4,), ndvi=(0.15, 0.35)),
    Rule(name="crop-dry", site=SAVANNA, classes=(4,), ndvi=(0.0, 0.3)),
    Rule(name="sand", site=COAST, classes=(1, 6), ndvi=(-0.2, 0.15), red=(0.2, 0.6)),
    Rule(name="bare", site=SAVANNA, classes=(4, 9), ndvi=(0.0, 0.2), red=(0.2, 0.6)),
    Rule(name="built", site=TOWN, classes=(5,), ndvi=(0.0, 0.3), red=(0.05, 0.2)),
    Rule(name="roof-bright", site=TOWN, classes=(5,), ndvi=(-0.1, 0.3), red=(0.18, 0.6)),
    Rule(name="garden", site=TOWN, classes=(5,), ndvi=(0.45, 1)),
    Rule(name="snow", site=SNOW, classes=(7,), red=(0.35, 2)),
)


def measure(data: Path) -> str:
    """Return the measured part of the table as TOML.

    Args:
        data: Folder that holds ``terramind`` and ``sen1floods11``.
    """
    parts = [_spectrum_toml(data / "terramind", rule) for rule in RULES]
    return "\n".join([_HEADER, _speckle_toml(data / "terramind"), *parts, _flood_toml(data / "sen1floods11")])


_HEADER = """# Reflectance and backscatter of the demo archive's covers. Written by demo/measure_statistics.py; do not
# edit above the line "Assumed, not measured".
#
# reflectance: surface reflectance of B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B11 B12 (Sentinel-2 L2A).
# variation: the class's two main directions of variation, each already times its standard deviation.
# gamma0_db: VV, VH; mean of linear power, in dB. texture_db: standard deviation in dB beyond speckle.
# source: TerraMind examples, github.com/IBM/terramind@8090b5c, Apache-2.0; contains modified Copernicus Sentinel data.
"""


def _site(root: Path, site: str) -> tuple[Image, Image, NDArray[np.uint8]]:
    """Return reflectance (12, h, w), linear gamma0 (2, h, w) and LULC (h, w) of a site."""
    layers = []
    for product in ("S2L2A", "S1RTC", "LULC"):
        with rasterio.open(root / product / f"{site}.tif") as dataset:
            layers.append(dataset.read())
    shift = BASELINE_OFFSET if site in SHIFTED_SITES else 0
    return (layers[0] - float(shift)) / 1e4, 10 ** (layers[1] / 10), layers[2][0]


def _select(rule: Rule, optical: Image, cover: NDArray[np.uint8]) -> NDArray[np.bool_]:
    green, red, nir, swir = (optical[index] for index in (2, 3, 7, 11))
    tests = (
        ((nir - red) / np.maximum(nir + red, 1e-4), rule.ndvi),
        ((green - nir) / np.maximum(green + nir, 1e-4), rule.ndwi),
        (red, rule.red),
        (swir, rule.swir),
    )
    chosen = np.isin(cover, rule.classes) & (optical[7] > 0)
    for values, (low, high) in tests:
        chosen &= (values >= low) & (values <= high)
    return np.asarray(chosen)


def _spectrum_toml(root: Path, rule: Rule) -> str:
    optical, power, cover = _site(root, rule.site)
    chosen = _select(rule, optical, cover)
    spectra = optical[:, chosen]
    values, vectors = np.linalg.eigh(np.cov(spectra))
    order = np.argsort(values)[::-1][:COMPONENTS]
    directions = (vectors[:, order] * np.sqrt(np.maximum(values[order], 0))).T
    signs = np.sign(directions.sum(axis=1, keepdims=True))
    decibel = 10 * np.log10(power[:, chosen])
    texture = np.sqrt(np.maximum(decibel.var(axis=1) - _speckle_db(root) ** 2, 0))
    lines = (
        f"[{rule.name}]",
        f'source = "TerraMind {rule.site}, LULC {"/".join(map(str, rule.classes))}: {chosen.sum()} pixels"',
        f"reflectance = {_numbers(spectra.mean(axis=1), 4)}",
        "variation = [",
        *(f"  {_numbers(row, 4)}," for row in directions * signs),
        "]",
        f"gamma0_db = {_numbers(10 * np.log10(power[:, chosen].mean(axis=1)), 1)}",
        f"texture_db = {_numbers(texture, 1)}",
    )
    return "\n".join(lines) + "\n"


def _speckle_db(root: Path) -> float:
    """Return the speckle's standard deviation in dB: the closed forest of the coastal site has hardly any texture."""
    _, power, cover = _site(root, COAST)
    return float(np.median([(10 * np.log10(band[cover == 2])).std() for band in power]))


def _looks(deviation_db: float) -> float:
    """Return the gamma shape whose logarithm has that deviation: var = (10/ln 10)^2 trigamma(L)."""
    candidates = np.arange(1.0, 20.0, 0.01)
    trigamma = 1 / candidates + 1 / (2 * candidates**2) + 1 / (6 * candidates**3)
    return float(candidates[np.argmin(abs(np.sqrt(trigamma) * 10 / np.log(10) - deviation_db))])


def _speckle_toml(root: Path) -> str:
    deviation = _speckle_db(root)
    return (
        "[speckle]\n"
        f'source = "TerraMind {COAST}, LULC 2 (closed forest): standard deviation {deviation:.2f} dB of VV and VH"\n'
        f"looks = {_looks(deviation):.1f}\n"
    )


def _flood_toml(root: Path) -> str:
    """Flooded fields against the same scene's dry land (sigma0 of GRD, so only the drop in dB is used)."""
    with rasterio.open(next((root / "S1").glob("*.tif"))) as dataset:
        decibel = dataset.read()
    with rasterio.open(next((root / "Labels").glob("*.tif"))) as dataset:
        label = dataset.read(1)
    flooded, dry = (np.nanmedian(decibel[:, label == value], axis=1) for value in (1, 0))
    return (
        "[flood]\n"
        'source = "Sen1Floods11 Spain_7370579, hand label 1 against 0: median dB, sigma0; '
        f'{int((label == 1).sum())} and {int((label == 0).sum())} pixels"\n'
        f"flooded_db = {_numbers(flooded, 1)}\n"
        f"dry_db = {_numbers(dry, 1)}\n"
    )


def _numbers(values: NDArray[np.float64], digits: int) -> str:
    return "[" + ", ".join(f"{float(value):.{digits}f}" for value in values) + "]"


def main() -> None:
    """Rewrite the measured part of ``statistics.toml``."""
    data = Path(os.environ.get("SWATH_DATA", "../shared/data"))
    kept = STATISTICS.read_text(encoding="utf-8") if STATISTICS.exists() else ASSUMED_MARK
    assumed = kept[kept.index(ASSUMED_MARK) :]
    STATISTICS.write_text(f"{measure(data)}\n{assumed}", encoding="utf-8")


if __name__ == "__main__":
    main()
