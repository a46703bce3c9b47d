"""What a run under faults uses in place of the real thing: a quick encoder that the command line knows by name."""

from core.testing import MeanColourEncoder
from embeddings._encoders import ENCODERS

ENCODER = "mean-colour"


def open_mean_colour(name: str) -> MeanColourEncoder:
    """Open the encoder of that name."""
    return MeanColourEncoder()


def register() -> None:
    """Let ``--encoder mean-colour``, and every index that it filled, find it."""
    ENCODERS._rows[ENCODER] = f"{__name__}:open_mean_colour"
