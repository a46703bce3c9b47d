"""CQL2 (OGC 21-065r2) text or JSON to CQL2 JSON, through the ``cql2`` parser, which needs some guarding.

The parser of CQL2 text tries alternatives again at every parenthesis, so its time doubles with each level of a text
that does not parse, and it recurses on the machine stack, which a few thousand operators exhaust. CQL2 JSON has neither
weakness: its reader stops at 128 levels. But it rounds: it gave back one in seven random numbers with another last bit,
so the parser only checks the JSON and the numbers are read by Python.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from core import FilterError

MAX_CHARACTERS = 1_000_000
"""Longest filter accepted."""

MAX_DEPTH = 8
"""Most parentheses inside one another in CQL2 text: 256 times the work of a flat text that does not parse."""

MAX_OPERATORS = 150
"""Most operators in CQL2 text. The parser overflowed a 512 KB stack (a macOS thread's) at 200 to 400 of them."""

_STRINGS = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBER = r"-?\d+(?:\.\d*)?(?:[eE]-?\d+)?"
_POSITION = rf"\s*{_NUMBER}(?:\s+{_NUMBER}){{1,3}}\s*"
_POSITIONS = re.compile(rf"\({_POSITION}(?:,{_POSITION})*\)")
_OPERATORS = re.compile(r"[-+*/^%]|[=<>]+|\b(?:and|or|not|div|between|in|is|like)\b", re.IGNORECASE)
_HINT = "expected CQL2 such as cloud < 0.2 AND sensor = 'naip'"


def cql2_json(value: str | Mapping[str, Any]) -> Any:
    """Return the CQL2 JSON of a filter given as CQL2 text, as JSON text, or as a mapping.

    Raises:
        FilterError: Not CQL2, or too long or too deeply nested; the message says where.
    """
    text = value if isinstance(value, str) else _dumped(value)
    if not text.strip():
        raise FilterError(f"the filter is empty; {_HINT}")
    if len(text) > MAX_CHARACTERS:
        raise FilterError(f"the filter has {len(text):,} characters; at most {MAX_CHARACTERS:,} are accepted")
    if text.lstrip().startswith("{"):
        return _read_json(text)
    _check_text(text)
    return _read_text(text)


def _dumped(value: Mapping[str, Any]) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise FilterError(f"the filter is not CQL2 JSON: {error}") from None


def _read_json(text: str) -> Any:
    import cql2

    with _parser_errors("CQL2 JSON"):
        cql2.parse_json(text)
        return json.loads(text)


def _read_text(text: str) -> Any:
    import cql2

    with _parser_errors("CQL2"):
        return cql2.parse_text(text).to_json()


@contextmanager
def _parser_errors(language: str) -> Iterator[None]:
    """Turn whatever the parser raises into a FilterError of one line."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in Rust arrives as a BaseException that is no Exception
        raise FilterError(f"the filter is not {language}: {_place_and_reason(str(error))}; {_HINT}") from None


def _place_and_reason(message: str) -> str:
    """Line and column and the last line of the parser's picture of the error, as one line."""
    place = re.search(r"--> (\d+):(\d+)", message)
    reason = message.strip().rpartition("= ")[2].replace("\n", " ")
    return f"line {place[1]}, character {place[2]}: {reason}" if place else reason


def _check_text(text: str) -> None:
    bare = _STRINGS.sub("", text)
    depths = list(accumulate((character == "(") - (character == ")") for character in bare))
    if depths and (depths[-1] != 0 or min(depths) < 0):
        raise FilterError(f"the filter's parentheses do not match; {_HINT}")
    if max(depths, default=0) > MAX_DEPTH:
        raise FilterError(f"the filter has {max(depths)} nested parentheses; at most {MAX_DEPTH}, or give CQL2 JSON")
    operators = len(_OPERATORS.findall(_POSITIONS.sub("", bare)))
    if operators > MAX_OPERATORS:
        raise FilterError(f"the filter has {operators} operators; at most {MAX_OPERATORS}, or use IN or CQL2 JSON")
