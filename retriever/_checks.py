"""Single values of a request: wide types in, checked values out; messages say what was received and what would work."""

from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core import QueryError

MAX_TEXT = 10_000
"""Most characters of a text query; encoders read a few hundred at most."""

MAX_ID = 1000
"""Most characters of a tile id."""

Names = str | Iterable[str]
"""One name or several."""


def words(text: object, *, name: str = "text", limit: int = MAX_TEXT) -> str:
    """Return a text without the space around it.

    Raises:
        QueryError: It is no text, empty or too long.
    """
    if not isinstance(text, str) or not text.strip():
        raise QueryError(f"{name} must be a text that is not empty, got {text!r}")
    if len(text) > limit:
        raise QueryError(f"{name} has {len(text):,} characters; at most {limit:,} are accepted")
    return unicode_text(name, text).strip()


def unicode_text(name: str, text: str) -> str:
    """Return a text that can be written as UTF-8.

    Raises:
        QueryError: It holds lone surrogates, as bytes of a command line do that are not UTF-8; no column and no
            encoder takes them.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise QueryError(f"{name} is not valid Unicode text, got {text[:80]!a}") from None
    return text


def direction(vector: ArrayLike) -> NDArray[np.float32]:
    """Return (dim,) numbers at unit length.

    Raises:
        QueryError: They are not numbers, of another shape, zero or not finite.
    """
    try:
        numbers_ = np.asarray(vector, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise QueryError(f"vector is not numbers: {error}") from None
    if numbers_.ndim != 1:
        raise QueryError(f"vector must have shape (dim,), got {numbers_.shape}")
    return unit(numbers_, "vector")


def unit(vector: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Return the (dim,) vector at unit length.

    Raises:
        QueryError: It is zero or not finite.
    """
    wide = vector.astype(np.float64)
    largest = float(np.abs(wide).max(initial=0))
    if not math.isfinite(largest) or largest == 0:
        found = "is all zeros and has no direction" if largest == 0 else "holds NaN or infinity"
        raise QueryError(f"the {name} {found}")
    # Divided by the largest number first, so that the squares neither overflow nor vanish.
    scaled = wide / largest
    return (scaled / np.linalg.norm(scaled)).astype(np.float32)


def lat_lon(near: str | Sequence[float]) -> tuple[float, float]:
    """Return latitude and longitude in degrees, from two numbers or ``lat,lon``.

    Raises:
        QueryError: They are not two numbers, or out of range.
    """
    try:
        lat, lon = (float(part) for part in (near.split(",") if isinstance(near, str) else near))
    except (TypeError, ValueError, OverflowError):
        raise QueryError(f"near {near!r} is not two numbers; expected lat,lon in degrees, e.g. 40.4,-3.7") from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise QueryError(f"near {near!r} is out of range; expected lat -90..90, then lon -180..180, e.g. 40.4,-3.7")
    return lat, lon


def number(name: str, value: object) -> float:
    """Return a finite number.

    Raises:
        QueryError: It is none.
    """
    try:
        found = float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else math.nan
    except OverflowError:  # an integer beyond all floats
        found = math.inf
    if not math.isfinite(found):
        raise QueryError(f"{name} must be a finite number, got {reprlib.repr(value)}")
    return found


def between(name: str, value: float | None, most: float, *, least: float = 0) -> float | None:
    """Return a number in a range, both ends included; None stays None.

    Raises:
        QueryError: It is not.
    """
    if value is None:
        return None
    found = number(name, value)
    if not least <= found <= most:
        raise QueryError(f"{name} must be between {least:g} and {most:g}, got {value!r}")
    return found


def several(name: str, value: Names | None) -> tuple[str, ...]:
    """Return one name or several as a tuple.

    Raises:
        QueryError: They are not texts, or one is empty.
    """
    if value is None:
        return ()
    try:
        names = (value,) if isinstance(value, str) else tuple(value)
    except TypeError:
        raise QueryError(f"{name} must be a text or several, got {value!r}") from None
    if not all(isinstance(each, str) and each for each in names):
        raise QueryError(f"{name} must be a text or several, none of them empty, got {value!r}")
    return tuple(unicode_text(name, each) for each in names)
