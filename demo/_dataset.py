"""The synthetic world as a dataset: drawn when read, by the numbers of an optional ``world.toml``. Not observations."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import (
    InputError,
    Sample,
    Sensor,
    Settings,
    Tile,
    UnknownNameError,
    View,
    array_tile,
    load_sensor,
    read_limited,
)
from demo._noise import Image
from demo._optical import BANDS
from demo._radar import POLARISATIONS
from demo._samples import WorldSample, world_outline, world_sample

WORLD_FILE = "world.toml"
"""File that may choose seed, size and splits."""

COLLECTION = "synthetic-world"
"""Collection of every tile."""

SIZES = (32, 512)
"""Least and most pixels a side; 512 px take half a second and 200 MB a sample."""

LAST_NUMBER = 10_000_000
"""Sample numbers stay under this."""

TREE = """FOLDER/            may be empty
  world.toml       optional:
                     seed = 7
                     size = 96
                     [splits]            sample numbers, first and one past the last
                     train = [0, 4000]
                     val = [4000, 4400]
                     test = [4400, 5000]"""
"""What `open_synthetic_world` accepts, for messages."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Which samples there are."""

    seed: int = 7
    """Another seed is another world."""
    size: int = 96
    """Pixels a side."""
    splits: Mapping[str, tuple[int, int]] = field(
        default_factory=lambda: {"train": (0, 4000), "val": (4000, 4400), "test": (4400, 5000)}
    )
    """Split to its first sample number and one past its last; they do not overlap."""


@dataclass(frozen=True, kw_only=True)
class SyntheticWorld:
    """A `core.Dataset` whose pixels are drawn when read. Listing paints each landscape, but draws no picture."""

    name: str
    """Registry name."""
    world: World
    """Which samples there are."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits there are."""
        return tuple(self.world.splits)

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        """Yield the samples of a split, or of all, by number.

        Raises:
            UnknownNameError: There is no such split; the message lists the splits.
        """
        if split is not None and split not in self.splits:
            raise UnknownNameError(f"split of {self.name}", split, self.splits)
        chosen = self.splits if split is None else (split,)
        return (_sample(self.world, part, number) for part in chosen for number in range(*self.world.splits[part]))


def open_synthetic_world(name: str, root: Path) -> SyntheticWorld:
    """Open the synthetic world.

    Args:
        name: Registry name.
        root: A folder, empty or with a ``world.toml``.

    Raises:
        InputError: The folder is missing, or ``world.toml`` says what cannot be; the message shows what would work.
    """
    if not root.is_dir():
        raise InputError(f"no folder at {root} for {name}; expected\n{TREE}")
    path = root / WORLD_FILE
    if not path.exists():
        return SyntheticWorld(name=name, world=World())
    try:
        table = tomllib.loads(read_limited(path, Settings().max_metadata_bytes).decode("utf-8"))
        return SyntheticWorld(name=name, world=_parse(table))
    except (InputError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} does not describe a synthetic world: {error}; expected\n{TREE}") from None


def _parse(table: Mapping[str, Any]) -> World:
    unknown = sorted(set(table) - {"seed", "size", "splits"})
    if unknown:
        raise InputError(f"unknown key {unknown[0]!r}")
    known: dict[str, Any] = {}
    if "seed" in table:
        known["seed"] = _whole(table["seed"], "seed", 0, 2**63 - 1)
    if "size" in table:
        known["size"] = _whole(table["size"], "size", *SIZES)
    if "splits" in table:
        known["splits"] = _splits(table["splits"])
    return World(**known)


def _splits(table: object) -> dict[str, tuple[int, int]]:
    if not isinstance(table, dict) or not table:
        raise InputError("splits must be a table with at least one range")
    splits = {name: _range(name, pair) for name, pair in table.items()}
    ordered = sorted(splits.items(), key=lambda item: item[1])
    for (before, (_, stop)), (after, (start, _)) in pairwise(ordered):
        if start < stop:
            raise InputError(f"splits {before} and {after} share sample {start}")
    return splits


def _range(name: str, pair: object) -> tuple[int, int]:
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise InputError(f"split name {name!r} must be letters, digits, - and _")
    if not isinstance(pair, list) or len(pair) != 2:
        raise InputError(f"split {name} must be [first, one past the last], got {pair!r}")
    first = _whole(pair[0], f"start of split {name}", 0, LAST_NUMBER)
    return first, _whole(pair[1], f"end of split {name}", first + 1, LAST_NUMBER)


def _whole(value: object, what: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{what} must be a whole number from {least} to {most}, got {value!r}")
    return value


def _sample(world: World, split: str, number: int) -> Sample:
    drawn = world_outline(world.seed, number, world.size)
    name = f"synthetic-{world.seed}-{world.size}-{number:07d}"
    known = {"label": drawn.truth.dominant, "captions": drawn.captions, "gsd": drawn.canvas.gsd}
    readers = {
        "s2": partial(_light_tile, world, number, name, known),
        "s1": partial(_radar_tile, world, number, name, known),
    }
    return Sample(
        sample_id=name,
        split=split,
        group=name,
        views=tuple(View(role=role, read=read) for role, read in readers.items()),
        labels=drawn.truth.labels,
        captions=drawn.captions,
        mask=partial(_mask, world, number),
    )


@lru_cache(maxsize=4)
def _drawn(seed: int, number: int, size: int) -> WorldSample:
    """Return a sample; both views and the mask are usually read one after the other."""
    return world_sample(seed, number, size)


def _light_tile(world: World, number: int, name: str, known: Mapping[str, Any]) -> Tile:
    drawn = _drawn(world.seed, number, world.size)
    more = {**known, "encoding": "reflectance", "cloud": float(drawn.cloud.mean())}
    return _tile(drawn.s2, load_sensor("sentinel-2-l2a")[0], BANDS, f"{name}-s2", more)


def _radar_tile(world: World, number: int, name: str, known: Mapping[str, Any]) -> Tile:
    drawn = _drawn(world.seed, number, world.size)
    return _tile(drawn.s1, load_sensor("sentinel-1-rtc")[0], POLARISATIONS, f"{name}-s1", {**known, "encoding": "db"})


def _tile(pixels: Image, sensor: Sensor, bands: tuple[str, ...], name: str, known: Mapping[str, Any]) -> Tile:
    everywhere = np.ones(pixels.shape[1:], dtype=bool)
    href = f"{COLLECTION}:{name}"
    return array_tile(
        pixels, everywhere, sensor=sensor, bands=bands, name=name, collection=COLLECTION, href=href, **known
    )


def _mask(world: World, number: int) -> NDArray[np.uint8]:
    return _drawn(world.seed, number, world.size).cover
