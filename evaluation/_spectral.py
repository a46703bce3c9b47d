"""Protocol `spectral-families`: do all bands beat red, green and blue of the same tiles?

For each family of queries: average precision with all bands and with the three colours, and their difference with an
interval over resampled groups of tiles, the same draw for both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core import EncodesText, InputError, Tile

from ._asking import Asked, ask, table, word_pair
from ._baseline import WordColours
from ._corpus import Corpus
from ._families import FAMILIES, Family, Truth
from ._interval import Values, draw_weights, percentiles, units
from ._job import Findings, Job
from ._ranking import AP, Gains, order_candidates
from ._report import Example, Figure

PROTOCOL = "spectral-families"
COLOURS = ("red", "green", "blue")
RGB = "RGB only"
GAIN = f"all bands less {RGB}, the same draws of groups for both; bands help where the interval lies above 0"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Average precision of a family's queries with all bands and with three."""

    figures: tuple[Figure, Figure, Figure]
    """All bands, three bands, difference."""
    examples: list[Example]
    """First query, with all bands."""


def spectral_families(job: Job) -> Findings:
    """Measure both versions of every tile.

    Raises:
        InputError: The encoder takes no text, a view has no bands beyond the three, or no family is present.
    """
    encoder = job.require_text(PROTOCOL)
    described = any(sample.labels or sample.mask is not None for sample in job.samples)
    truth = Truth(dataset=job.dataset_name, described=described)
    corpus = job.read(versions={RGB: colours_only}, inspect=truth.inspect)
    right = np.array(corpus.facts, dtype=np.int32).T
    present = [number for number in range(len(FAMILIES)) if 0 < right[number].sum() < len(corpus.items)]
    if not present:
        names = ", ".join(family.name for family in FAMILIES)
        raise InputError(f"{PROTOCOL} found no tile, or only such tiles, of each of {names}")
    words = job.word_colours()
    compared = [
        compare(
            encoder,
            corpus,
            FAMILIES[number],
            right=right[number],
            source=truth.source(FAMILIES[number], corpus.items[0]),
            words=words,
        )
        for number in present
    ]
    absent = [family.name for number, family in enumerate(FAMILIES) if number not in present]
    counts = "; ".join(f"{FAMILIES[number].name} {right[number].sum()}" for number in present)
    notes = [f"Right tiles of {len(corpus.items)}: {counts}.", _bands_note(corpus)]
    if absent:
        notes.append(f"Not asked, because no tile or every tile is right: {', '.join(absent)}.")
    return Findings(
        corpus=corpus,
        results=tuple(figure for one in compared for figure in one.figures),
        examples=tuple(example for one in compared for example in one.examples),
        notes=tuple(notes),
    )


def compare(
    encoder: EncodesText,
    corpus: Corpus,
    family: Family,
    *,
    right: NDArray[np.int32],
    source: str,
    words: WordColours | None,
) -> Compared:
    """Measure one family with both versions."""
    text = encoder.encode_text(family.queries)
    gains: Gains = np.tile(right, (len(family.queries), 1))
    galleries = (corpus.vectors, corpus.versions[RGB])
    colours = word_pair(words, family.queries, corpus)
    asked = [ask((text, gallery), table(gains), [AP], groups=family.queries, baseline=colours) for gallery in galleries]
    drawn = np.array(resampled([text @ gallery.T for gallery in galleries], right, corpus.groups))
    values = [float(answers.ranking.values[AP].mean()) for answers in asked]
    figure = partial(_figure, corpus=corpus, asked=asked[0])
    what = f"average precision, mean over {' / '.join(family.queries)}; right where {source}"
    figures = (
        figure(f"{family.name} AP, all bands", what, values[0], drawn[:, 0]),
        figure(f"{family.name} AP, {RGB}", "the same tiles, their red, green and blue bands", values[1], drawn[:, 1]),
        figure(
            f"{family.name} AP, gain of all bands", GAIN, values[0] - values[1], drawn[:, 0] - drawn[:, 1], gain=True
        ),
    )
    examples = asked[0].examples(list(family.queries), corpus.items, 1)
    shown = asked[1].examples([f"{query} ({RGB})" for query in family.queries], corpus.items, 1)
    return Compared(figures=figures, examples=examples + shown)


def resampled(
    scores: Sequence[NDArray[np.float32]], right: NDArray[np.int32], groups: Sequence[str]
) -> list[list[float]]:
    """Return the mean average precision of each version for every draw of groups of tiles.

    Args:
        scores: (q, n) for each version.
        right: (n,) 0 or 1.
        groups: (n,) what is drawn together.
    """
    named = units(groups)
    number = {name: index for index, name in enumerate(sorted(set(named)))}
    of = np.array([number[name] for name in named])
    orders = [order_candidates(version, np.zeros(version.shape, dtype=np.int32)) for version in scores]
    drawn = draw_weights(len(number), seed=0)
    return [[_mean_precision(order, right, weights[of]) for order in orders] for weights in drawn]


def weighted_average_precision(right: NDArray[np.int32], weights: NDArray[np.int64]) -> float:
    """Return the average precision of a ranking whose candidates stand there `weights` times each.

    Args:
        right: (n,) 0 or 1, best first.
        weights: (n,) whole numbers; NaN is returned where no right candidate is left.
    """
    there = np.repeat(right, weights)
    total = int(there.sum())
    precision = np.cumsum(there) / np.arange(1, len(there) + 1)
    return float(precision @ there / total) if total else float("nan")


def colours_only(tile: Tile) -> Tile:
    """Return the tile with its red, green and blue bands only, in their units.

    Raises:
        InputError: It has no others, or lacks one of the three.
    """
    names = [tile.sensor.band(band).common_name for band in tile.bands]
    if not set(COLOURS) < set(names):
        raise InputError(
            f"{PROTOCOL} needs tiles with bands beyond red, green and blue; {tile.scene_id} of {tile.sensor.name} has "
            f"{', '.join(tile.bands)}; choose another view with --role"
        )
    kept = [names.index(name) for name in COLOURS]
    return dataclasses.replace(tile, bands=tuple(tile.bands[band] for band in kept), pixels=tile.pixels[kept])


def _mean_precision(order: NDArray[np.int64], right: NDArray[np.int32], weights: NDArray[np.int64]) -> float:
    return float(np.mean([weighted_average_precision(right[row], weights[row]) for row in order]))


def _figure(
    name: str, meaning: str, value: float, drawn: Values, *, corpus: Corpus, asked: Asked, gain: bool = False
) -> Figure:
    low, high = percentiles(drawn.tolist())
    colour = None if asked.colour is None or gain else float(asked.colour.values[AP].mean())
    return Figure(
        name=name,
        value=value,
        low=low,
        high=high,
        chance=0.0 if gain else float(asked.ranking.chance[AP].mean()),
        baseline=colour,
        queries=len(asked.groups),
        units=len(set(units(corpus.groups))),
        meaning=meaning,
    )


def _bands_note(corpus: Corpus) -> str:
    tile = corpus.items[0].read()
    same = np.allclose(corpus.vectors, corpus.versions[RGB], atol=1e-6)
    note = f"All bands are {', '.join(tile.bands)} of {tile.sensor.name}."
    return note + (" The encoder gives the same vectors without the other bands: it does not use them." if same else "")
