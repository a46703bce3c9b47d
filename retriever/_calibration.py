"""From scores to probabilities, sensor by sensor, so that tiles of different sensors rank in one list.

A score is a cosine, and what counts as a high one differs between sensors: radar and optical vectors lie in different
parts of the space. For each sensor a rising line, ``slope * (score - query . centre) + intercept``, is the log odds
that the tile fits the words (Platt 1999). Within a sensor the order of tiles never changes; it matters only where the
lists are merged. ``centre``, the mean vector of the sensor's tiles, takes out what the query shares with all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core import ConfigError, VectorSpace, builtin_sensors

FORMAT = 1
"""Version of the document."""

Method = Literal["platt", "centred", "background"]
"""A line on the score, a line on the centred score, or the centred score alone, which is no probability."""


@dataclass(frozen=True, kw_only=True)
class SensorLine:
    """How one sensor's scores are read."""

    slope: float
    """Log odds for each unit of score; at least 0, so that the order within a sensor stays."""
    intercept: float
    """Log odds at score 0."""
    centre: tuple[float, ...] | None = None
    """(dim,) mean vector of the sensor's tiles; None where scores are not centred."""
    pairs: int = 0
    """Query and tile pairs it was fitted on."""
    positives: int = 0
    """Pairs that belong together."""

    def log_odds(self, scores: NDArray[np.floating[Any]], vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n,) log odds of (n,) scores of one query's (dim,) vector."""
        shift = 0.0 if self.centre is None else float(np.dot(np.asarray(self.centre), vector.astype(np.float64)))
        return self.slope * (scores.astype(np.float64) - shift) + self.intercept


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How the scores of one index are read."""

    space: VectorSpace
    """What the vectors are; of another space it says nothing."""
    method: Method
    """How it was made."""
    sensors: Mapping[str, SensorLine]
    """By sensor name."""
    kinds: Mapping[str, SensorLine] = field(default_factory=dict)
    """``optical`` and ``sar`` tiles together, for sensors that were not seen."""
    threshold: float | None = None
    """Probability below which the best hit most likely means that nothing matches; None without labels."""
    source: str = ""
    """What it was fitted on, in one line."""

    @property
    def probabilistic(self) -> bool:
        """Whether log odds are those of a probability."""
        return self.method != "background"

    def line(self, sensor: str) -> SensorLine | None:
        """Return how a sensor is read: by its own line, by that of its kind, or not at all."""
        if sensor in self.sensors:
            return self.sensors[sensor]
        known = builtin_sensors().get(sensor)
        return None if known is None else self.kinds.get(known.kind)

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"format": FORMAT, **asdict(self)}


def parse_calibration(document: Mapping[str, Any]) -> Calibration:
    """Read what ``to_document`` wrote.

    Raises:
        ConfigError: Another version, or not a calibration.
    """
    if document.get("format") != FORMAT:
        raise ConfigError(
            f"the calibration has format {document.get('format')!r}, this version reads {FORMAT};"
            " make it anew: swath calibrate INDEX"
        )
    try:
        found = Calibration(
            space=_space(document["space"]),
            method=_method(document["method"]),
            sensors={name: _line(row) for name, row in document["sensors"].items()},
            kinds={name: _line(row) for name, row in document["kinds"].items()},
            threshold=None if document["threshold"] is None else _number(document["threshold"]),
            source=str(document["source"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ConfigError(f"the calibration is damaged ({_said(error)}); make it anew: swath calibrate INDEX") from None
    _check_dims(found)
    return found


def probabilities(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of log odds, without overflow."""
    small = np.exp(-np.abs(log_odds))
    result: NDArray[np.float64] = np.where(log_odds >= 0, 1 / (1 + small), small / (1 + small))
    return result


def _said(error: Exception) -> str:
    return " ".join(f"{error!s:.200}".split())


def _space(document: Mapping[str, Any]) -> VectorSpace:
    found = VectorSpace(**document)
    if isinstance(found.dim, bool) or not isinstance(found.dim, int) or not isinstance(found.encoder, str):
        raise TypeError("its space is none")
    return found


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r:.50} is no number")
    return float(value)


def _method(name: str) -> Method:
    known: tuple[Method, ...] = ("platt", "centred", "background")
    return next(method for method in known if method == name) if name in known else _refuse(name)


def _refuse(name: object) -> Method:
    raise ValueError(f"unknown method {name!r}")


def _line(row: Mapping[str, Any]) -> SensorLine:
    centre = None if row["centre"] is None else tuple(float(number) for number in row["centre"])
    slope, intercept = float(row["slope"]), float(row["intercept"])
    if not all(map(math.isfinite, (slope, intercept, *(centre or ())))) or slope < 0:
        raise ValueError(f"slope {slope} and intercept {intercept} are no rising line")
    return SensorLine(
        slope=slope, intercept=intercept, centre=centre, pairs=int(row["pairs"]), positives=int(row["positives"])
    )


def _check_dims(found: Calibration) -> None:
    for line in (*found.sensors.values(), *found.kinds.values()):
        if line.centre is not None and len(line.centre) != found.space.dim:
            raise ConfigError(
                f"the calibration is damaged (a centre of {len(line.centre)} numbers in a space of {found.space.dim});"
                " make it anew: swath calibrate INDEX"
            )
