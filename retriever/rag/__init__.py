"""Grounded answers: a question in, claims out, each citing the tiles and passages it rests on."""

from retriever.rag._from_records import Written, write_from_records
from retriever.rag._measured import measure
from retriever.rag._model import AnswerModel, ImagePart, MediaType, Message, ModelError, TextPart, answer_models
from retriever.rag._types import (
    Answer,
    Claim,
    DroppedClaim,
    Event,
    EvidencePassage,
    EvidencePicture,
    EvidenceSet,
    EvidenceTile,
    Fact,
    Passage,
    PlannedBy,
    PlannedPlace,
    QueryPlan,
    Shape,
    Step,
    Turn,
)

__all__ = [
    "Answer",
    "AnswerModel",
    "Claim",
    "DroppedClaim",
    "Event",
    "EvidencePassage",
    "EvidencePicture",
    "EvidenceSet",
    "EvidenceTile",
    "Fact",
    "ImagePart",
    "MediaType",
    "Message",
    "ModelError",
    "Passage",
    "PlannedBy",
    "PlannedPlace",
    "QueryPlan",
    "Shape",
    "Step",
    "TextPart",
    "Turn",
    "Written",
    "answer_models",
    "measure",
    "write_from_records",
]
