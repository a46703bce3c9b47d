"""Published datasets, as `embeddings.datasets` opens them: every view of every sample is a scene of one tile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from core import BadScene, Dataset, Encoding, Sample, Scene, Sensor, SourceError, View, safe_name
from embeddings.datasets import open_dataset
from indexer.sources._describing import described
from indexer.sources._names import fingerprint, local_stamp, unique
from indexer.sources._options import SourceOptions

SCHEME = "dataset:"
"""What `dataset:NAME:FOLDER` starts with."""

BETWEEN_LABELS = "; "
"""Joins the labels of a sample that has several: CORINE's class names have commas."""


def joined_datasets(sources: tuple[str, ...]) -> list[str]:
    """Return source texts with `dataset:NAME` and the folder after it as one, `dataset:NAME:FOLDER`.

    Raises:
        SourceError: `dataset:NAME` comes last, so that its folder is missing.
    """
    texts, rest = list[str](), iter(sources)
    for text in rest:
        named = text.startswith(SCHEME) and ":" not in text.removeprefix(SCHEME)
        folder = next(rest, None) if named else None
        if named and folder is None:
            raise SourceError(f"{text} needs the folder of the dataset after it, e.g. {text} ./data")
        texts.append(f"{text}:{folder}" if named else text)
    return texts


class DatasetSource:
    """The views of `dataset:NAME:FOLDER`, or one of them, `dataset:NAME:FOLDER#SAMPLE.ROLE`.

    A sample's labels, captions and place come with it. The sensor of a role is learnt from the first view of that role
    that can be read; nothing else is read but metadata.

    Args:
        text: The address.
        options: `collection` and `split` have a meaning here.

    Raises:
        SourceError: The address names no dataset or no folder.
        InputError: The folder is laid out otherwise, or there is no such split.
    """

    def __init__(self, text: str, options: SourceOptions) -> None:
        name, colon, folder = text.removeprefix(SCHEME).partition(":")
        if not colon or not folder:
            raise SourceError(f"{text!r} names no folder; expected {SCHEME}{name or 'NAME'}:FOLDER")
        folder, self._wanted = split_view(folder)
        self._root = Path(folder).expanduser().resolve()
        self._dataset: Dataset = open_dataset(name, self._root)
        self._collection = safe_name(options.collection or self._dataset.name)
        self._split = options.split
        self._dataset.samples(self._split)
        self._sensors: dict[str, tuple[Sensor, Encoding]] = {}

    def scenes(self) -> Iterator[Scene | BadScene]:
        """Yield one scene a view, in the order of the dataset."""
        yield from unique(self._all())

    def _all(self) -> Iterator[Scene | BadScene]:
        for sample in self._dataset.samples(self._split):
            for view in sample.views:
                name = f"{sample.sample_id}.{view.role}"
                if self._wanted in (None, name):
                    href = f"{SCHEME}{self._dataset.name}:{self._root}#{name}"
                    yield described(href, partial(self._scene, sample, view, href))

    def _scene(self, sample: Sample, view: View, href: str) -> Scene:
        sensor, encoding = self._sensor(view)
        label = BETWEEN_LABELS.join(sample.labels) or None
        stamps = [local_stamp(path) for path in view.files]
        return Scene(
            scene_id=f"{sample.sample_id}.{view.role}",
            collection=self._collection,
            href=href,
            assets=(),
            sensor=sensor,
            encoding=encoding,
            datetime=None,
            georeferenced=False,
            label=label,
            captions=sample.captions,
            read=view.read,
            fingerprint=fingerprint("dataset", self._dataset.name, href, stamps, label, sample.captions),
        )

    def _sensor(self, view: View) -> tuple[Sensor, Encoding]:
        if view.role not in self._sensors:
            tile = view.read()
            encoding = next(item for item in tile.sensor.encodings if item.name == tile.encoding)
            self._sensors[view.role] = tile.sensor, encoding
        return self._sensors[view.role]


def split_view(folder: str) -> tuple[str, str | None]:
    """Return the folder and the view of `FOLDER#SAMPLE.ROLE`; a folder's own name may have a number sign."""
    before, mark, view = folder.rpartition("#")
    return (before, view) if mark and not Path(folder).expanduser().is_dir() else (folder, None)
