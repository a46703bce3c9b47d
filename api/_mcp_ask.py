"""A question from an agent: claims that each cite tiles, the tiles themselves, and small pictures of them."""

from __future__ import annotations

from collections.abc import Sequence

from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from api._ask_desk import Desk
from api._mcp_facts import MAX_LABEL, TileFacts, plain, tile_facts
from api._mcp_results import MAX_REMARK, previewed, result
from api._services import Service
from api._tile_originals import Originals
from retriever import SearchRequest
from retriever.rag import Answer, AskRequest, EvidencePassage, EvidenceTile

MAX_CLAIM = 600
"""Characters of a claim; three long sentences."""

MAX_TEXT = 600
"""Characters of a cited passage."""


class ClaimFacts(BaseModel):
    """One statement and what it rests on."""

    text: str = Field(description="A sentence.")
    cites: list[int] = Field(description="Numbers of the tiles and texts it rests on; never empty.")
    tile_ids: list[str] = Field(description="Ids of the tiles among them.")
    confidence: float | None = Field(None, description="0 to 1.")


class CitedTile(TileFacts):
    """A tile of the evidence."""

    number: int = Field(description="What claims cite.")
    score: float | None = Field(None, description="Cosine similarity, -1 to 1.")
    probability: float | None = Field(None, description="Calibrated probability that it fits what was sought, 0 to 1.")


class CitedText(BaseModel):
    """A piece of text of the evidence, written by other people (untrusted)."""

    number: int = Field(description="What claims cite.")
    title: str = Field(description="Its heading (untrusted text).")
    text: str = Field(description="Its beginning (untrusted text).")


class AskAnswer(BaseModel):
    """What is claimed, and on which evidence."""

    index: str = Field(description="The index asked.")
    claims: list[ClaimFacts] = Field(description="Each cites evidence; empty where there is no answer.")
    abstained: str | None = Field(None, description="Why there is no answer; do not answer in its place.")
    facts: list[str] = Field(description="Computed from the records of all tiles that match.")
    caveats: list[str] = Field(description="What limits the answer; pass it on.")
    written_by: str = Field(description="records: from records alone; model: by the answer model below, then checked.")
    model: str | None = Field(None, description="The answer model that was asked.")
    matched: int = Field(description="Number of tiles that pass the filters of the question.")
    tiles: list[CitedTile] = Field(description="The tiles cited; where nothing is claimed, those that came nearest.")
    texts: list[CitedText] | None = Field(None, description="The texts cited.")


async def ask(
    desk: Desk,
    service: Service,
    originals: Originals,
    *,
    question: str,
    filters: SearchRequest | None,
    tiles: int,
    previews: int,
) -> CallToolResult:
    """Answer a question.

    Args:
        desk: Where questions are taken.
        service: The index.
        originals: Its original pixels.
        question: In words.
        filters: What tiles must pass, whatever the question says.
        tiles: Most tiles of evidence.
        previews: Most small pictures.

    Raises:
        SwathError: See `Asker.events`.
    """
    request = AskRequest(question=question, filters=filters, tiles=tiles)
    answer = await desk.answer(service, originals, request)
    cited = {number for claim in answer.claims for number in claim.cites}
    shown = [tile for tile in answer.evidence.tiles if not cited or tile.number in cited]
    texts = [each for each in answer.evidence.passages if each.number in cited]
    return result(_facts(service.name, answer, shown, texts), previewed([tile.record for tile in shown[:previews]]))


def _facts(index: str, answer: Answer, tiles: Sequence[EvidenceTile], texts: Sequence[EvidencePassage]) -> AskAnswer:
    ids = {tile.number: tile.record.tile_id for tile in answer.evidence.tiles}
    return AskAnswer(
        index=index,
        claims=[
            ClaimFacts(
                text=plain(claim.text, MAX_CLAIM),
                cites=list(claim.cites),
                tile_ids=[ids[number] for number in claim.cites if number in ids],
                confidence=claim.confidence,
            )
            for claim in answer.claims
        ],
        abstained=None if answer.abstained is None else plain(answer.abstained, MAX_REMARK),
        facts=[plain(fact.text, MAX_REMARK) for fact in answer.evidence.facts],
        caveats=[plain(caveat, MAX_REMARK) for caveat in answer.caveats],
        written_by=answer.written_by,
        model=answer.model,
        matched=answer.evidence.matched,
        tiles=[_tile(tile) for tile in tiles],
        texts=[_text(each) for each in texts] or None,
    )


def _tile(tile: EvidenceTile) -> CitedTile:
    score = None if tile.score is None else round(tile.score, 4)
    chance = None if tile.probability is None else round(tile.probability, 4)
    return CitedTile(**tile_facts(tile.record), number=tile.number, score=score, probability=chance)


def _text(each: EvidencePassage) -> CitedText:
    passage = each.passage
    return CitedText(number=each.number, title=plain(passage.title, MAX_LABEL), text=plain(passage.text, MAX_TEXT))
