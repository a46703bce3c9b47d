"""The options of a request that choose how words are searched: wide values in, one of a few names out."""

from __future__ import annotations

from typing import Any, Literal

from core import InputError, QueryError
from embeddings import Prompts, check_templates

Calibrated = Literal["auto", "on", "off"]
"""``auto`` uses the index's calibration where it fits the request, ``on`` insists on it, ``off`` ranks by score."""

_SWITCH: dict[Any, Calibrated] = {True: "on", False: "off", "auto": "auto", "on": "on", "off": "off"}
_PROMPTS: dict[Any, Prompts] = {None: "off", "off": "off", "auto": "auto"}


def read_prompts(value: Any) -> Prompts:
    """Return how a text is worded, from ``auto``, None or templates.

    Raises:
        QueryError: Anything else.
    """
    if value is None or isinstance(value, str):
        if value in _PROMPTS:
            return _PROMPTS[value]
        raise QueryError(f"prompts must be 'auto', None or a list of templates with {{}}, got {value!r}")
    try:
        return check_templates(tuple(value))
    except (TypeError, InputError) as error:
        raise QueryError(str(error)) from None


def read_switch(name: str, value: Any) -> Calibrated:
    """Return ``auto``, ``on`` or ``off``.

    Raises:
        QueryError: The value is neither one of them nor a truth value.
    """
    if not isinstance(value, bool | str) or value not in _SWITCH:
        raise QueryError(f"{name} must be true, false or 'auto', got {value!r}")
    return _SWITCH[value]


def check_probability(calibrated: Calibrated, min_probability: float | None, *, in_words: bool) -> None:
    """Check that probabilities are asked for only where there can be any.

    Raises:
        QueryError: They are switched off, or the search is not in words.
    """
    if min_probability is not None and calibrated == "off":
        raise QueryError("min_probability needs calibrated scores; leave calibrated out or set it to true")
    if not in_words and (min_probability is not None or calibrated == "on"):
        asked = "calibrated" if min_probability is None else "min_probability"
        raise QueryError(f"{asked} is about searches in words; scores of image, like and vector are not calibrated")
