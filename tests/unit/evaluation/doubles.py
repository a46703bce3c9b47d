"""Datasets in memory whose answers can be worked out by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core import InputError, Sample, Tile, View, array_tile, load_sensor, picture_tile

Colour = tuple[int, int, int]
RED, GREEN, BLUE = (250, 10, 10), (10, 250, 10), (10, 10, 250)


@dataclass(frozen=True, kw_only=True)
class Held:
    """A dataset that is simply held."""

    held: tuple[Sample, ...]
    name: str = "held"
    synthetic: bool = False

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(sorted({sample.split for sample in self.held if sample.split}))

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        if split is not None and split not in self.splits:
            raise InputError(f"no split {split}")
        return (sample for sample in self.held if split in (None, sample.split))


def coloured(colour: Colour, *, side: int = 20, noise: int = 0) -> Tile:
    """A picture of one colour; with noise, of speckles around it that differ from number to number."""
    colours = np.broadcast_to(np.array(colour, dtype=np.uint8), (side, side, 3))
    if noise:
        shift = np.random.default_rng(noise).integers(-60, 60, (side, side, 1))
        colours = np.clip(colours.astype(int) + shift, 0, 255).astype(np.uint8)
    return picture_tile(colours, np.ones((side, side), dtype=np.bool_), name="tile", collection="held", href="held")


def sample(name: str, views: dict[str, Tile], **known: object) -> Sample:
    """A sample of tiles by role."""
    read = tuple(View(role=role, read=lambda tile=tile: tile) for role, tile in views.items())  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    filled = {"split": None, "group": name, **known}
    return Sample(sample_id=name, views=read, **filled)  # type: ignore[arg-type]  # one dictionary of fields of all types


def pictures(
    rows: Sequence[tuple[Colour, tuple[str, ...], tuple[str, ...]]], split: str | None = None, start: int = 0
) -> tuple[Sample, ...]:
    """Samples of one colour each with labels and captions."""
    return tuple(
        sample(f"p{start + number}", {"image": coloured(colour)}, split=split, labels=labels, captions=captions)
        for number, (colour, labels, captions) in enumerate(rows)
    )


def spectral(values: dict[str, float], *, sensor: str = "sentinel-2-l2a", side: int = 8) -> Tile:
    """A tile of even reflectance (or dB) in the named bands."""
    described, _ = load_sensor(sensor)
    pixels = np.stack([np.full((side, side), value, dtype=np.float32) for value in values.values()])
    mask = np.ones((side, side), dtype=np.bool_)
    return array_tile(pixels, mask, sensor=described, bands=tuple(values), name="tile", collection="held", href="held")
