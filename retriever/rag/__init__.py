"""Grounded answers: a question in, claims out, each citing the tiles and passages it rests on."""

from retriever.rag._answer_document import (
    answer_document,
    event_document,
    parse_turn,
    passage_document,
    plain_tile,
    turn_document,
)
from retriever.rag._archive import Archive, world_of
from retriever.rag._ask import Asker, turn_of
from retriever.rag._ask_request import MAX_TILES, MAX_TURNS, AskRequest
from retriever.rag._metrics import MODEL_OPEN, MODEL_REQUESTS, MODEL_SECONDS
from retriever.rag._model import (
    AnswerModel,
    ImagePart,
    MediaType,
    Message,
    ModelError,
    TextPart,
    answer_models,
    open_answer_model,
)
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
from retriever.rag.evidence._gather import gather
from retriever.rag.evidence._pictures import draw_pictures
from retriever.rag.measuring._measured import measure
from retriever.rag.passages._passages import Knowledge, SearchesKnowledge, open_knowledge
from retriever.rag.planning._dialogue import plan_follow_up
from retriever.rag.planning._plan import plan_question
from retriever.rag.planning._plan_document import parse_plan, plan_document
from retriever.rag.planning._plan_model import plan_with_model
from retriever.rag.planning._plan_text import MAX_QUESTION
from retriever.rag.planning._plan_world import NO_PLACES, KnownPlace, KnowsPlaces, World
from retriever.rag.records._from_records import Written, write_from_records
from retriever.rag.writing._messages import Brief, brief
from retriever.rag.writing._openai_models import listed_models
from retriever.rag.writing._reply import Reply
from retriever.rag.writing._writing import write_with_model

__all__ = [
    "MAX_QUESTION",
    "MAX_TILES",
    "MAX_TURNS",
    "MODEL_OPEN",
    "MODEL_REQUESTS",
    "MODEL_SECONDS",
    "NO_PLACES",
    "Answer",
    "AnswerModel",
    "Archive",
    "AskRequest",
    "Asker",
    "Brief",
    "Claim",
    "DroppedClaim",
    "Event",
    "EvidencePassage",
    "EvidencePicture",
    "EvidenceSet",
    "EvidenceTile",
    "Fact",
    "ImagePart",
    "Knowledge",
    "KnownPlace",
    "KnowsPlaces",
    "MediaType",
    "Message",
    "ModelError",
    "Passage",
    "PlannedBy",
    "PlannedPlace",
    "QueryPlan",
    "Reply",
    "SearchesKnowledge",
    "Shape",
    "Step",
    "TextPart",
    "Turn",
    "World",
    "Written",
    "answer_document",
    "answer_models",
    "brief",
    "draw_pictures",
    "event_document",
    "gather",
    "listed_models",
    "measure",
    "open_answer_model",
    "open_knowledge",
    "parse_plan",
    "parse_turn",
    "passage_document",
    "plain_tile",
    "plan_document",
    "plan_follow_up",
    "plan_question",
    "plan_with_model",
    "turn_document",
    "turn_of",
    "world_of",
    "write_from_records",
    "write_with_model",
]
