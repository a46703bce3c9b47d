"""Compare the synthetic world with real pixels, and draw a contact sheet of it.

Run with ``SWATH_DATA`` at the folder that holds ``terramind`` (default ``../shared/data``):

    python -m demo.compare_world                  # tables, as Markdown
    python -m demo.compare_world --sheet FILE     # a picture of 24 samples: true colour, shortwave infrared, radar
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image as Pictures

from core import load_sensor, render
from demo._noise import Image
from demo._optical import BANDS
from demo._radar import POLARISATIONS
from demo._samples import WorldSample, world_samples
from demo.measure_statistics import BASELINE_OFFSET, SHIFTED_SITES
from demo.worlds import GROUPS

SEED = 21
"""World that is compared."""

COUNT = 400
"""Samples of it."""

LULC = {"water": 1, "forest": 2, "farmland": 4, "built-up area": 5, "bare ground": 6, "snow": 7, "grassland": 9}
"""Class word to TerraMind code; see `demo.measure_statistics`."""

SHOWN = ("B02", "B04", "B08", "B11", "B12")
"""Bands of the table."""

LEAST = 400
"""Pixels of a class from which a site or sample counts."""

Pixels = tuple[Image, Image]
"""Reflectance (12, n) and decibel (2, n) of a class in one site or sample."""


def real_sites(root: Path) -> dict[str, list[Pixels]]:
    """Return the pixels of each class, site by site."""
    found: dict[str, list[Pixels]] = {}
    for path in sorted((root / "LULC").glob("*.tif")):
        optical, radar, cover = (_read(root / product / path.name) for product in ("S2L2A", "S1RTC", "LULC"))
        shift = BASELINE_OFFSET if path.stem in SHIFTED_SITES else 0
        for word, code in LULC.items():
            _keep(found, word, cover[0] == code, (optical - shift) / 1e4, radar)
    return found


def synthetic_places(samples: Iterable[WorldSample]) -> dict[str, list[Pixels]]:
    """Return the cloudless pixels of each class, sample by sample."""
    found: dict[str, list[Pixels]] = {}
    for sample in samples:
        for word in LULC:
            _keep(found, word, np.isin(sample.cover, GROUPS[word]) & ~sample.cloud, sample.s2, sample.s1)
    return found


def _read(path: Path) -> Image:
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read(), dtype=np.float32)


def _keep(found: dict[str, list[Pixels]], word: str, here: NDArray[np.bool_], optical: Image, radar: Image) -> None:
    if here.sum() >= LEAST:
        found.setdefault(word, []).append((optical[:, here], radar[:, here]))


def table(real: dict[str, list[Pixels]], drawn: dict[str, list[Pixels]]) -> str:
    """Return a Markdown table: range of the medians and mean spread within, real sites over synthetic samples."""
    lines = [f"| class | source | places | {' | '.join(SHOWN)} | VV dB | VH dB | spread B08 | spread VV dB |"]
    lines.append("|" + "---|" * (len(SHOWN) + 7))
    for word in LULC:
        for name, places in (("real", real.get(word, [])), ("synthetic", drawn.get(word, []))):
            lines.append(f"| {word} | {name} | {len(places)} | {' | '.join(_cells(places))} |")
    return "\n".join(lines)


def _cells(places: list[Pixels]) -> list[str]:
    if not places:
        return ["-"] * (len(SHOWN) + 4)
    light = np.stack([np.median(optical, axis=1) for optical, _ in places])
    radar = np.stack([np.median(decibel, axis=1) for _, decibel in places])
    cells = [_span(light[:, BANDS.index(band)], 3) for band in SHOWN] + [_span(radar[:, index], 1) for index in (0, 1)]
    nir = float(np.mean([optical[BANDS.index("B08")].std() for optical, _ in places]))
    return [*cells, f"{nir:.3f}", f"{np.mean([decibel[0].std() for _, decibel in places]):.1f}"]


def _span(values: Image, digits: int) -> str:
    """Return the tenth to the ninetieth percentile; all of it where there are few."""
    low, high = np.percentile(values, (10, 90)) if len(values) > 9 else (values.min(), values.max())
    return f"{low:.{digits}f} to {high:.{digits}f}"


def sheet(samples: Iterable[WorldSample], columns: int = 12) -> Pictures.Image:
    """Return the samples side by side: true colour, shortwave infrared and radar, one under the other."""
    strips = [np.vstack([_picture(sample, *kind) for kind in _KINDS]) for sample in samples]
    rows = [np.hstack(strips[start : start + columns]) for start in range(0, len(strips), columns)]
    return Pictures.fromarray(np.vstack(rows))


_KINDS = (("sentinel-2-l2a", "true-color"), ("sentinel-2-l2a", "swir"), ("sentinel-1-rtc", None))


def _picture(sample: WorldSample, sensor: str, rendering: str | None) -> NDArray[np.uint8]:
    pixels, bands = (sample.s1, POLARISATIONS) if rendering is None else (sample.s2, BANDS)
    mask = np.ones(pixels.shape[1:], dtype=bool)
    picture = render(pixels, mask, load_sensor(sensor)[0], bands, rendering=rendering)
    return np.asarray(np.pad(picture, ((1, 1), (1, 1), (0, 0)), constant_values=255))


def main() -> None:
    """Print the table, or write the contact sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet here instead")
    chosen = parser.parse_args().sheet
    if chosen is not None:
        sheet(world_samples(SEED, 24)).save(chosen)
        return
    root = Path(os.environ.get("SWATH_DATA", "../shared/data")) / "terramind"
    sys.stdout.write(table(real_sites(root), synthetic_places(world_samples(SEED, COUNT))) + "\n")


if __name__ == "__main__":
    main()
