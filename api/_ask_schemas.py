"""The JSON of questions: what is asked, and what an answer and the events on the way to it hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api._schemas import FilterBody, TileId
from api._search_answers import TileView
from retriever import SearchRequest, filters_given
from retriever.rag import MAX_QUESTION, MAX_TILES, MAX_TURNS, AskRequest, Claim, Turn, parse_plan

_CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)

_FILTERS = tuple(name for name in FilterBody.model_fields if name != "index")

Plan = Annotated[
    dict[str, Any],
    Field(
        description="How a question is read, as an earlier answer or `plan` event told it: question, shape, sought, "
        "without, place, periods, sensors, collections, max_cloud, renderings, knowledge."
    ),
]


class ClaimBody(BaseModel):
    """A claim of an earlier answer."""

    model_config = _CLOSED

    text: Annotated[str, Field(max_length=2000)]
    cites: Annotated[list[int], Field(max_length=100)]
    confidence: Annotated[float | None, Field(ge=0, le=1)] = None


class TurnBody(BaseModel):
    """An earlier question of the dialogue and what it rested on, all taken from its answer."""

    model_config = _CLOSED

    question: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]
    plan: Plan
    tile_ids: Annotated[list[TileId], Field(max_length=MAX_TILES, description="In the order of their numbers.")]
    passage_ids: Annotated[list[TileId], Field(max_length=MAX_TILES, default_factory=list)]
    claims: Annotated[list[ClaimBody], Field(max_length=100, default_factory=list)]

    def turn(self) -> Turn:
        """Return it for the retriever.

        Raises:
            QueryError: Its plan is wrong.
        """
        return Turn(
            question=self.question,
            plan=parse_plan(self.plan),
            tile_ids=tuple(self.tile_ids),
            passage_ids=tuple(self.passage_ids),
            claims=tuple(Claim(text=c.text, cites=tuple(c.cites), confidence=c.confidence) for c in self.claims),
        )


class AskBody(FilterBody):
    """A question, the filters that hold whatever it says, and how it is to be answered."""

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {"question": "Which harbours are there, since when?", "sensor": ["sentinel-2-l2a"], "explain": True},
                {"question": "Was the farmland flooded after June 2021?", "bbox": [9.0, 44.2, 9.4, 44.5], "tiles": 8},
            ]
        },
    )

    question: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION, description="In words.")]
    plan: Annotated[Plan | None, Field(description="An edited plan, to be taken as it is.")] = None
    turns: Annotated[
        list[TurnBody],
        Field(max_length=MAX_TURNS, default_factory=list, description="Earlier questions, oldest first."),
    ]
    tiles: Annotated[int, Field(ge=1, le=MAX_TILES, description="Most tiles of evidence.")] = 12
    pictures: Annotated[
        int | None, Field(ge=0, le=MAX_TILES, description="Most tiles drawn; null draws what the model is shown.")
    ] = None
    use_model: Annotated[bool, Field(description="False writes from records even where a model is set up.")] = True
    explain: Annotated[bool, Field(description="Whether the answer holds every step in `trace`.")] = False

    def request(self) -> AskRequest:
        """Return it for the retriever.

        Raises:
            QueryError: A filter or a plan is wrong.
        """
        return AskRequest(
            question=self.question,
            plan=None if self.plan is None else parse_plan(self.plan),
            filters=self._filters(),
            turns=tuple(turn.turn() for turn in self.turns),
            tiles=self.tiles,
            pictures=self.pictures,
            use_model=self.use_model,
        )

    def _filters(self) -> SearchRequest | None:
        return filters_given(**{name: getattr(self, name) for name in _FILTERS})


class ClaimView(BaseModel):
    """One statement. ``cites`` are numbers of the evidence; a claim without any is never sent."""

    text: str
    cites: list[int]
    confidence: float | None = Field(description="0 to 1; null where nobody says.")


class DroppedView(BaseModel):
    """What the model said and was not let through."""

    text: str
    reason: str


class PictureView(BaseModel):
    """A tile as the model was shown it."""

    rendering: str
    legend: str = Field(description="What the colours mean.")
    source: Literal["original", "preview"]
    remark: str | None = Field(description="Why it is only the preview.")
    width: int
    height: int
    href: str = Field(description="Address of that picture.")


class EvidenceTileView(TileView):
    """A tile that may be cited."""

    number: int = Field(description="What claims cite.")
    sought: str | None = Field(description="The phrase of the plan that found it.")
    period: int | None = Field(description="Place in the plan's periods, from 0.")
    score: float | None = Field(description="Cosine, -1 to 1; null where nothing was sought.")
    probability: float | None = Field(description="Calibrated; null where nothing is calibrated.")
    pictures: list[PictureView]


class PassageView(BaseModel):
    """A piece of text that may be cited. Title and text are other people's words."""

    number: int
    passage_id: str
    title: str
    text: str
    source: str = Field(description="Name of its file.")
    geometry: dict[str, Any] | None = Field(description="GeoJSON, lon, lat.")
    datetime: str | None
    score: float | None
    distance_km: float | None


class FactView(BaseModel):
    """Something computed from records."""

    name: str
    text: str
    value: Any
    cites: list[int]


class EvidenceView(BaseModel):
    """All that an answer may rest on."""

    matched: int = Field(description="Exact number of tiles that pass the plan's filters.")
    tiles: list[EvidenceTileView]
    passages: list[PassageView]
    facts: list[FactView]
    dropped: list[str] = Field(description="What was left out, a sentence each.")
    insufficient: str | None = Field(description="Why nothing here can carry an answer.")


class StepView(BaseModel):
    """One step of the way."""

    name: str
    text: str
    seconds: float
    detail: dict[str, Any]


class AnswerView(BaseModel):
    """What is claimed, and on which evidence."""

    question: str
    claims: list[ClaimView] = Field(description="Empty where there is no answer.")
    abstained: str | None = Field(description="Why there is no answer.")
    caveats: list[str]
    dropped: list[DroppedView]
    written_by: Literal["records", "model"] = Field(description="records: by this server from records alone.")
    model: str | None = Field(description="Name of the model that was asked.")
    plan: dict[str, Any] = Field(description="How the question was read; edited and sent back it is taken as it is.")
    evidence: EvidenceView
    trace: list[StepView] | None = Field(default=None, description="Every step; with `explain` only.")
