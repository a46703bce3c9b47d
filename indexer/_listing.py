"""Which scenes are to be indexed: those the sources name, less those that are done, refused or named twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from core import BadScene, Scene, TileSource, VectorSpace
from indexer._events import Failed, Found, Skipped
from indexer._ledger import LedgerRow
from indexer._origin import fingerprint_space
from indexer._plan import Job, make_job
from indexer._signatures import unsigned
from indexer._tiling import TilingOptions

Listed = Found | Skipped | Failed
"""What becomes of a scene that a source names."""


class Listing:
    """Goes through sources once.

    Args:
        sources: Where scenes come from.
        ledger: Scenes done before.
        tiling: How scenes will be cut.
        space: Of the vectors that will be made.
    """

    def __init__(
        self,
        sources: Iterable[TileSource],
        *,
        ledger: Mapping[str, LedgerRow],
        tiling: TilingOptions,
        space: VectorSpace,
    ) -> None:
        self._sources = sources
        self._ledger = ledger
        self._tiling = tiling
        self._space = space
        self._seen: dict[str, str] = {}

    def __iter__(self) -> Iterator[Listed]:
        """Yield what becomes of each scene, in the order of the sources."""
        for source in self._sources:
            for found in source.scenes():
                yield self._listed(found)

    def _listed(self, found: Scene | BadScene) -> Listed:
        if isinstance(found, BadScene):
            return Failed(href=found.href, reason=str(found.error))
        job = make_job(found, self._tiling, self._space)
        done = self._ledger.get(job.key)
        taken = self._seen.get(job.key) or (done.href if done else found.href)
        if unsigned(taken) != unsigned(found.href):  # an index made before may hold signed ones
            return Failed(href=found.href, reason=_duplicate(found, taken))
        if job.key in self._seen or (done and self._is_done(job, done)):
            return Skipped()
        self._seen[job.key] = found.href
        return Found(job=job)

    def _is_done(self, job: Job, done: LedgerRow) -> bool:
        """Whether nothing changed; the fingerprint of a scene that was re-embedded is of the space it had at first."""
        first = fingerprint_space(done, self._space)
        job = job if first == self._space else make_job(job.scene, self._tiling, first)
        return done.fingerprint == job.fingerprint


def _duplicate(scene: Scene, taken: str) -> str:
    return (
        f"scene {scene.scene_id!r} of collection {scene.collection!r} is already indexed from {taken}; "
        f"remove that one first (swath remove --scene {scene.scene_id}) or give this one another --collection"
    )
