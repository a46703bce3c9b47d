"""The answer without a model: written by us from records and computed facts alone."""

from __future__ import annotations

from dataclasses import dataclass

from retriever.rag._types import Claim, EvidenceSet, QueryPlan


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written."""

    claims: tuple[Claim, ...]
    """Each cites at least one number of the evidence; empty where there is none."""
    caveats: tuple[str, ...] = ()
    """What limits the answer, a sentence each."""


def write_from_records(plan: QueryPlan, evidence: EvidenceSet) -> Written:
    """Return an answer that says only what records and facts say.

    Args:
        plan: How the question was read.
        evidence: What may be cited.
    """
    claims = [Claim(text=fact.text, cites=fact.cites) for fact in evidence.facts if fact.cites]
    return Written(claims=tuple(claims))
