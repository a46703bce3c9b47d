"""A soak: ``swath serve`` under mixed load at a fixed rate, while real commands change its index all the time.

Clients search in words, by picture, like a tile, with filters of every kind and in scenes that just came; they count,
export, draw pictures, read pixels, ask questions, look at watches, STAC and metrics (``soak_requests``). A writer
indexes, replaces and removes small scenes, compacts and optimizes, each by a command of its own (``soak_writer``), and
every ``swath index`` runs two watches. Every answer is judged, the server's memory, descriptors, threads and disk are
looked at every five seconds (``soak_watch``), and at the end all has to be flat (``soak_report``); the exit code is 1
where something was not.

Run: ``python -m benchmarks.soak --minutes 60 --out docs/benchmarks/soak.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.serve import free_port, server
from benchmarks.soak_archive import Scenes, build_index, encoder_of_soak, look
from benchmarks.soak_load import load
from benchmarks.soak_report import Soak, report, verdicts
from benchmarks.soak_requests import WATCH, Asker
from benchmarks.soak_watch import Watcher
from benchmarks.soak_writer import Writer

WARM_UP_SHARE, WARM_UP_MOST = 0.3, 600.0
"""Three tenths of the time, ten minutes at most: what the server keeps of pictures it keeps for five minutes
(``KEPT_S``), and the threads that answer come one by one. What is kept of sentences, 4,096 of them, goes on growing by
3 kB each for an hour and more."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to soak."""

    seconds: float = 3600.0
    """Of load."""
    rate: float = 6.0
    """Requests a second: about half of what one of two busy processors does."""
    gap: float = 15.0
    """Seconds from one change of the index to the next."""

    @property
    def warm_up(self) -> float:
        """Seconds that are not judged."""
        return min(self.seconds * WARM_UP_SHARE, WARM_UP_MOST)


def soak(index: Path, folder: Path, plan: Plan) -> Soak:
    """Soak an index that nobody else uses; it is changed.

    Args:
        index: Made by ``build_index``.
        folder: Where scenes may be written.
        plan: How.
    """
    world, scenes = look(index), Scenes()
    _add_watches(index)
    asker = Asker(world=world, scenes=scenes, rng=np.random.default_rng(17))
    writer = Writer(index=index, folder=folder, scenes=scenes, gap=plan.gap)
    writer.begin()
    port = free_port()
    command = [sys.executable, "-m", "swath", "serve", "--index", str(index), "--port", str(port)]
    with server(command, port, "/readyz") as (process, _):
        watcher = Watcher(process=process, index=index, start=time.monotonic())
        with _running(watcher.run, watcher.stop), _running(writer.run, writer.stop):
            url, start = f"http://127.0.0.1:{port}", watcher.start
            answers = asyncio.run(load(url, asker.next, rate=plan.rate, seconds=plan.seconds, start=start))
    after = world.tiles + (scenes.total(time.monotonic()) or 0)
    return Soak(
        seconds=plan.seconds,
        warm_up=plan.warm_up,
        rate=plan.rate,
        answers=answers,
        samples=watcher.samples,
        sizes=watcher.sizes,
        writes=writer.done,
        problems=writer.problems,
        recall=asker.recall,
        remarks=asker.remarks,
        tiles=(world.tiles, after),
        encoder=encoder_of_soak(),
    )


@contextmanager
def _running(run: object, stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=run)  # type: ignore[arg-type]
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _add_watches(index: Path) -> None:
    """Add two watches: one that few tiles match, one that all do."""
    import swath

    watches = swath.open(index).watches
    watches.add(WATCH, text="a harbour", min_score=0.05)
    watches.add("everything", text="land", min_score=-1.0, file=index.with_name("everything.geojsonl"))


def _copied(index: Path, into: Path) -> Path:
    return Path(shutil.copytree(index, into / "index"))


def main() -> int:
    """Soak, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=Plan.rate, help="requests a second")
    parser.add_argument("--gap", type=float, default=Plan.gap, help="seconds between two changes of the index")
    parser.add_argument("--index", type=Path, help="a copy of this index, made by `build_index`, is soaked")
    parser.add_argument("--figures", type=Path, help="where to write all that was measured, in JSON")
    parser.add_argument("--archive", type=Path, help="folder of `swath demo`'s archive; made where none is given")
    parser.add_argument("--out", type=Path, help="where to write the report, in Markdown")
    options = parser.parse_args()
    plan = Plan(seconds=options.minutes * 60, rate=options.rate, gap=options.gap)
    with tempfile.TemporaryDirectory(prefix="swath-soak-") as folder:
        home = Path(folder)
        (home / "scenes").mkdir()
        index = _copied(options.index, home) if options.index else build_index(home, options.archive)
        found = soak(index, home / "scenes", plan)
    if options.figures is not None:
        options.figures.write_text(json.dumps(asdict(found)), encoding="utf-8")
    text = report(found)
    sys.stdout.write(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    return 0 if all(each.holds for each in verdicts(found)) else 1


if __name__ == "__main__":
    sys.exit(main())
