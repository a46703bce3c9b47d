"""The scaling model: what tiles cost, from measured runs, and how well it says what a larger run costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PER_SCENE = ("open", "commit")
"""Stages that cost by the scene; all others cost by the tile."""

MILLION = 1_000_000

Run = Mapping[str, Any]
"""What one of ``scaling_ingest``, ``scaling_requests``, ``scaling_serving`` printed."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One quantity that the model, made from the smaller run, said of the larger."""

    name: str
    """What."""
    unit: str
    """Of both numbers."""
    predicted: float
    """By the model."""
    measured: float
    """By the larger run."""

    @property
    def error(self) -> float:
        """How far off the model was, as a share of what was measured."""
        return self.predicted / self.measured - 1


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """What an ingest costs."""

    start: float
    """Processor seconds of a process before its first tile: the weights."""
    scene: Mapping[str, float]
    """Processor seconds a scene, by stage."""
    tile: Mapping[str, float]
    """Processor seconds a tile, by stage."""
    read: float
    """Bytes read a tile."""
    written: float
    """Bytes written a tile."""
    kept: float
    """Bytes of the index a tile."""

    @classmethod
    def fitted(cls, run: Run) -> Ingest:
        """Return the model of a run."""
        tiles, scenes, stages = run["tiles"], run["scenes"], run["stages"]
        return cls(
            start=run["start"],
            scene={name: stages[name] / scenes for name in PER_SCENE},
            tile={name: seconds / tiles for name, seconds in stages.items() if name not in PER_SCENE},
            read=run["bytes_read"] / tiles,
            written=run["bytes_written"] / tiles,
            kept=run["index_bytes"] / tiles,
        )

    def stages(self, tiles: float, scenes: float) -> dict[str, float]:
        """Return processor seconds by stage."""
        by_scene = {name: seconds * scenes for name, seconds in self.scene.items()}
        return by_scene | {name: seconds * tiles for name, seconds in self.tile.items()}

    def processor(self, tiles: float, scenes: float) -> float:
        """Return processor seconds, start left out."""
        return sum(self.stages(tiles, scenes).values())

    def checked(self, larger: Run) -> list[Check]:
        """Return what it says of a larger run beside what that cost."""
        tiles, scenes = larger["tiles"], larger["scenes"]
        found = [
            Check(name="ingest, all stages", unit="processor s", predicted=self.processor(tiles, scenes),
                  measured=larger["processor"]),
        ]  # fmt: skip
        found += [
            Check(name=f"... {name}", unit="processor s", predicted=seconds, measured=larger["stages"][name])
            for name, seconds in self.stages(tiles, scenes).items()
            if larger["stages"][name] >= 0.01 * larger["processor"]
        ]
        sizes = (("bytes read", self.read), ("bytes written", self.written), ("bytes of the index", self.kept))
        keys = ("bytes_read", "bytes_written", "index_bytes")
        return found + [
            Check(name=name, unit="MB", predicted=each * tiles / 1e6, measured=larger[key] / 1e6)
            for (name, each), key in zip(sizes, keys, strict=True)
        ]


@dataclass(frozen=True, kw_only=True)
class Growth:
    """A cost that grows with the rows by a power law through two measured sizes."""

    rows_at: float
    """The larger of the two sizes."""
    at: float
    """What it cost there."""
    power: float
    """0 for what does not grow, 1 for what grows as the rows do."""

    @classmethod
    def through(cls, less: tuple[float, float], more: tuple[float, float]) -> Growth:
        """Return the law through two pairs of rows and cost."""
        power = math.log(more[1] / less[1]) / math.log(more[0] / less[0])
        return cls(rows_at=more[0], at=more[1], power=power)

    def of(self, rows: float) -> float:
        """Return the cost at so many rows."""
        return float(self.at * (rows / self.rows_at) ** self.power)


def serving(sizes: Sequence[Run]) -> dict[str, Growth]:
    """Return the law of each route, processor milliseconds an answer, through the two largest sizes."""
    less, more = sorted(sizes, key=lambda run: float(run["rows"]))[-2:]
    return {
        route: Growth.through((less["rows"], less["milliseconds"][route]), (more["rows"], milliseconds))
        for route, milliseconds in more["milliseconds"].items()
    }


def serving_checked(sizes: Sequence[Run]) -> list[Check]:
    """Return what the laws through the two smallest sizes say of the largest, for three sizes or more."""
    ordered = sorted(sizes, key=lambda run: float(run["rows"]))
    if len(ordered) < 3:
        return []
    largest = ordered[-1]
    return [
        Check(name=route, unit="processor ms", predicted=law.of(largest["rows"]),
              measured=largest["milliseconds"][route])
        for route, law in serving(ordered[:2]).items()
    ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Build:
    """What the search snapshot costs to make; the same a row at every size."""

    write: float
    """Processor seconds a row, writing the table."""
    build: float
    """Processor seconds a row, building the snapshot."""
    table: float
    """Bytes a row of the table."""
    snapshot: float
    """Bytes a row of the snapshot."""

    @classmethod
    def fitted(cls, run: Run) -> Build:
        """Return the model of one size."""
        return cls(
            write=run["write_seconds_per_million"] / MILLION,
            build=run["build_seconds_per_million"] / MILLION,
            table=run["table_bytes_per_row"],
            snapshot=run["snapshot_bytes_per_row"],
        )

    def checked(self, larger: Run) -> list[Check]:
        """Return what it says of a larger size beside what that cost."""
        rows, other = larger["rows"], Build.fitted(larger)
        return [
            Check(name="building the snapshot", unit="processor s", predicted=self.build * rows,
                  measured=other.build * rows),
            Check(name="snapshot on disk", unit="GB", predicted=self.snapshot * rows / 1e9,
                  measured=other.snapshot * rows / 1e9),
        ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An archive that is extrapolated to."""

    name: str
    """What is taken of the whole."""
    products: float
    """Scenes."""
    tiles: float
    """Tiles that are kept."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """All of it."""

    ingest: Ingest
    """From the larger measured run."""
    build: Build
    """From the larger measured size."""
    gets: float
    """Requests a tile that read from a bucket."""
    got: float
    """Bytes a tile that came from it."""
    files: float
    """Files a tile that an ingest leaves: objects to be put."""

    @classmethod
    def of(cls, figures: Run) -> Model:
        """Return the model of the measured figures, each part from the largest run."""
        ingests = sorted(figures["ingest"], key=lambda run: float(run["tiles"]))
        builds = sorted(figures["build"], key=lambda run: float(run["rows"]))
        bucket = figures["requests"]
        return cls(
            ingest=Ingest.fitted(ingests[-1]),
            build=Build.fitted(builds[-1]),
            gets=sum(bucket["requests"].values()) / bucket["tiles"],
            got=bucket["bytes"] / bucket["tiles"],
            files=ingests[-1]["files"] / ingests[-1]["tiles"],
        )

    def hours(self, archive: Archive) -> float:
        """Return processor hours to ingest an archive and build its search snapshot."""
        return (self.ingest.processor(archive.tiles, archive.products) + self.build.build * archive.tiles) / 3600
