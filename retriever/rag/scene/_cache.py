"""Scenes that were cut before: found again by what is in the file, the encoder, and the sensor it was read as."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from core import EncodesTiles, InputError, Settings, SwathError, sensor_file
from indexer import Progress, Pyramid, check_scene_file, index_pyramid

KEPT = 20
"""Scenes kept; the ones not asked for longest go first. One of 10,000 x 10,000 pixels takes 20 MB."""

_WHOLE = "pyramid.json"
"""Written last: a folder without it was cut off and is begun again where it stopped."""


@dataclass(frozen=True, kw_only=True)
class CutScene:
    """A scene as an index."""

    index: Path
    """The index directory."""
    pyramid: Pyramid
    """Its size and levels."""
    cached: bool
    """Whether it had been cut before."""


def cut_scene(
    path: Path,
    encoder: EncodesTiles,
    *,
    sensor: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> CutScene:
    """Return a scene cut into its pyramid, from the cache where the same content was cut before.

    Args:
        path: See `indexer.index_pyramid`.
        encoder: Makes the vectors.
        sensor: See `indexer.index_pyramid`.
        progress: See `indexer.index_pyramid`; not called where the scene is in the cache.

    Raises:
        SourceError: There is no such file.
        InputError: The scene cannot be used, or the cache cannot be written.
        SceneError: The file is damaged or empty.
        StoreError: The index cannot be written.
    """
    check_scene_file(path)
    folder = _cache() / _key(path, encoder, sensor)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            return _cut(path, folder, encoder, sensor, progress)
    except SwathError:
        raise
    except OSError as error:
        raise InputError(f"cannot keep scenes in {folder.parent}: {error.strerror}; set SWATH_SCENE_CACHE") from None


def _cut(
    path: Path,
    folder: Path,
    encoder: EncodesTiles,
    sensor: str | None,
    progress: Callable[[Progress], None] | None,
) -> CutScene:
    index, whole = folder / "index", folder / _WHOLE
    if whole.is_file():
        whole.touch()
        return CutScene(index=index, pyramid=_read(whole), cached=True)
    pyramid = index_pyramid(path.resolve(), into=index, encoder=encoder, sensor=sensor, progress=progress)
    begun = whole.with_suffix(".part")
    begun.write_text(json.dumps(asdict(pyramid)), encoding="utf-8")
    begun.replace(whole)
    _forget_oldest(folder.parent)
    return CutScene(index=index, pyramid=pyramid, cached=False)


def _read(whole: Path) -> Pyramid:
    told = json.loads(whole.read_text(encoding="utf-8"))
    return Pyramid(**{**told, "levels": tuple(told["levels"])})


def _key(path: Path, encoder: EncodesTiles, sensor: str | None) -> str:
    """The place of the file counts, too, because its original pixels are drawn from there."""
    with path.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    told = json.dumps([content, str(path.resolve()), str(encoder.space), sensor, _described(sensor)])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _described(sensor: str | None) -> str | None:
    """What a sensor file says, so that a scene is cut again when it changes."""
    path = None if sensor is None else sensor_file(sensor)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path is not None and path.is_file() else None


def _cache() -> Path:
    configured = Settings().scene_cache
    return Path(configured) if configured else Path.home() / ".cache" / "swath" / "scenes"


def _forget_oldest(cache: Path) -> None:
    """Delete what was asked for longest ago, scenes that could not be cut included; those being cut stay."""
    scenes = sorted((folder for folder in cache.iterdir() if folder.is_dir()), key=_asked, reverse=True)
    for folder in scenes[KEPT:]:
        with suppress(Timeout), FileLock(folder.with_suffix(".lock"), blocking=False):
            shutil.rmtree(folder, ignore_errors=True)


def _asked(folder: Path) -> float:
    whole = folder / _WHOLE
    return (whole if whole.is_file() else folder).stat().st_mtime
