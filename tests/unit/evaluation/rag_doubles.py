"""Pictures of one colour with questions, and models whose words can be checked by hand."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from core import Question, Sample, Tile, picture_tile
from retriever.rag import ImagePart, Message, ModelError, TextPart
from tests.unit.evaluation.doubles import BLUE, GREEN, RED, Colour, coloured, sample

NAMES: dict[Colour, str] = {RED: "red", GREEN: "green", BLUE: "blue"}


def about_colours(colour: Colour, roofs: int) -> tuple[Question, ...]:
    """Whether it is red, how many roofs there are, and what it is."""
    return (
        Question(text="Is there a red field?", answer="yes" if colour == RED else "no", kind="presence"),
        Question(text="How many roofs are there?", answer=str(roofs), kind="count"),
        Question(text="Which colour is it?", answer=NAMES[colour], kind="colour"),
    )


def fields(groups: int = 6, *, split: str | None = None) -> tuple[Sample, ...]:
    """One picture a group, of three colours in turn; red fields have 2 roofs, green ones 30, blue ones 500."""
    colours, roofs = (RED, GREEN, BLUE), (2, 30, 500)
    return tuple(
        sample(
            f"f{number}",
            {"image": coloured(colours[number % 3], noise=number + 1)},
            group=f"g{number}",
            split=split,
            questions=about_colours(colours[number % 3], roofs[number % 3]),
        )
        for number in range(groups)
    )


def quarters(colours: Sequence[Colour], side: int = 20) -> Tile:
    """A picture of four squares of one colour each: upper left, upper right, lower left, lower right."""
    upper, lower = (np.concatenate([square(one, side) for one in row], axis=1) for row in (colours[:2], colours[2:]))
    whole = np.concatenate([upper, lower])
    return picture_tile(whole, np.ones(whole.shape[:2], dtype=np.bool_), name="tile", collection="held", href="held")


def square(colour: Colour, side: int) -> Any:
    """(side, side, 3) of one colour."""
    return np.broadcast_to(np.array(colour, dtype=np.uint8), (side, side, 3))


class ListeningModel:
    """Says the same to everybody, and keeps what it was told.

    Args:
        reply: JSON text, or an error to raise.
    """

    def __init__(self, reply: str | Exception) -> None:
        self._reply = reply
        self.told: list[str] = []
        self.pictures_sent: list[list[bytes]] = []

    @property
    def name(self) -> str:
        """Always the same."""
        return "listening"

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        """Yield the reply."""
        parts = [part for message in messages if message.role == "user" for part in message.parts]
        self.told.append("\n".join(part.text for part in parts if isinstance(part, TextPart)))
        self.pictures_sent.append([part.data for part in parts if isinstance(part, ImagePart)])
        if isinstance(self._reply, ModelError):
            raise self._reply
        yield str(self._reply)


def settings_alone(patch: pytest.MonkeyPatch) -> None:
    """No model of the machine's own, and one question at a time, so that a model hears them in order."""
    patch.delenv("SWATH_ANSWER_URL", raising=False)
    patch.setenv("SWATH_ANSWER_CONCURRENT", "1")
