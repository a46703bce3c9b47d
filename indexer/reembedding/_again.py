"""Scenes of an index, opened again at the places they were read from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from core import BadScene, Scene, SceneError, Settings, SwathError, VectorSpace
from indexer._events import Failed, Found
from indexer._ledger import LedgerRow
from indexer._legends import sensor_reference
from indexer._origin import mark_of, parameters_of
from indexer._plan import Job
from indexer._tiling import TilingOptions
from indexer.sources import SourceOptions, open_source


@dataclass(frozen=True, kw_only=True)
class Again:
    """Goes through scenes that are in the ledger and says what becomes of each.

    A source that is gone fails its scene; the others go on.
    """

    rows: Sequence[LedgerRow]
    """The scenes."""
    pictures: Mapping[str, bool]
    """Whether a scene, by its key, is a plain picture without a place."""
    space: VectorSpace
    """Of the vectors that will be made."""
    settings: Settings
    """Limits, allowed hosts, and files of sensors."""

    def __iter__(self) -> Iterator[Found | Failed]:
        """Yield what becomes of each scene, in the order given."""
        for row in self.rows:
            job = self._job(row)
            try:
                scene = reopened(row, pictures=self.pictures.get(row.scene_key, False), settings=self.settings)
            except SwathError as error:
                yield Failed(href=row.href, reason=str(error), job=job)
            else:
                yield Found(job=replace(job, scene=scene))

    def _job(self, row: LedgerRow) -> Job:
        told = f"{mark_of(row)} {self.space.encoder} {self.space.revision}"
        fingerprint = hashlib.sha256(told.encode()).hexdigest()
        # A job of a scene that cannot be opened is only asked for its key.
        nothing: Any = None
        return Job(scene=nothing, key=row.scene_key, fingerprint=fingerprint, parameters=row.parameters)


def tiling_of(row: LedgerRow) -> TilingOptions:
    """Return how a scene was cut."""
    told = parameters_of(row)
    return TilingOptions(**{item.name: told[item.name] for item in fields(TilingOptions) if item.name in told})


def reopened(row: LedgerRow, *, pictures: bool, settings: Settings) -> Scene:
    """Return a scene as its source gives it today, under the names it has in the index.

    Args:
        row: Of the ledger.
        pictures: Whether it is a plain picture.
        settings: Limits, allowed hosts, and files of sensors.

    Raises:
        InputError: The source cannot be opened, or the sensor is not known here.
        SceneError: The source no longer holds the scene.
    """
    told = parameters_of(row)
    sensor = f"{sensor_reference(told['sensor'], settings)}/{told['encoding']}"
    options = SourceOptions(collection=row.collection, sensor=sensor, pictures=pictures, settings=settings)
    found = list(open_source(row.href, options).scenes())
    scenes = [scene for scene in found if isinstance(scene, Scene)]
    # A file that was found in a folder is called after its place there; opened alone it has another name.
    named = [scene for scene in scenes if scene.scene_id == row.scene_id] or scenes
    if len(named) == 1:
        return replace(named[0], scene_id=row.scene_id, collection=row.collection)
    for bad in found:
        if isinstance(bad, BadScene):
            raise bad.error
    raise SceneError(f"{row.href} holds no scene {row.scene_id!r} any more")
