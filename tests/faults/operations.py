"""Every command that changes files, each with the state it starts from: one row a command."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from tests.faults.doubles import ENCODER, OTHER_ENCODER
from tests.faults.forge import Ended, Forge

TILE = 16
SMALL, LARGE = 48, 320
"""Pixels a side: 9 tiles, and 400 in four pieces."""

INDEX, BACKUPS = "index", "backups"
"""Names in the folder that a command changes."""


def make_archive(folder: Path) -> None:
    """Three small scenes, a large one, and three small ones more that come later."""
    rng = np.random.default_rng(5)
    for group, sides in (("first", [SMALL, SMALL, LARGE, SMALL]), ("second", [SMALL] * 3)):
        for number, side in enumerate(sides):
            _make_scene(folder / group / f"{group}{number}.tif", side, len(group) + number, rng)


def _make_scene(file: Path, side: int, place: int, rng: np.random.Generator) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = rng.integers(1, 255, (3, side, side), dtype=np.uint8)
    pixels[:, int(side * 0.9) :] = 0
    with rasterio.open(
        file, "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8", nodata=0, crs="EPSG:32632",
        transform=Affine(10, 0, 400_000 + 10_000 * place, 0, -10, 5_000_000), photometric="rgb",
    ) as dataset:  # fmt: skip
        dataset.write(pixels)


@dataclass(frozen=True)
class Place:
    """Where a command works.

    Args:
        archive: The scenes; never changed.
        home: Holds the index and whatever else the command changes.
    """

    archive: Path
    home: Path

    @property
    def index(self) -> Path:
        return self.home / INDEX

    def args(self, words: Sequence[str]) -> list[str]:
        """Put paths in: {archive}, {index}, {home}."""
        return [word.format(archive=self.archive, index=self.index, home=self.home) for word in words]


def _ingest(*folders: str, tile: int = TILE) -> tuple[str, ...]:
    sources = tuple(f"{{archive}}/{folder}" for folder in folders)
    return (
        "index", *sources, "--into", "{index}", "--collection", "c", "--sensor", "rgb", "--tile-size", str(tile),
        "--encoder", ENCODER,
    )  # fmt: skip


_FIRST = _ingest("first")
_SECOND = _ingest("second")
_OPTIMIZE = ("optimize", "--index", "{index}")
_BACKUP = ("backup", "{index}", f"{{home}}/{BACKUPS}")
_WATCH = ("watch", "add", "{index}", "reds", "--text", "red", "--min-score", "0.5", "--to", "{home}/reds.geojsonl")
_RUN = ("watch", "run", "{index}")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A command that is killed, and what leads to the state that it starts from."""

    name: str
    args: tuple[str, ...]
    """The command, see ``Place.args``."""
    before: tuple[tuple[str, ...], ...] = ()
    """Commands that come before."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of ``Forge.run``."""
    gaps: bool = False
    """Whether a scene that is replaced may be missing for a while."""
    one_step: bool = False
    """Whether all scenes change at once, or none."""
    again: frozenset[int] = frozenset({0})
    """Exit codes of a run after the kill; a removal that was through says that there is nothing to remove."""
    matches: bool = False
    """Whether watches are part of it, whose matches are looked at as well."""

    def __str__(self) -> str:
        return self.name


_COMMANDS = (
    Operation(name="ingest", args=_FIRST),
    Operation(name="ingest-more", args=_SECOND, before=(_FIRST, _OPTIMIZE)),
    Operation(name="ingest-replacing", args=_ingest("first", tile=24), before=(_FIRST, _SECOND, _OPTIMIZE)),
    Operation(
        name="ingest-replacing-large", args=_ingest("first", tile=24), before=(_FIRST, _SECOND),
        options={"merge_limit": 50}, gaps=True,
    ),
    Operation(
        name="remove", args=("remove", "--index", "{index}", "--scene", "first2"), before=(_FIRST, _SECOND, _OPTIMIZE),
        again=frozenset({0, 2}),
    ),
    Operation(
        name="remove-collection", args=("remove", "--index", "{index}", "--collection", "c"),
        before=(_FIRST, _SECOND), again=frozenset({0, 2}),
    ),
    Operation(
        name="compact", args=("compact", "--index", "{index}", "--keep-days", "0"),
        before=(_FIRST, _OPTIMIZE, _SECOND),
    ),
    Operation(name="optimize", args=_OPTIMIZE, before=(_FIRST, _SECOND)),
    Operation(name="optimize-more", args=(*_OPTIMIZE, "--keep-days", "0"), before=(_FIRST, _OPTIMIZE, _SECOND)),
    Operation(name="optimize-anew", args=(*_OPTIMIZE, "--rebuild"), before=(_FIRST, _OPTIMIZE, _SECOND)),
    Operation(name="backup", args=_BACKUP, before=(_FIRST, _OPTIMIZE, _BACKUP, _SECOND)),
    Operation(
        name="restore", args=("restore", f"{{home}}/{BACKUPS}", "{index}", "--overwrite"),
        before=(_FIRST, _BACKUP, _SECOND, _OPTIMIZE), one_step=True,
    ),
    Operation(name="watch-run", args=_RUN, before=(_FIRST, _WATCH, _SECOND), matches=True),
    Operation(name="ingest-watched", args=_SECOND, before=(_FIRST, _WATCH), matches=True),
)  # fmt: skip
_REEMBED = ("reembed", "{index}", "--encoder", OTHER_ENCODER)
_REEMBEDDING = (
    Operation(name="reembed", args=_REEMBED, before=(_FIRST, _OPTIMIZE)),
    Operation(
        name="reembed-more", args=_REEMBED,
        before=(_FIRST, _REEMBED, _SECOND, ("remove", "--index", "{index}", "--scene", "first1")),
    ),
    Operation(
        name="switch", args=("reembed", "{index}", "--switch"), before=(_FIRST, _OPTIMIZE, _REEMBED), one_step=True,
        again=frozenset({0, 2}),
    ),
    Operation(
        name="drop-old", args=("reembed", "{index}", "--drop-old", "--keep-days", "0"),
        before=(_FIRST, _REEMBED, ("reembed", "{index}", "--switch")), again=frozenset({0, 2}),
    ),
)  # fmt: skip

OPERATIONS = (*_COMMANDS, *(_REEMBEDDING if find_spec("swath._cmd_reembed") else ()))
"""The table; a new command that writes is a row more."""


class Templates:
    """Starting states, each made once and copied.

    Args:
        forge: Runs what leads to them.
        folder: Where they are kept.
    """

    def __init__(self, forge: Forge, folder: Path) -> None:
        self._forge = forge
        self._folder = folder
        self._made: dict[tuple[tuple[str, ...], ...], Path] = {}
        self.archive = folder / "archive"
        make_archive(self.archive)

    def copy(self, operation: Operation, home: Path) -> Place:
        """Return a fresh copy of an operation's starting state, at a path that is always the same."""
        place = Place(self.archive, home)
        shutil.rmtree(home, ignore_errors=True)
        kept = self._made.get(operation.before)
        if kept is None:
            home.mkdir(parents=True)
            for args in operation.before:
                ended = self._forge.run(place.args(args), under=home)
                assert ended.code == 0, (args, str(ended))
            kept = self._made[operation.before] = self._folder / f"before{len(self._made):02d}"
            shutil.copytree(home, kept, copy_function=_copy)
        else:
            shutil.copytree(kept, home, copy_function=_copy)
        return place


def _copy(source: str, target: str) -> None:
    shutil.copy2(source, target)


def run(forge: Forge, operation: Operation, place: Place, **options: Any) -> Ended:
    """Run an operation's command."""
    return forge.run(place.args(operation.args), under=place.home, **{**operation.options, **options})
