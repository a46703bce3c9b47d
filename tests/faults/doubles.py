"""What a run under faults uses in place of the real thing: a quick encoder that the command line knows by name."""

import numpy as np
from numpy.typing import NDArray

from core import VectorSpace
from core.testing import MeanColourEncoder
from embeddings._encoders import ENCODERS

ENCODER = "mean-colour"
OTHER_ENCODER = "turned-colour"


class TurnedColourEncoder(MeanColourEncoder):
    """The same vectors, their numbers in another order: another space."""

    @property
    def space(self) -> VectorSpace:
        return VectorSpace(encoder=OTHER_ENCODER, revision="1", dim=4)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        return super().encode(batch)[:, ::-1]


def open_mean_colour(name: str) -> MeanColourEncoder:
    """Open the encoder of that name."""
    return MeanColourEncoder()


def open_turned_colour(name: str) -> TurnedColourEncoder:
    """Open the other encoder."""
    return TurnedColourEncoder()


def register() -> None:
    """Let ``--encoder`` find both by name, and every index that they filled."""
    ENCODERS._rows[ENCODER] = f"{__name__}:open_mean_colour"
    ENCODERS._rows[OTHER_ENCODER] = f"{__name__}:open_turned_colour"
