"""Who changes the index while the soak asks it: commands of ``swath``, each a process of its own as a user's is."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak_archive import INDEX_OPTIONS, SIDES, Scenes, tiles_of, write_scene

FEWEST, MOST = 6, 14
"""Scenes that come and go, at one time: about the same number from the warm-up to the end."""

KEEP_DAYS = "0.0007"
"""Versions that were replaced stay for a minute, twice as long as a request may take; a day is the default."""

TURNS = ("change", "change", "change", "change", "compact", "change", "change", "change", "change", "optimize")
"""What the writer does, again and again; a change is a scene added, replaced or removed."""


@dataclass(kw_only=True)
class Writer:
    """Changes the index until it is stopped."""

    index: Path
    """The index directory."""
    folder: Path
    """Where the scenes' files are."""
    scenes: Scenes
    """Told of each change before it begins and after it was acknowledged."""
    gap: float
    """Seconds from the start of one command to the start of the next, or as long as the command takes."""
    done: dict[str, list[float]] = field(default_factory=dict)
    """Seconds of each command, by kind."""
    problems: list[str] = field(default_factory=list)
    """What went wrong."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set to end it."""
    rng: random.Random = field(default_factory=lambda: random.Random(3))  # noqa: S311  # draws no secrets
    """Draws scenes and their sizes."""
    made: int = 0
    """Scenes so far."""

    def begin(self) -> None:
        """Index the first scenes, all by one command, so that clients can name their collection."""
        sides = {self._new_name(): self.rng.choice(SIDES) for _ in range(FEWEST)}
        for name, side in sides.items():
            write_scene(self.folder, name, side, self.rng.randrange(10**6))
            self.scenes.begin(name)
        if self.command(
            "index", f"{self.folder}/*.tif", "--into", str(self.index), *INDEX_OPTIONS, kind="first scenes"
        ):
            for name, side in sides.items():
                self.scenes.end(name, tiles_of(side))

    def run(self) -> None:
        """Change the index, over and over."""
        turn = 0
        while not self.stop.is_set():
            started = time.monotonic()
            kind = TURNS[turn % len(TURNS)]
            self.change() if kind == "change" else self.command(kind, "--index", str(self.index))
            turn += 1
            self.stop.wait(max(0.0, started + self.gap - time.monotonic()))

    def change(self) -> None:
        """Add, replace or remove a scene."""
        present = self.scenes.present()
        kinds = ["add"] if len(present) < FEWEST else ["replace", "remove"]
        kind = self.rng.choice(kinds if len(present) >= MOST else [*kinds, "add"])
        if kind == "add":
            self._write("add", self._new_name())
        elif kind == "replace":
            self._write("replace", self.rng.choice(present))
        else:
            self._remove(self.rng.choice(present))

    def _new_name(self) -> str:
        self.made += 1
        return f"scene{self.made:05d}_2022{1 + self.made // 28 % 12:02d}{1 + self.made % 28:02d}"

    def _write(self, kind: str, name: str) -> None:
        side = self.rng.choice(SIDES)
        path = write_scene(self.folder, name, side, self.rng.randrange(10**6))
        self.scenes.begin(name)
        if self.command("index", str(path), "--into", str(self.index), *INDEX_OPTIONS, kind=kind):
            self.scenes.end(name, tiles_of(side))

    def _remove(self, name: str) -> None:
        self.scenes.begin(name)
        if self.command("remove", "--index", str(self.index), "--scene", name):
            self.scenes.end(name, 0)
            (self.folder / f"{name}.tif").unlink()

    def command(self, name: str, *options: str, kind: str | None = None) -> bool:
        """Run a command of ``swath``; return whether it went well."""
        started = time.monotonic()
        environment = {**os.environ, "SWATH_KEEP_DAYS": KEEP_DAYS}
        ran = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-m", "swath", name, *options],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        self.done.setdefault(kind or name, []).append(time.monotonic() - started)
        if ran.returncode:
            self.problems.append(f"swath {name} ended with {ran.returncode}: {(ran.stderr or ran.stdout)[-300:]}")
        return not ran.returncode
