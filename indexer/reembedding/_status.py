"""How far a re-embedding is, and what one generation lacks of another; nothing is encoded to tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core import StoreError
from indexer._generation import changing_generations, generation_folder, read_generations
from indexer._lance import TILES, has_table
from indexer._ledger import LedgerRow
from indexer._named import known_scenes
from indexer._origin import Difference, difference
from indexer._place import local_place
from indexer.reembedding._failures import Missing, read_failures
from indexer.reembedding._knowledge import knowledge_agrees
from indexer.store import Store

NOT_YET = "not embedded yet"
"""Why a scene is missing of which nothing else is known."""

KNOWLEDGE_DIFFERS = "the passages of knowledge are not the same"


@dataclass(frozen=True, kw_only=True)
class GenerationState:
    """One generation of an index."""

    number: int
    """0 is the first."""
    role: str
    """``current``, ``next`` or ``previous``."""
    encoder: str
    """See VectorSpace."""
    revision: str
    """See VectorSpace."""
    dim: int
    """See VectorSpace."""
    folder: Path
    """An index by itself."""
    tiles: int
    """In its tile table."""
    scenes: int
    """In its ledger."""
    tiles_missing: int
    """Tiles of scenes that the current generation has and this one lacks."""
    scenes_missing: int
    """Such scenes."""
    scenes_gone: int
    """Scenes that it has and the current generation has not."""
    knowledge_agrees: bool
    """Whether it holds the passages that the current generation holds."""
    search_snapshot: bool
    """Whether there is one."""
    missing: tuple[Missing, ...]
    """The scenes it lacks."""

    @property
    def complete(self) -> bool:
        """Whether it holds what the current generation holds."""
        return not self.scenes_missing and not self.scenes_gone and self.knowledge_agrees


@dataclass(frozen=True, kw_only=True)
class ReembedStatus:
    """The generations of an index."""

    current: GenerationState
    """The one that answers."""
    next: GenerationState | None
    """The one that is being made."""
    previous: GenerationState | None
    """The one to which one can return."""
    switched: str | None
    """When the current one came into use, RFC 3339; None where there was never another."""
    running: bool
    """Whether a process is making, switching or dropping one."""


def reembed_status(index: str | Path) -> ReembedStatus:
    """Return the generations of an index and what they lack.

    Raises:
        IndexNotFoundError: The directory is not an index.
        StoreError: The index cannot be read.
    """
    root = local_place(index, what="an index that is re-embedded")
    source = Store.open(root)
    generations = read_generations(root)
    current = _state(generations.current, "current", source, source)
    others: dict[str, GenerationState | None] = {"next": None, "previous": None}
    for role in others:
        number = getattr(generations, role)
        if number is not None and has_table(generation_folder(root, number), TILES):
            others[role] = _state(number, role, Store.at(generation_folder(root, number)), source)
    return ReembedStatus(current=current, **others, switched=generations.switched, running=_running(root))


def _state(number: int, role: str, store: Store, source: Store) -> GenerationState:
    ledger, held = source.ledger(), store.ledger()
    own = store.folder == source.folder
    found = difference({} if own else ledger, {} if own else held)
    return GenerationState(
        number=number,
        role=role,
        encoder=store.space.encoder,
        revision=store.space.revision,
        dim=store.space.dim,
        folder=store.folder,
        tiles=store.snapshot().count(),
        scenes=len(held),
        tiles_missing=sum(row.tiles for row in found.missing),
        scenes_missing=len(found.missing),
        scenes_gone=len(found.gone),
        knowledge_agrees=own or knowledge_agrees(source.folder, store.folder),
        search_snapshot=store.has_search_snapshot,
        missing=_named(found.missing, store.folder),
    )


def difference_of(of: Mapping[str, LedgerRow], target: Store) -> Difference:
    """Return what a generation lacks or has too much of a ledger's scenes.

    Tiles that its own ledger does not speak of are too much as well: a removal that was killed leaves them, and they
    would answer after a switch.
    """
    found = difference(of, target.ledger())
    left = known_scenes({}, target.snapshot()).keys() - of.keys()
    return replace(found, gone=tuple(sorted({*found.gone, *left})))


def missing_of(source: Store, target: Store) -> tuple[tuple[Missing, ...], bool]:
    """Return the scenes that a generation lacks of another, and whether it lacks nothing and has nothing more."""
    found = difference_of(source.ledger(), target)
    return _named(found.missing, target.folder), found.none and knowledge_agrees(source.folder, target.folder)


def _named(rows: tuple[LedgerRow, ...], home: Path) -> tuple[Missing, ...]:
    reasons = read_failures(home) if rows else {}
    return tuple(
        Missing(
            scene_key=row.scene_key,
            scene_id=row.scene_id,
            collection=row.collection,
            href=row.href,
            tiles=row.tiles,
            reason=reasons.get(row.scene_key, NOT_YET),
        )
        for row in rows
    )


def _running(root: Path) -> bool:
    if not (root / "generations").is_dir():
        return False
    try:
        with changing_generations(root):
            return False
    except StoreError:
        return True
