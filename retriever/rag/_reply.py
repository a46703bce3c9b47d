"""What a model may reply, and what of it is let through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from retriever.rag._types import Claim, DroppedClaim


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a model said, after every check."""

    answerable: bool
    """Whether the model says that the evidence answers the question."""
    claims: tuple[Claim, ...]
    """Those let through, in order; empty where not answerable, and possible where it is: no claim passed."""
    caveats: tuple[str, ...] = ()
    """The model's, cleaned, and ours about the reply; a sentence each."""
    dropped: tuple[DroppedClaim, ...] = ()
    """Those not let through."""
    left_out: tuple[str, ...] = ()
    """Evidence the model was not shown for want of room, a sentence each."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """``requests``, ``pictures``, ``request_tokens`` (estimated) and ``reply_characters``."""
