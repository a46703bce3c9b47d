"""TOML of others."""

from __future__ import annotations

import tomllib
from typing import Any

from core._errors import InputError

_MAX_DOTS = 64
"""Most parts of a dotted key. Python's reader takes time that grows with their square: 20,000 take half a minute."""


def parse_toml(raw: bytes) -> dict[str, Any]:
    """Return what a TOML document holds.

    Raises:
        InputError: It is none; the message is the reason alone, on one line.
    """
    try:
        text = raw.decode("utf-8")
        _check_keys(text)
        return tomllib.loads(text)
    except RecursionError:
        raise InputError("values are nested too deeply") from None
    except ValueError as error:  # also of a number of thousands of digits, which is no TOMLDecodeError
        raise InputError(" ".join(str(error).split())) from None


def _check_keys(text: str) -> None:
    for number, line in enumerate(text.splitlines(), start=1):
        key = line if line.lstrip().startswith("[") and "=" not in line else line.partition("=")[0]
        if key.count(".") > _MAX_DOTS and not key.lstrip().startswith("#"):
            raise InputError(f"line {number} has a key of more than {_MAX_DOTS} parts")
