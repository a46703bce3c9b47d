"""Plain pictures: JPEG, PNG and, on request, TIFF, without a place on Earth."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from core import Asset, BadScene, Scene, SceneError, SourceError
from embeddings.datasets import CAPTIONS_FILE, Note, read_notes
from indexer._gdal import check_complete, gdal_env, open_raster
from indexer.sources._dates import file_date
from indexer.sources._describing import described
from indexer.sources._names import fingerprint, folder_name, local_stamp, scene_name, shown, unique
from indexer.sources._options import SourceOptions
from indexer.sources._rasters import check_size
from indexer.sources._reading import Reading
from indexer.sources._sensing import Sensed, file_evidence, sense_picture
from indexer.sources._walk import PICTURE_ENDINGS, RASTER_ENDINGS, Found, find

_CONTAINERS = {"image", "images", "img", "imgs", "picture", "pictures", "data", "train", "val", "test"}
"""Folder names that hold classes but are none."""

_EMPTY = Note(line=0, label=None, split=None, captions=())


class PictureSource:
    """A folder, file or glob of pictures; class folders and ``captions.jsonl`` give labels and captions.

    The folder a picture lies in is its label, unless ``captions.jsonl`` says otherwise, the folder is the source
    itself, or its name only says that pictures are in it (``images``, ``train``...).

    Args:
        text: Path or glob pattern.
        options: ``bbox`` and ``datetime`` have no meaning here.

    Raises:
        SourceError: Nothing to read there, or a ``split`` that no record has.
    """

    def __init__(self, text: str, options: SourceOptions) -> None:
        self._reading = Reading.of(options)
        self._split = options.split
        self._endings = PICTURE_ENDINGS + (RASTER_ENDINGS if options.pictures else ())
        self._found: Found = find(text, self._endings)
        self._collection = self._reading.collection or folder_name(self._found.root)
        self._notes, self._bad_lines = read_notes(self._found.root, options.settings)
        self._check_split()

    def _check_split(self) -> None:
        known = sorted({note.split for note in self._notes.values() if note.split})
        if self._split and self._split not in known:
            where = self._found.root / CAPTIONS_FILE
            raise SourceError(f"no record of {where} has split {self._split!r}; known: {', '.join(known) or 'none'}")

    def scenes(self) -> Iterator[Scene | BadScene]:
        """Yield one scene a picture, in the order of names (of records, where a ``split`` selects them)."""
        yield from unique(
            described(shown(path), partial(self._scene, path)) if isinstance(path, Path) else path
            for path in self._paths()
        )

    def _paths(self) -> Iterator[Path | BadScene]:
        yield from self._bad_lines
        if self._split:
            yield from (path for path, note in self._notes.items() if note.split == self._split)
            return
        missing = dict(self._notes) if self._found.pattern is None else {}
        for path in self._found.files():
            if isinstance(path, Path):
                missing.pop(path, None)
            yield path
        yield from missing

    def _scene(self, path: Path) -> Scene:
        with gdal_env(self._reading.settings):
            return self._read(path, self._notes.get(path, _EMPTY))

    def _read(self, path: Path, note: Note) -> Scene:
        scene_id = scene_name(path, self._found.root)
        with open_raster(str(path)) as dataset:
            sensed = self._sense(dataset, path)
            date = file_date(path.stem, dataset, self._reading.pattern)
        label = note.label or self._class_folder(path)
        return Scene(
            scene_id=scene_id,
            collection=self._collection,
            href=str(path),
            assets=(Asset(href=str(path), bands=sensed.bands, indexes=sensed.indexes),),
            sensor=sensed.sensor,
            encoding=sensed.encoding,
            datetime=date,
            georeferenced=False,
            label=label,
            captions=note.captions,
            fingerprint=fingerprint("picture", local_stamp(path), sensed.identity, date, label, note.captions),
        )

    def _sense(self, dataset: DatasetReader, path: Path) -> Sensed:
        check_complete(dataset, str(path))
        check_size(dataset, self._reading.settings.max_picture_pixels, "SWATH_MAX_PICTURE_PIXELS")
        if dataset.colorinterp[0] == ColorInterp.palette:
            raise SceneError("has a colour palette, so that its numbers are no brightness; convert it to RGB")
        return sense_picture(file_evidence(dataset), self._reading.request)

    def _class_folder(self, path: Path) -> str | None:
        folders = path.relative_to(self._found.root).parts[:-1]
        return folders[-1] if folders and folders[-1].lower() not in _CONTAINERS else None
