"""One huge scene, asked like an archive: a pyramid of tiles, and exemplars where its own scores are not enough."""

from retriever.rag.scene._cache import CutScene, cut_scene
from retriever.rag.scene._exemplars import Exemplars, Exemplified, find_exemplars
from retriever.rag.scene._open import SceneArchive, open_scene

__all__ = ["CutScene", "Exemplars", "Exemplified", "SceneArchive", "cut_scene", "find_exemplars", "open_scene"]
