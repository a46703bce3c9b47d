"""What is searched: every view of a dataset read once, encoded, and reduced to colours and a thumbnail."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import EncodesTiles, InputError, Sample, Tile, square_of, squares_of

from ._baseline import colour_features, thumbnail

Progress = Callable[[int, int], None]
"""Called with the number of views read and the number there are."""
Change = Callable[[Tile], Tile]
"""Makes another version of a tile, e.g. with fewer bands."""
UNIT_TOLERANCE = 1e-2
"""How far from 1 the length of a vector may be; bf16 arithmetic gives 4e-3."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One candidate: a view of a sample, or a tile cut from it."""

    sample: Sample
    """Where it comes from."""
    role: str
    """Role of the view."""
    tile_px: int | None = None
    """Side of the tiles that views are cut into; None keeps views whole."""
    row: int = 0
    """Row of the tile, from the top."""
    col: int = 0
    """Column of the tile, from the left."""

    @property
    def name(self) -> str:
        """Sample, role and, where it is a tile, its row and column."""
        where = "" if self.tile_px is None else f" r{self.row}c{self.col}"
        return f"{self.sample.sample_id} {self.role}{where}"

    def read(self) -> Tile:
        """Read the pixels again."""
        tile = self.sample.view(self.role).read()
        return tile if self.tile_px is None else square_of(tile, self.tile_px, self.row, self.col)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Items and what was made of their pixels, row by row."""

    items: tuple[Item, ...]
    """n items."""
    vectors: NDArray[np.float32]
    """(n, d) unit vectors; (n, 0) where no encoder was asked."""
    colours: NDArray[np.float32]
    """(n, f) unit vectors of the colour baseline."""
    thumbnails: NDArray[np.uint8]
    """(n, 16, 16, 3)."""
    versions: Mapping[str, NDArray[np.float32]] = dataclasses.field(default_factory=dict)
    """Vectors (n, d) of changed tiles, by the name of the change."""
    facts: tuple[object, ...] = ()
    """What `inspect` returned for each tile."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Group of each item."""
        return tuple(item.sample.group for item in self.items)

    @property
    def samples(self) -> tuple[str, ...]:
        """Sample id of each item."""
        return tuple(item.sample.sample_id for item in self.items)

    def take(self, chosen: Sequence[int] | NDArray[np.integer]) -> Corpus:
        """Return the corpus of some items."""
        rows = np.asarray(chosen, dtype=np.int64)
        return Corpus(
            items=tuple(self.items[row] for row in rows),
            vectors=self.vectors[rows],
            colours=self.colours[rows],
            thumbnails=self.thumbnails[rows],
            versions={name: vectors[rows] for name, vectors in self.versions.items()},
            facts=tuple(self.facts[row] for row in rows) if self.facts else (),
        )


def roles_like(sample: Sample, wanted: str) -> list[str]:
    """Return the role that was asked for, or else those that begin with it, as `s1-before` begins with `s1`."""
    roles = [view.role for view in sample.views]
    return [wanted] if wanted in roles else [role for role in roles if role.startswith(f"{wanted}-")]


def of_role(corpus: Corpus, wanted: str) -> Corpus:
    """Return the items of one sensor, see `roles_like`."""
    rows = [row for row, item in enumerate(corpus.items) if item.role in roles_like(item.sample, wanted)]
    return corpus.take(rows)


def require_roles(samples: Sequence[Sample], wanted: Sequence[str]) -> None:
    """Check that every sensor asked for is there.

    Raises:
        InputError: No sample has such a view; the message lists those there are.
    """
    missing = [name for name in wanted if not any(roles_like(sample, name) for sample in samples)]
    if missing:
        known = ", ".join(sorted({view.role for sample in samples for view in sample.views}))
        named = " or ".join(map(repr, missing))
        raise InputError(f"no sample has a view {named}; views are {known}; choose two with --roles")


class _Encoding:
    """Collects prepared arrays, a batch for each shape and dtype, and puts the vectors back in order."""

    def __init__(self, encoder: EncodesTiles, batch: int) -> None:
        self._encoder = encoder
        self._batch = batch
        self._waiting: dict[tuple[tuple[int, ...], str], list[tuple[int, NDArray[np.generic]]]] = defaultdict(list)
        self._vectors: dict[int, NDArray[np.float32]] = {}

    def add(self, number: int, tile: Tile) -> None:
        array = self._encoder.prepare(tile)
        waiting = self._waiting[array.shape, array.dtype.str]
        waiting.append((number, array))
        if len(waiting) == self._batch:
            self._flush(waiting)

    def finish(self) -> NDArray[np.float32]:
        for waiting in self._waiting.values():
            self._flush(waiting)
        ordered = [self._vectors[number] for number in sorted(self._vectors)]
        return require_unit(np.stack(ordered), self._encoder.space.encoder)

    def _flush(self, waiting: list[tuple[int, NDArray[np.generic]]]) -> None:
        if waiting:
            vectors = self._encoder.encode(np.stack([array for _, array in waiting]))
            self._vectors |= {number: vector for (number, _), vector in zip(waiting, vectors, strict=True)}
            waiting.clear()


def read_corpus(
    views: Sequence[tuple[Sample, str]],
    encoder: EncodesTiles | None,
    *,
    batch: int = 64,
    tile_px: int | None = None,
    versions: Mapping[str, Change] | None = None,
    inspect: Callable[[Item, Tile], object] | None = None,
    progress: Progress | None = None,
) -> Corpus:
    """Read every view once, in order, holding one batch of pixels at a time.

    Args:
        views: Samples and the role of the view to read of each.
        encoder: Makes the vectors; None makes none.
        batch: Tiles encoded at a time.
        tile_px: Cut each view into tiles of this side; what is left over at the right and bottom edge is dropped.
        versions: Changed tiles to encode as well.
        inspect: Looks at each tile while its pixels are there.
        progress: Called after each view.

    Raises:
        SceneError: A file cannot be read.
        SensorError: The encoder cannot take a view's bands.
        InputError: There is nothing to read, a view is smaller than a tile, or vectors are not of unit length.
    """
    changes: dict[str, Change] = {} if encoder is None else {"": _same, **(versions or {})}
    encodings = {name: _Encoding(encoder, batch) for name in changes} if encoder is not None else {}
    items: list[Item] = []
    colours, thumbnails, facts = [], [], []
    for done, (sample, role) in enumerate(views, start=1):
        for item, tile in _tiles(sample, role, tile_px):
            for name, change in changes.items():
                encodings[name].add(len(items), change(tile))
            items.append(item)
            colours.append(colour_features(tile))
            thumbnails.append(thumbnail(tile))
            if inspect is not None:
                facts.append(inspect(item, tile))
        if progress is not None:
            progress(done, len(views))
    if not items:
        raise InputError("there is nothing to read: no sample is left after the filters")
    vectors = {name: encoding.finish() for name, encoding in encodings.items()}
    return Corpus(
        items=tuple(items),
        vectors=vectors.pop("", np.empty((len(items), 0), dtype=np.float32)),
        colours=np.stack(colours),
        thumbnails=np.stack(thumbnails),
        versions=vectors,
        facts=tuple(facts),
    )


def require_unit(vectors: NDArray[np.float32], encoder: str) -> NDArray[np.float32]:
    """Return vectors that are of unit length.

    Raises:
        InputError: They are not, so their dot products would be no similarity.
    """
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.all(np.abs(lengths - 1.0) <= UNIT_TOLERANCE):
        raise InputError(
            f"{encoder} gave vectors of length {lengths.min():.3g} to {lengths.max():.3g}; expected unit length"
        )
    return vectors


def _tiles(sample: Sample, role: str, side: int | None) -> Iterator[tuple[Item, Tile]]:
    tile = sample.view(role).read()
    if side is None:
        yield Item(sample=sample, role=role), tile
        return
    if min(tile.mask.shape) < side:
        raise InputError(f"{sample.sample_id} {role} is {tile.mask.shape[::-1]} pixels, smaller than a tile of {side}")
    for row, col, square in squares_of(tile, side):
        yield Item(sample=sample, role=role, tile_px=side, row=row, col=col), square


def _same(tile: Tile) -> Tile:
    return tile
