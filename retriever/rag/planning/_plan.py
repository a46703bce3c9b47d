"""From a question to a plan by rules on our own vocabulary; nothing is guessed, and what was read is said.

Each reader takes what it understands and strikes it out: clouds, places, sensors, renderings, periods, unknown names.
What is left is what is sought. The order matters: numbers of coordinates are no dates, and seasons follow the
hemisphere of the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retriever.rag._types import QueryPlan, Shape
from retriever.rag.planning._plan_clouds import read_clouds
from retriever.rag.planning._plan_periods import read_periods
from retriever.rag.planning._plan_phrases import NO_NOUN
from retriever.rag.planning._plan_places import PlaceRead, read_places, read_unknown
from retriever.rag.planning._plan_renderings import choose_renderings, read_drawings
from retriever.rag.planning._plan_sensors import read_sensors
from retriever.rag.planning._plan_shape import asks_which, read_shape, tells_of_change
from retriever.rag.planning._plan_sought import SoughtRead, read_sought
from retriever.rag.planning._plan_text import Canvas, read_question
from retriever.rag.planning._plan_words import compared_by, is_thing
from retriever.rag.planning._plan_world import World

MAX_NOTES = 24
"""Most notes; a question of 2,000 characters could make hundreds."""

MAX_NOTE = 300
"""Most characters of one."""


def plan_question(question: str, world: World) -> QueryPlan:
    """Return how a question is put to an index.

    Args:
        question: As typed.
        world: What the index holds and which places are known.

    Raises:
        QueryError: It is empty, has more than 2,000 characters, or names a date or a place on Earth that cannot be.
    """
    canvas = Canvas(read_question(question))
    whole = canvas.free
    max_cloud, cloud_notes = read_clouds(canvas)
    where = read_places(canvas, world)
    which = read_sensors(canvas, world)
    drawings = read_drawings(canvas)
    when = read_periods(canvas, world, south=_south(where))
    unknown, unknown_notes = read_unknown(canvas)
    if where.place is not None:
        unknown, unknown_notes = None, ()
    shape = read_shape(whole, canvas.free, periods=len(when.periods), places=max(1, len(where.names)))
    sought = _sought(canvas, where, shape)
    if shape == "presence" and not (sought.sought or sought.without) and tells_of_change(whole):
        shape = "change"
    if sought.joined_by_or and asks_which(shape, whole):
        shape = "compare"
    things = (*(sought.sought or _kinds(where.names)), *sought.without)
    renderings = choose_renderings(drawings, things, which.sensors, world)
    notes = (*cloud_notes, *where.notes, *which.notes, *when.notes, *unknown_notes)
    return QueryPlan(
        question=question,
        shape=shape,
        sought=sought.sought,
        without=sought.without,
        place=where.place,
        unknown_place=unknown,
        periods=when.periods,
        sensors=which.sensors,
        missing_sensors=which.missing,
        collections=which.collections,
        max_cloud=max_cloud,
        renderings=renderings,
        notes=tuple(note[:MAX_NOTE] for note in notes[:MAX_NOTES]),
    )


def _south(where: PlaceRead) -> bool | None:
    if where.place is None:
        return None
    _, south, _, north = where.place.geometry.bounds
    return bool(south + north < 0)


def _sought(canvas: Canvas, where: PlaceRead, shape: Shape) -> SoughtRead:
    """What is left of the question; a state alone is that of the place: a frozen Lake Garda is a frozen lake."""
    found = read_sought(canvas.free, compared=shape == "compare")
    kinds = _kinds(where.names)
    if kinds and len(found.sought) == 1 and found.sought[0].endswith(f" {NO_NOUN}"):
        return replace(found, sought=(f"{found.sought[0].removesuffix(NO_NOUN)}{kinds[0]}",))
    if not found.sought and shape == "compare":
        return replace(found, sought=compared_by(canvas.free))
    return found


def _kinds(names: Sequence[str]) -> tuple[str, ...]:
    words = [word for name in names for word in name.lower().split() if is_thing(word)]
    return tuple(dict.fromkeys(words))[:1]
