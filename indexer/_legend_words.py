"""A legend in words, for who has never seen such a picture: bands, formula, values, and what the colours mean."""

from __future__ import annotations

from indexer._legends import Drawn, Legend
from indexer._rendered import color_stops


def legend_in_words(legend: Legend, *, empty: str | None = "pure black") -> str:
    """Return how to read a picture drawn by a legend.

    Args:
        legend: How it was drawn.
        empty: Colour of what is without data; None where nothing is.
    """
    if legend.kind == "index":
        stops = ", ".join(f"{value:g} {color}" for value, color in color_stops(legend)[::2])
        said = f"{legend.formula} as colours: {stops}. {legend.meaning}"
        return said if empty is None else f"{said} {empty[0].upper()}{empty[1:]} is without data."
    fixed = "The stretch is fixed, so brightness can be compared between tiles"
    without = "" if empty is None else f"; {empty} is without data"
    return f"{legend.formula}; {_values(legend)}. {legend.meaning} {fixed}{without}."


def _values(legend: Legend) -> str:
    """From which value to which the colours run from darkest to brightest."""
    ranges = tuple((f"{channel.minimum:g}", f"{_brightest(channel):.2g}") for channel in legend.channels)
    if len(set(ranges)) == 1:
        low, high = ranges[0]
        return f"{'each ' if len(ranges) > 1 else ''}dark at {low}, brightest from {high} {legend.unit}"
    each = (f"{channel.shows} {low} to {high}" for channel, (low, high) in zip(legend.channels, ranges, strict=True))
    return f"dark to brightest: {', '.join(each)} ({legend.unit})"


def _brightest(channel: Drawn) -> float:
    """The value from which on a colour is at its brightest: where ``gain * share ** gamma`` reaches 1."""
    share = (1 / channel.gain) ** (1 / channel.gamma) if channel.gain > 1 else 1.0
    return channel.minimum + (channel.maximum - channel.minimum) * share
