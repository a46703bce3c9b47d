"""The whole walk: design, ground, pixels, files, catalog; then the finished folder takes its place in one rename."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pystac import Item

from core import InputError, StoreError
from demo._catalog import build_catalog, item_id, optical_item, radar_item, save_catalog
from demo._cog import write_cog
from demo._ground import Ground, ground
from demo._noise import stream
from demo._optical import BANDS, render_optical
from demo._radar import POLARISATIONS, render_radar
from demo._readme import README
from demo._scenes import (
    NOTICE,
    OPTICAL_COLLECTION,
    OPTICAL_TIMES,
    RADAR_COLLECTION,
    RADAR_TIMES,
    SCENE_PIXELS,
    SCENES,
    SceneFrame,
)
from demo._shapes import Landmark
from demo._truth import SCL_CLOUD, Acquisition, TileTruth, landmark_features, tile_truths
from demo._weather import sky
from demo._world import design

MARKER = "swath-demo.json"
"""File by which a demo archive is known; holds the seed and the label."""

NEEDED_BYTES = 450_000_000
"""An archive takes about 410 MB; an older one is kept until the new one is finished."""

Progress = Callable[[int, int], None]
"""Called with acquisitions done and acquisitions in all."""


@dataclass(frozen=True, kw_only=True)
class DemoQuery:
    """A search whose answer is known."""

    text: str
    """What to ask."""
    sensor: str = "sentinel-2-l2a"
    """Sensor to search: an encoder trained on colour pictures knows these."""
    tile_ids: frozenset[str]
    """Tiles (224 pixels, no overlap) that truly show it, of all dates, clouded ones left out."""


@dataclass(frozen=True, kw_only=True)
class DemoArchive:
    """A finished demo archive."""

    path: Path
    """Its folder."""
    catalog: Path
    """``catalog.json``, the STAC catalog to index."""
    captions: Path
    """``captions.jsonl``: cover, things and sentences of every tile."""
    truth: Path
    """``truth.geojson``: outline of every thing."""
    scenes: int
    """Acquisitions of both sensors."""
    tiles: int
    """Tiles of 224 pixels in them."""
    bytes: int
    """Size of all files."""
    queries: tuple[DemoQuery, ...]
    """Three searches to try."""


def generate(into: Path, *, seed: int = 7, progress: Progress | None = None) -> DemoArchive:
    """Write the synthetic demo archive.

    The same seed and library versions give the same bytes. The folder appears when everything is in it; an older demo
    archive there is replaced.

    Args:
        into: Folder to write; must not exist, be empty, or be a demo archive.
        seed: Which landscape.
        progress: Called after each acquisition with done and total.

    Raises:
        InputError: ``into`` is something else than a demo archive, or the seed is negative.
        StoreError: The files cannot be written.
    """
    into = Path(into)
    _check(into, seed)
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        _check_space(into.parent)
        with tempfile.TemporaryDirectory(prefix=f".{into.name}-", dir=into.parent) as scratch:
            folder = Path(scratch) / "archive"
            folder.mkdir()
            truths = _write(folder, seed, progress or (lambda done, total: None))
            _replace(folder, into)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"cannot write the demo archive to {into}: {error.strerror or error}") from error
    return _describe(into, truths)


def _check(into: Path, seed: int) -> None:
    if seed < 0:
        raise InputError(f"seed must be 0 or more, got {seed}")
    if into.exists() and not (into.is_dir() and ((into / MARKER).is_file() or not any(into.iterdir()))):
        raise InputError(f"{into} exists and is no demo archive; choose another folder or an empty one")


def _check_space(parent: Path) -> None:
    free = shutil.disk_usage(parent).free
    if free < NEEDED_BYTES:
        raise StoreError(f"{parent} has {free / 1e6:,.0f} MB free; the demo archive needs {NEEDED_BYTES / 1e6:,.0f} MB")


def _replace(folder: Path, into: Path) -> None:
    old = folder.with_name("old")
    if into.exists():
        into.rename(old)
    folder.rename(into)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What one scene adds to the archive."""

    optical: list[Item]
    radar: list[Item]
    truths: list[TileTruth]


def _write(folder: Path, seed: int, progress: Progress) -> list[TileTruth]:
    world = design(seed)
    total = len(SCENES) * (len(OPTICAL_TIMES) + len(RADAR_TIMES))
    finished: list[str] = []

    def done(name: str) -> None:
        finished.append(name)
        progress(len(finished), total)

    def scene(frame: SceneFrame) -> _Part:
        land = ground(world, column=frame.column, row=frame.row, seed=seed)
        return _scene(_Job(folder=folder, frame=frame, land=land, landmarks=world.landmarks, seed=seed), done)

    # Two at a time: numpy and GDAL release the interpreter lock, and a scene needs about 400 MB while it is drawn.
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(scene, SCENES))
    save_catalog(build_catalog(_all(part.optical for part in parts), _all(part.radar for part in parts)), folder)
    truths = sorted((truth for part in parts for truth in part.truths), key=lambda truth: truth.tile_id)
    (folder / "captions.jsonl").write_text("".join(f"{truth.to_json()}\n" for truth in truths), encoding="utf-8")
    (folder / "truth.geojson").write_text(json.dumps(landmark_features(world.landmarks, SCENES)), encoding="utf-8")
    (folder / "README.md").write_text(README.format(seed=seed), encoding="utf-8")
    (folder / MARKER).write_text(json.dumps({"synthetic": True, "notice": NOTICE, "seed": seed}), encoding="utf-8")
    return truths


def _all(parts: Iterable[list[Item]]) -> list[Item]:
    return [item for part in parts for item in part]


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One scene to be drawn."""

    folder: Path
    frame: SceneFrame
    land: Ground
    landmarks: tuple[Landmark, ...]
    seed: int


def _scene(job: _Job, done: Callable[[str], None]) -> _Part:
    part = _Part(optical=[], radar=[], truths=[])
    for epoch in range(len(OPTICAL_TIMES)):
        for write, items in ((_optical, part.optical), (_radar, part.radar)):
            item, truths = write(job, epoch)
            items.append(item)
            part.truths.extend(truths)
            done(item.id)
    return part


def _optical(job: _Job, epoch: int) -> tuple[Item, list[TileTruth]]:
    frame, instant = job.frame, OPTICAL_TIMES[epoch]
    name = item_id(OPTICAL_COLLECTION, frame, instant)
    target = _item_folder(job.folder, OPTICAL_COLLECTION, name)
    view = sky(frame.name, epoch, SCENE_PIXELS, job.seed)
    scene = render_optical(job.land, view, epoch, stream(job.seed, "optical", frame.name, epoch))
    write_cog(target / f"{name}.tif", scene.pixels, transform=frame.grid(), instant=instant, names=BANDS, unit="dn")
    write_cog(
        target / f"{name}-scl.tif",
        scene.scl[None],
        transform=frame.grid(20.0),
        instant=instant,
        names=("SCL",),
        unit="class",
        overviews="nearest",
    )
    acquisition = Acquisition(frame=frame, epoch=epoch, collection=OPTICAL_COLLECTION, item=name, instant=instant)
    truths = list(tile_truths(acquisition, job.land.covers[epoch], job.landmarks, scene.scl))
    cloud = float(np.isin(scene.scl, SCL_CLOUD).mean())
    item = optical_item(
        frame, epoch, href=f"./{name}.tif", scl_href=f"./{name}-scl.tif", cloud=cloud, captions=_sentences(truths)
    )
    return item, truths


def _radar(job: _Job, epoch: int) -> tuple[Item, list[TileTruth]]:
    frame, instant = job.frame, RADAR_TIMES[epoch]
    name = item_id(RADAR_COLLECTION, frame, instant)
    target = _item_folder(job.folder, RADAR_COLLECTION, name)
    pixels = render_radar(job.land, epoch, stream(job.seed, "radar", frame.name, epoch))
    write_cog(
        target / f"{name}.tif",
        pixels,
        transform=frame.grid(),
        instant=instant,
        names=POLARISATIONS,
        unit="linear",
    )
    acquisition = Acquisition(frame=frame, epoch=epoch, collection=RADAR_COLLECTION, item=name, instant=instant)
    truths = list(tile_truths(acquisition, job.land.covers[epoch], job.landmarks))
    return radar_item(frame, epoch, href=f"./{name}.tif", captions=_sentences(truths)), truths


def _item_folder(folder: Path, collection: str, name: str) -> Path:
    target = folder / collection / name
    target.mkdir(parents=True)
    return target


def _sentences(truths: list[TileTruth]) -> list[str]:
    """Return what can be said of a scene: each thing once, in the order of tiles."""
    named = [caption for truth in truths for caption in truth.captions if len(truth.things) > 0]
    return [caption for caption in dict.fromkeys(named) if "clouds" not in caption and " in " not in caption][:12]


def _describe(folder: Path, truths: list[TileTruth]) -> DemoArchive:
    return DemoArchive(
        path=folder,
        catalog=folder / "catalog.json",
        captions=folder / "captions.jsonl",
        truth=folder / "truth.geojson",
        scenes=len({truth.item for truth in truths}),
        tiles=len(truths),
        bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        queries=(
            _query("an airport with runways", truths, {"airport"}),
            _query("open sea", truths, {"sea"}),
            _query("a harbour with ships", truths, {"harbour", "marina"}),
        ),
    )


def _query(text: str, truths: list[TileTruth], kinds: set[str]) -> DemoQuery:
    fitting = [
        truth.tile_id
        for truth in truths
        if truth.collection == OPTICAL_COLLECTION and kinds & set(truth.things) and truth.cloud < 0.4
    ]
    return DemoQuery(text=text, tile_ids=frozenset(fitting))
