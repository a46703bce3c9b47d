"""What a protocol may be told."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import InputError

from ._corpus import Progress

if TYPE_CHECKING:
    from retriever.rag import AnswerModel


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings that every protocol takes; each uses those that concern it."""

    split: str | None = None
    """Split to measure on; None takes `test`, else `val`, else everything. `all` takes everything."""
    query_split: str | None = None
    """Split the queries come from (`cross-sensor` on labelled sets); None asks with the measured split itself."""
    limit: int | None = None
    """Keep this many samples, evenly spaced over the split; None keeps all."""
    k: int = 10
    """Candidates looked at for each query."""
    role: str | None = None
    """View to use where samples have several."""
    roles: tuple[str, str] = ("s1", "s2")
    """The two sensors of `cross-sensor` and `closp-ndcg`: a role, or what roles such as `s1-before` begin with."""
    tile_px: int | None = None
    """Cut every view into tiles of this side; None keeps views whole."""
    variant: str | None = None
    """Variant of the protocol, by name; None takes its first."""
    only_classes: tuple[str, ...] = ()
    """Keep only samples of these classes."""
    only_groups: tuple[str, ...] = ()
    """Keep only samples of these groups (scenes, sites)."""
    classes_out: tuple[str, ...] = ()
    """Classes that were left out of training: their queries are reported apart as well."""
    leakage_limit: int = 20_000
    """Training views compared for near-duplicates, evenly spaced; 0 compares none."""
    model: AnswerModel | str | None = None
    """Who answers in `rag-*`: a model, or a name of `evaluation._rag_models`; None takes the configured one, or the
    protocol's own where none is configured."""
    questions: int | None = None
    """Questions asked about a picture in `rag-*`, evenly spaced; None asks all."""
    memory: int = 2_000
    """Pictures beside those asked about that `rag-vqa` may retrieve, evenly spaced over all splits."""
    batch: int = 64
    """Tiles encoded at a time."""
    progress: Progress | None = None
    """Called as views are read."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, least in (("k", 1), ("batch", 1), ("leakage_limit", 0), ("memory", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, got {getattr(self, name)}")
        for name in ("limit", "tile_px", "questions"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")

    def changed(self) -> dict[str, Any]:
        """Return the settings that shape the figures and are not at their default."""
        quiet = {"split", "batch", "progress", "variant", "model"}
        loud = [entry for entry in dataclasses.fields(self) if entry.name not in quiet]
        given = {entry.name: value for entry in loud if (value := getattr(self, entry.name)) != entry.default}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
