"""Datasets in memory: every item as the planes that a tower sees, with captions, class shares and its group."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core import ConfigError, Sample, Tile, squares_of

from .._planes import planes
from .._words import class_words
from ..datasets import open_dataset
from ._tables import PoolConfig

READERS = 2
NOWHERE = (float("nan"), float("nan"))


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Items of one source, or the part of them that is learned from or measured on."""

    config: PoolConfig
    """What is learned from them."""
    optical: Tensor | None
    """(n, 3 or 12, side, side) uint8; None where the pool has no optical views."""
    radar: Tensor | None
    """(n, 2, side, side) uint8; None where the pool has no SAR views."""
    captions: tuple[tuple[str, ...], ...]
    """Captions of each item."""
    shares: Tensor
    """Share of each class, (n, classes): a row sums to 1, or to 0 where an item has no label."""
    names: tuple[str, ...]
    """Class names in words."""
    groups: tuple[str, ...]
    """Scene, site or source of each item."""
    places: tuple[str, ...]
    """Sample of each item, and square where views are cut: items of one place at two dates share it."""
    centroids: Tensor
    """lon, lat of each item in degrees, (n, 2) float32; NaN where it has no place."""
    fingerprint: str
    """sha256 over ids, labels and captions."""

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.groups)

    @property
    def priors(self) -> Tensor:
        """Frequency of each class, (classes,)."""
        return self.shares.sum(dim=0) / self.shares.sum().clamp(min=1.0)

    def take(self, rows: Tensor) -> Pool:
        """Return the pool of these items."""
        chosen = rows.tolist()
        return Pool(
            config=self.config,
            optical=None if self.optical is None else self.optical[rows],
            radar=None if self.radar is None else self.radar[rows],
            captions=tuple(self.captions[row] for row in chosen),
            shares=self.shares[rows],
            names=self.names,
            groups=tuple(self.groups[row] for row in chosen),
            places=tuple(self.places[row] for row in chosen),
            centroids=self.centroids[rows],
            fingerprint=self.fingerprint,
        )


@dataclass(frozen=True, kw_only=True)
class Split:
    """A pool in two parts that share no group."""

    train: Pool
    """Learned from."""
    val: Pool
    """Measured on; may be empty."""


def data_folder(root: str) -> Path:
    """Return the folder that a configuration names: absolute, or under SWATH_DATA.

    Raises:
        ConfigError: There is no such folder.
    """
    path = Path(os.environ.get("SWATH_DATA", "../shared/data")) / root
    if not path.is_dir():
        where = (
            "" if Path(root).is_absolute() else ", nor one beside the configuration file; SWATH_DATA chooses another"
        )
        raise ConfigError(f"no folder at {path}{where}")
    return path


def load_splits(configs: Sequence[PoolConfig]) -> list[Split]:
    """Read every pool."""
    return [load_split(config) for config in configs]


def load_split(config: PoolConfig) -> Split:
    """Read a dataset and divide it: by its own validation split where one is named, else by group.

    Raises:
        ConfigError: Nothing is left to learn from.
        InputError: The folder holds no such dataset.
        UnknownNameError: There is no such adapter.
    """
    pool = load_pool(config)
    if config.val_split is not None:
        whole = dataclasses.replace(config, split=config.val_split, classes_out=(), groups_out=(), limit=None)
        return Split(train=pool, val=load_pool(whole))
    held = torch.tensor([_held_out(group, config.held_out) for group in pool.groups])
    if bool(held.all()):
        raise ConfigError(f"pools.{config.name}: held_out = {config.held_out} leaves nothing to learn from")
    return Split(train=pool.take((~held).nonzero()[:, 0]), val=pool.take(held.nonzero()[:, 0]))


def load_pool(config: PoolConfig) -> Pool:
    """Read every item of a dataset; a sample gives one item for each pair of views."""
    samples = list(_chosen(config))
    if not samples:
        raise ConfigError(f"pools.{config.name}: {config.dataset} under {config.root} gives no sample{_hint(config)}")
    wanted = [(sample, optical, radar) for sample in samples for optical, radar in _view_pairs(config)]
    with ThreadPoolExecutor(READERS) as readers:
        read = list(readers.map(lambda item: list(_read(item[0], item[1], item[2], config)), wanted))
    owned = [(sample, item) for (sample, _, _), found in zip(wanted, read, strict=True) for item in found]
    if not owned:
        raise ConfigError(f"pools.{config.name}: no view is as large as tile_px = {config.tile_px}")
    items, owners = [item for _, item in owned], [sample for sample, _ in owned]
    names = tuple(sorted({label for sample in samples for label in sample.labels}))
    return Pool(
        config=config,
        optical=_stack([item.optical for item in items]),
        radar=_stack([item.radar for item in items]),
        captions=tuple(item.captions for item in items),
        shares=torch.stack([_shares(sample, names) for sample in owners]),
        names=tuple(class_words(name) for name in names),
        groups=tuple(sample.group for sample in owners),
        places=tuple(f"{sample.sample_id}{item.square}" for sample, item in owned),
        centroids=torch.tensor([item.centroid for item in items], dtype=torch.float32),
        fingerprint=_fingerprint(samples),
    )


@dataclass(frozen=True, kw_only=True)
class _Item:
    """What was read of one pair of views."""

    optical: NDArray[np.uint8] | None
    radar: NDArray[np.uint8] | None
    captions: tuple[str, ...]
    centroid: tuple[float, float]
    square: str
    """What tells it apart from other squares of the sample; empty for whole views."""


def _chosen(config: PoolConfig) -> Iterator[Sample]:
    dataset = open_dataset(config.dataset, data_folder(config.root))
    kept = 0
    for sample in dataset.samples(config.split):
        if sample.group in config.groups_out or set(sample.labels) & set(config.classes_out):
            continue
        if not all(any(view.role == role for view in sample.views) for role in (*config.optical, *config.radar)):
            continue
        yield sample
        kept += 1
        if kept == config.limit:
            return


def _hint(config: PoolConfig) -> str:
    first = next(iter(open_dataset(config.dataset, data_folder(config.root)).samples(config.split)), None)
    if first is None:
        return f" in split {config.split!r}" if config.split else ""
    wanted, there = (", ".join(names) for names in ((*config.optical, *config.radar), (v.role for v in first.views)))
    return f" with the views {wanted}, outside groups_out and classes_out; its first sample has {there}"


def _view_pairs(config: PoolConfig) -> list[tuple[str | None, str | None]]:
    count = max(len(config.optical), len(config.radar))
    optical: tuple[str | None, ...] = config.optical or (None,) * count
    radar: tuple[str | None, ...] = config.radar or (None,) * count
    return list(zip(optical, radar, strict=True))


def _read(sample: Sample, optical: str | None, radar: str | None, config: PoolConfig) -> Iterator[_Item]:
    """Read the views; captions of a single view, where a dataset has them, say more than those of the sample.

    A sentence that stands several times stays so often: it is what people agree on.
    """
    tiles = [None if role is None else sample.view(role).read() for role in (optical, radar)]
    own = tuple(caption for tile in tiles if tile is not None for caption in tile.captions)
    place = next((tile.centroid for tile in tiles if tile is not None and tile.centroid is not None), NOWHERE)
    for square, parts in _squares(tiles, config.tile_px):
        light, echo = (None if part is None else planes(part, config.side) for part in parts)
        yield _Item(optical=light, radar=echo, captions=own or sample.captions, centroid=place, square=square)


def _squares(tiles: Sequence[Tile | None], side: int | None) -> Iterator[tuple[str, list[Tile | None]]]:
    """Yield the squares that all tiles have, with what tells each apart from others of the sample."""
    if side is None:
        yield "", list(tiles)
        return
    cut = [{(row, col): square for row, col, square in squares_of(tile, side)} for tile in tiles if tile is not None]
    for row, col in sorted(set.intersection(*(set(squares) for squares in cut))):
        own = iter(cut)
        yield f"@{row},{col}", [None if tile is None else next(own)[row, col] for tile in tiles]


def _stack(arrays: list[NDArray[np.uint8] | None]) -> Tensor | None:
    present = [array for array in arrays if array is not None]
    return torch.from_numpy(np.stack(present)) if present else None


def _shares(sample: Sample, names: tuple[str, ...]) -> Tensor:
    row = torch.zeros(len(names))
    for label in sample.labels:
        row[names.index(label)] = 1.0 / len(sample.labels)
    return row


def _held_out(group: str, share: float) -> bool:
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") < share * 2**32


def _fingerprint(samples: list[Sample]) -> str:
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(repr((sample.sample_id, sample.labels, sample.captions)).encode())
    return digest.hexdigest()
