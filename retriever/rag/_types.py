"""The vocabulary of answering: question, plan, evidence, answer; each a value that the next step reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime as Instant  # noqa: N812  # a field below is called datetime, as in every other type
from typing import Any, Literal

from shapely.geometry.base import BaseGeometry

from core import Interval, Record
from retriever.rag._model import MediaType

Shape = Literal["describe", "presence", "count", "where", "when", "compare", "change"]
"""What kind of answer is wanted: "what is there", "is there", "how many", "where", "when", "A or B", "what changed"."""

EventName = Literal["step", "plan", "evidence", "claim", "answer"]
"""What can happen on the way to an answer."""

PlannedBy = Literal["rules", "model", "user"]
"""Who made a plan."""


@dataclass(frozen=True, kw_only=True)
class PlannedPlace:
    """Where the evidence must lie."""

    name: str
    """As the question says it, or ``lat, lon``."""
    geometry: BaseGeometry
    """Area in lon, lat that footprints must meet, cut at the antimeridian."""
    source: Literal["coordinates", "knowledge", "index", "user"]
    """How it became known: written in the question, an entry of the knowledge table, a name of the index, a filter."""
    passage_id: str | None = None
    """Entry of the knowledge table it came from."""


@dataclass(frozen=True, kw_only=True)
class QueryPlan:
    """How a question will be put to the archive. Shown to the user, who may edit it."""

    question: str
    """As typed."""
    shape: Shape = "describe"
    """What kind of answer is wanted."""
    sought: tuple[str, ...] = ()
    """Things to find, each a phrase that the text encoder is given; several are compared or looked for beside each
    other. Empty: every tile that passes the filters counts ("which dates do you have of this place?")."""
    without: tuple[str, ...] = ()
    """Things that must not show ("without clouds" is max_cloud, not this)."""
    place: PlannedPlace | None = None
    """Where; None for everywhere."""
    unknown_place: str | None = None
    """A place the question names that nothing here knows; the answer says so."""
    periods: tuple[Interval, ...] = ()
    """When, both ends included, None for an open end; several are compared with each other."""
    sensors: tuple[str, ...] = ()
    """Sensor names of the index; empty for all."""
    missing_sensors: tuple[str, ...] = ()
    """Kinds of sensors that the question asks for and the index has not; where those are all, there is no answer."""
    collections: tuple[str, ...] = ()
    """Collections of the index; empty for all."""
    max_cloud: float | None = None
    """Most cloud in percent, 0..100."""
    renderings: tuple[str, ...] = ()
    """How the question wants tiles drawn, best first, e.g. ``index:ndwi``; empty for the sensor's usual one."""
    among_earlier: bool = False
    """Whether only the tiles of the answer before count, as in "which of those..."; False searches the archive."""
    knowledge: bool = True
    """Whether passages are looked for as well."""
    made_by: PlannedBy = "rules"
    """Who made it."""
    notes: tuple[str, ...] = ()
    """What the user should know about how the question was read, a sentence each."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EvidencePicture:
    """A tile as a model or a person sees it."""

    rendering: str
    """Name of the legend, e.g. ``true-color``, ``index:ndvi``; ``preview`` for the stored one."""
    legend: str
    """How to read it, in words: bands, formula, range, what the colours mean."""
    media_type: MediaType
    """Of ``data``."""
    data: bytes
    """The encoded picture."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    source: Literal["original", "preview"]
    """Drawn from the original pixels, or the small stored preview."""
    remark: str | None = None
    """Why it is only the preview."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EvidenceTile:
    """A tile that may be cited."""

    number: int
    """What claims cite, from 1; tiles and passages share one numbering."""
    record: Record
    """The tile."""
    sought: str | None
    """The phrase of the plan that found it; None where none was sought."""
    period: int | None
    """0-based place in ``QueryPlan.periods``; None where there are none."""
    score: float | None
    """Cosine, -1..1; None where nothing was sought."""
    probability: float | None
    """Calibrated probability 0..1 that the tile fits ``sought``; None where nothing is calibrated."""
    pictures: tuple[EvidencePicture, ...] = ()
    """How it is shown; empty until it is drawn."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Passage:
    """A piece of text from the knowledge table."""

    passage_id: str
    """Unique in the table, stable when the same file is added again."""
    title: str
    """Heading or name of the entry; foreign text."""
    text: str
    """The piece itself; foreign text."""
    source: str
    """Name of the file it came from, without folders."""
    geometry: BaseGeometry | None = None
    """Point or area in lon, lat; None where it has no place."""
    datetime: Instant | None = None
    """UTC; None where it has no date."""
    score: float | None = None
    """Cosine to what was sought."""
    distance_km: float | None = None
    """From the plan's place, or from the nearest tile of the evidence; None where either has no place."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EvidencePassage:
    """A passage that may be cited."""

    number: int
    """What claims cite; goes on where the tiles end."""
    passage: Passage
    """What it says."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something computed from records, so that no model has to guess it."""

    name: str
    """``tiles``, ``dates``, ``first_seen``, ``last_seen``, ``area_km2``, ``sensors``, ``best_probability``..."""
    text: str
    """One sentence in plain English, complete by itself."""
    value: Any
    """The same as a JSON value."""
    cites: tuple[int, ...] = ()
    """Numbers of tiles it can be checked on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EvidenceSet:
    """All that an answer may rest on."""

    tiles: tuple[EvidenceTile, ...] = ()
    """In the order of their numbers, which start at 1."""
    passages: tuple[EvidencePassage, ...] = ()
    """Numbers follow those of the tiles."""
    facts: tuple[Fact, ...] = ()
    """Computed from all tiles that match, not only from those shown."""
    matched: int = 0
    """Exact number of tiles that pass the plan's filters."""
    dropped: tuple[str, ...] = ()
    """What was left out for want of room or because it could not be read, a sentence each."""
    insufficient: str | None = None
    """Why nothing here can carry an answer (no tile passes the filters, no score reaches the index's threshold);
    None where it can."""

    def numbers(self) -> frozenset[int]:
        """Return every number that may be cited."""
        return frozenset([*(tile.number for tile in self.tiles), *(each.number for each in self.passages)])


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement and what it rests on."""

    text: str
    """A sentence, without its citations."""
    cites: tuple[int, ...]
    """Numbers of the evidence; at least one, each in the evidence set."""
    confidence: float | None = None
    """0..1 as the model says it, or the calibrated probability of the tile; None where nobody says."""


@dataclass(frozen=True, kw_only=True)
class DroppedClaim:
    """A statement of the model that was not let through."""

    text: str
    """Its beginning, at most 300 characters."""
    reason: str
    """Why, e.g. ``cites [9], which is not in the evidence``."""


StepName = Literal[
    "plan", "retrieve", "diversify", "knowledge", "measure", "draw", "widen", "model", "repair", "validate", "write"
]
"""What may be done on the way to an answer."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the way from question to answer."""

    name: StepName
    """Which."""
    text: str
    """What happened, in a short sentence for people."""
    seconds: float
    """How long it took."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """More, as JSON values; no keys, no foreign instructions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What was asked, what is claimed, and on which evidence."""

    question: str
    """As typed."""
    plan: QueryPlan
    """How it was read."""
    claims: tuple[Claim, ...]
    """Empty where ``abstained``."""
    evidence: EvidenceSet
    """What claims cite."""
    abstained: str | None = None
    """Why there is no answer; None where there is one."""
    caveats: tuple[str, ...] = ()
    """What limits the answer, a sentence each."""
    dropped: tuple[DroppedClaim, ...] = ()
    """What the model said and was not let through."""
    written_by: Literal["records", "model"] = "records"
    """``records``: by us from records and computed facts alone; ``model``: by an answer model, then checked."""
    model: str | None = None
    """Name of the model; None where none was asked."""
    trace: tuple[Step, ...] = ()
    """Every step that was taken, in order."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """An earlier question of a dialogue and what it rested on; small enough for a client to send back."""

    question: str
    """As typed."""
    plan: QueryPlan
    """How it was read."""
    tile_ids: tuple[str, ...]
    """Tiles of its evidence in the order of their numbers."""
    passage_ids: tuple[str, ...] = ()
    """Passages likewise."""
    claims: tuple[Claim, ...] = ()
    """What was answered."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Event:
    """Something that happened on the way, as it happens. An answer ends with exactly one ``answer``."""

    name: EventName
    """``claim`` comes only for claims that have been checked."""
    value: Step | QueryPlan | EvidenceSet | Claim | Answer
    """Of the type its name says."""
