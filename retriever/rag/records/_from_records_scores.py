"""How sure scores are, in words."""

from __future__ import annotations

from collections.abc import Sequence

from retriever.rag._types import EvidenceTile

# The likelihood scale of the IPCC: https://www.ipcc.ch/site/assets/uploads/2017/08/AR5_Uncertainty_Guidance_Note.pdf
_SCALE = (
    (0.99, "virtually certain"),
    (0.90, "very likely"),
    (0.66, "likely"),
    (0.33, "about as likely as not"),
    (0.10, "unlikely"),
    (0.01, "very unlikely"),
    (0.0, "exceptionally unlikely"),
)


def in_words(probability: float) -> str:
    """Return what a probability is called: ``very likely``."""
    return next(word for least, word in _SCALE if probability >= least)


def percent(probability: float) -> str:
    """Return a probability in percent; nothing is told as certain."""
    if probability > 0.995:
        return "over 99 %"
    return "under 1 %" if probability < 0.005 else f"{probability * 100:.0f} %"


def sureness(tiles: Sequence[EvidenceTile]) -> str | None:
    """Return ``probability of 62 to 93 % (likely)``, or ``scores 0.21 to 0.28``; None where nothing was sought."""
    known = [tile.probability for tile in tiles if tile.probability is not None]
    if known:
        return _range(min(known), max(known))
    scores = [tile.score for tile in tiles if tile.score is not None]
    if not scores:
        return None
    low, high = f"{min(scores):.2f}", f"{max(scores):.2f}"
    return f"score {high}" if low == high else f"scores {low} to {high}"


def _range(low: float, high: float) -> str:
    words = in_words(low), in_words(high)
    said = words[0] if words[0] == words[1] else " to ".join(words)
    return f"probability of {percent_range(low, high)} ({said})"


def percent_range(low: float, high: float) -> str:
    """Return ``62 to 93 %``, ``under 1 % to 40 %``, ``93 %``."""
    first, last = percent(low), percent(high)
    if first == last:
        return last
    plain = first[0].isdigit() and last[0].isdigit()
    return f"{first.removesuffix(' %') if plain else first} to {last}"


def uncalibrated(tiles: Sequence[EvidenceTile]) -> bool:
    """Return whether there are scores of which none is a probability."""
    return any(tile.score is not None for tile in tiles) and all(tile.probability is None for tile in tiles)
