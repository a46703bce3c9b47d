"""The spans of one ingest: the run, its scenes, and what is read, encoded and committed of them.

ingest > scene > read (once to open it, then once a piece), ingest > encode, ingest > commit. A batch and a commit hold
tiles of several scenes, so they are parts of the run and point to the scenes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from core import Span, current_span, public_href, span, tracing, without_secrets
from indexer._plan import Job

if TYPE_CHECKING:
    from indexer._ledger import SceneRows


class IngestTrace:
    """Begins and ends spans from whichever thread; made in the thread of the run. Costs nothing where nobody traces."""

    def __init__(self) -> None:
        self._on = tracing()
        self._run = current_span()
        self._scenes: dict[str, Span] = {}
        self._lock = Lock()

    def reading(self, job: Job) -> Span:
        """Return the step of opening a scene or reading a piece of it, part of the scene's."""
        return span("read", parent=self._scene(job)) if self._on else span("read")

    def encoding(self, jobs: Iterable[Job], tiles: int) -> Span:
        """Return the step of encoding tiles of these scenes."""
        if not self._on:
            return span("encode")
        scenes = [self._scene(job) for job in {job.key: job for job in jobs}.values()]
        return span("encode", {"swath.tiles": tiles}, parent=self._run, links=scenes)

    def committing(self, scenes: Sequence[SceneRows]) -> Span:
        """Return the step of writing scenes."""
        if not self._on:
            return span("commit")
        told: dict[str, str | int] = {"db.system.name": "lancedb", "db.operation.name": "commit"}
        told |= {"swath.scenes": len(scenes), "swath.tiles": sum(scene.ledger.tiles for scene in scenes)}
        known = [self._scenes[key] for scene in scenes if (key := scene.ledger.scene_key) in self._scenes]
        return span("commit", told, parent=self._run, links=known)

    def done(self, key: str, error: str | None = None) -> None:
        """End a scene's step; ``error`` is the kind of what went wrong."""
        if self._on:
            with self._lock:
                scene = self._scenes.pop(key, None)
            if scene is not None:
                scene.end(error)

    def close(self) -> None:
        """End the steps of scenes that were cut off."""
        for key in list(self._scenes):
            self.done(key, "cut off")

    def _scene(self, job: Job) -> Span:
        with self._lock:
            if job.key not in self._scenes:
                scene = job.scene
                told = {
                    "swath.scene_id": scene.scene_id,
                    "swath.collection": scene.collection,
                    "swath.href": without_secrets(public_href(scene.href)),
                }
                self._scenes[job.key] = span("scene", told, parent=self._run).begin()
            return self._scenes[job.key]
