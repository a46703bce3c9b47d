"""One huge scene as an archive of its own, that questions are put to like to any other.

The fast path is the plain search over its pyramid. Where its scores carry no answer, the slow path asks an archive
beside it for exemplars, tiles that are known to show what is sought, and searches the scene again with their help.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from embeddings import EncodesBoth
from indexer import Progress, Store
from retriever._search import Searcher
from retriever.rag._archive import Archive
from retriever.rag._types import QueryPlan
from retriever.rag.scene._cache import CutScene, cut_scene
from retriever.rag.scene._exemplars import Exemplified, find_exemplars


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneArchive:
    """A scene that questions can be put to."""

    scene: CutScene
    """Its pyramid."""
    archive: Archive
    """Its tiles, and the knowledge of the archive beside it."""


def open_scene(
    path: Path,
    encoder: EncodesBoth,
    *,
    sensor: str | None = None,
    beside: Archive | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> SceneArchive:
    """Cut a scene, or take it from the cache, and return it as an archive.

    Args:
        path: GeoTIFF, JPEG 2000, JPEG or PNG on this machine.
        encoder: Makes the vectors; the one of ``beside`` where that is given.
        sensor: As for ``swath index``.
        beside: An index whose labelled tiles and knowledge help where the scene's own scores carry no answer.
        progress: Called while the scene is cut.

    Raises:
        InputError: The scene cannot be used; the message says why.
        SceneError: The file is damaged or empty.
        StoreError: The cache cannot be written or read.
    """
    scene = cut_scene(path, encoder, sensor=sensor, progress=progress)
    store = Store.open(scene.index)
    archive = Archive(
        searcher=Searcher(store, encoder),
        rows=store.snapshot(),
        knowledge=None if beside is None else beside.knowledge,
    )
    wider = None if beside is None else partial(_wider, archive, store, encoder, beside)
    return SceneArchive(scene=scene, archive=replace(archive, wider=wider))


def _wider(archive: Archive, store: Store, encoder: EncodesBoth, beside: Archive, plan: QueryPlan) -> Archive | None:
    """Return the archive as it is searched with exemplars; None where none are known."""
    found = {phrase: exemplars for phrase in plan.sought if (exemplars := find_exemplars(phrase, beside)) is not None}
    if not found:
        return None
    leaning = Exemplified(encoder, {phrase: each.vectors for phrase, each in found.items()})
    least = {phrase: each.least for phrase, each in found.items()}
    return replace(archive, searcher=Searcher(store, leaning), least=least, wider=None)
