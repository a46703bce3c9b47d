"""Answers and what happens on the way to them as JSON values; earlier questions of a dialogue both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from core import QueryError, rfc3339
from retriever._export import geojson_geometry, record_dict
from retriever.rag._types import (
    Answer,
    Claim,
    Event,
    EvidencePassage,
    EvidencePicture,
    EvidenceSet,
    EvidenceTile,
    Passage,
    QueryPlan,
    Step,
    Turn,
)
from retriever.rag.planning._plan_document import parse_plan, plan_document

TileWriter = Callable[[EvidenceTile], Mapping[str, Any]]
"""Tells what is known of a tile; its number, score and pictures are added to that."""

_TURN_FIELDS = frozenset({"question", "plan", "tile_ids", "passage_ids", "claims"})


def plain_tile(tile: EvidenceTile) -> dict[str, Any]:
    """Return what is known of a tile, without its stored preview."""
    return record_dict(tile.record)


def event_document(event: Event, *, tile: TileWriter = plain_tile, explain: bool = False) -> dict[str, Any]:
    """Return what an event tells as JSON values.

    Args:
        event: What happened.
        tile: Tells what is known of a tile.
        explain: Whether an answer holds its trace.
    """
    value = event.value
    if isinstance(value, Answer):
        return answer_document(value, tile=tile, explain=explain)
    if isinstance(value, EvidenceSet):
        return evidence_document(value, tile=tile)
    if isinstance(value, QueryPlan):
        return plan_document(value)
    return claim_document(value) if isinstance(value, Claim) else step_document(value)


def answer_document(answer: Answer, *, tile: TileWriter = plain_tile, explain: bool = False) -> dict[str, Any]:
    """Return an answer as JSON values: the contract of ``ask --json`` and of ``POST /v1/ask``.

    Args:
        answer: The answer.
        tile: Tells what is known of a tile.
        explain: Whether the trace is in it.
    """
    found = {
        "question": answer.question,
        "claims": [claim_document(claim) for claim in answer.claims],
        "abstained": answer.abstained,
        "caveats": list(answer.caveats),
        "dropped": [asdict(each) for each in answer.dropped],
        "written_by": answer.written_by,
        "model": answer.model,
        "plan": plan_document(answer.plan),
        "evidence": evidence_document(answer.evidence, tile=tile),
    }
    return found | ({"trace": [step_document(step) for step in answer.trace]} if explain else {})


def evidence_document(evidence: EvidenceSet, *, tile: TileWriter = plain_tile) -> dict[str, Any]:
    """Return an evidence set as JSON values, without the pixels of its pictures."""
    return {
        "matched": evidence.matched,
        "tiles": [_tile(each, tile) for each in evidence.tiles],
        "passages": [_passage(each) for each in evidence.passages],
        "facts": [asdict(fact) | {"cites": list(fact.cites)} for fact in evidence.facts],
        "dropped": list(evidence.dropped),
        "insufficient": evidence.insufficient,
    }


def _tile(each: EvidenceTile, tile: TileWriter) -> dict[str, Any]:
    judged = {"sought": each.sought, "period": each.period, "score": each.score, "probability": each.probability}
    return {"number": each.number, **tile(each), **judged, "pictures": [_picture(one) for one in each.pictures]}


def _picture(picture: EvidencePicture) -> dict[str, Any]:
    names = ("rendering", "legend", "source", "remark", "width", "height")
    return {name: getattr(picture, name) for name in names}


def _passage(each: EvidencePassage) -> dict[str, Any]:
    return {"number": each.number, **passage_document(each.passage)}


def passage_document(passage: Passage) -> dict[str, Any]:
    """Return a passage as JSON values."""
    return {
        "passage_id": passage.passage_id,
        "title": passage.title,
        "text": passage.text,
        "source": passage.source,
        "geometry": geojson_geometry(passage.geometry),
        "datetime": None if passage.datetime is None else rfc3339(passage.datetime),
        "score": passage.score,
        "distance_km": passage.distance_km,
    }


def claim_document(claim: Claim) -> dict[str, Any]:
    """Return a claim as JSON values."""
    return {"text": claim.text, "cites": list(claim.cites), "confidence": claim.confidence}


def step_document(step: Step) -> dict[str, Any]:
    """Return a step as JSON values."""
    return {"name": step.name, "text": step.text, "seconds": step.seconds, "detail": dict(step.detail)}


def turn_document(turn: Turn) -> dict[str, Any]:
    """Return an earlier question as JSON values, as a client sends it back."""
    return {
        "question": turn.question,
        "plan": plan_document(turn.plan),
        "tile_ids": list(turn.tile_ids),
        "passage_ids": list(turn.passage_ids),
        "claims": [claim_document(claim) for claim in turn.claims],
    }


def parse_turn(document: Mapping[str, Any]) -> Turn:
    """Read what `turn_document` wrote.

    Raises:
        QueryError: A field is missing, unknown or wrong; the message names it.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("question"), str):
        raise QueryError('an earlier question is a JSON object with "question", "plan" and "tile_ids"')
    if unknown := sorted(set(document) - _TURN_FIELDS):
        raise QueryError(f"an earlier question has no field {unknown[0]!r}; it takes {', '.join(sorted(_TURN_FIELDS))}")
    if not isinstance(document.get("plan"), Mapping):
        raise QueryError(f"the earlier question {document['question'][:80]!r} needs the plan it was answered with")
    return Turn(
        question=document["question"],
        plan=parse_plan(document["plan"]),
        tile_ids=_texts("tile_ids", document.get("tile_ids", ())),
        passage_ids=_texts("passage_ids", document.get("passage_ids", ())),
        claims=tuple(_claim(each) for each in _list("claims", document.get("claims", ()))),
    )


def _claim(document: Any) -> Claim:
    if not isinstance(document, Mapping) or not isinstance(document.get("text"), str):
        raise QueryError('a claim is a JSON object with "text" and "cites"')
    cites = _list("cites", document.get("cites", ()))
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in cites):
        raise QueryError(f"cites must be whole numbers, got {cites!r}")
    confidence = document.get("confidence")
    if confidence is not None and not (isinstance(confidence, int | float) and 0 <= confidence <= 1):
        raise QueryError(f"confidence must be between 0 and 1, got {confidence!r}")
    return Claim(text=document["text"], cites=tuple(cites), confidence=confidence)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    found = _list(name, value)
    if not all(isinstance(each, str) for each in found):
        raise QueryError(f"{name} must be a list of texts, got {value!r}")
    return tuple(found)


def _list(name: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise QueryError(f"{name} must be a list, got {value!r}")
    return cast("Sequence[Any]", value)
