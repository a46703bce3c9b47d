"""What a model may reply, read while it is being written: each claim comes out once it is complete and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from retriever.rag._types import Claim, DroppedClaim

MAX_CLAIMS = 80
"""Claims of a reply: one for each of fifty tiles, the most of an evidence set, and for the facts beside them."""
MAX_CAVEATS = 6
"""Likewise."""
LONGEST_REPLY = 65_536
"""Characters read before a reply is cut, thoughts included; eighty claims of the greatest length have 40,000."""

_READ_AT_ONCE = 2_048
"""Characters of a reply up to which every bracket that closes has it read anew."""
_READ_AGAIN = 1 / 32
"""Growth after which a longer reply is read anew. A model in a loop that says ``[],`` over and over, a character at a
time, would else have 64 Ki characters parsed 20,000 times: minutes in which a server does nothing else."""

_OBJECT = re.compile(r'\{\s*["}]')
_THOUGHTS = re.compile(r"\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
"""Reasoning models behind servers without a parser for it write it into the text, before the reply."""
_CLOSERS = re.compile(r"[}\]]")
"""Only these end a claim or the reply."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a model said, after every check."""

    answerable: bool
    """Whether the model says that the evidence answers the question."""
    claims: tuple[Claim, ...]
    """Those let through, in order; empty where not answerable, and possible where it is: no claim passed."""
    caveats: tuple[str, ...] = ()
    """The model's, cleaned, then ours: whether it broke off, and what it was not shown for want of room."""
    dropped: tuple[DroppedClaim, ...] = ()
    """Those not let through."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """``requests``, ``pictures``, ``request_tokens`` (estimated) and ``reply_characters``."""


def reply_schema(numbers: Iterable[int]) -> dict[str, Any]:
    """Return the JSON schema of a reply that cites ``numbers``.

    It has only what every server's grammar knows; lengths and ranges are checked on our side.
    """
    claim = {
        "text": {"type": "string"},
        "cites": {"type": "array", "items": {"type": "integer", "enum": sorted(numbers)}},
        "confidence": {"type": "number"},
    }
    return _object(
        {
            "answerable": {"type": "boolean"},
            "claims": {"type": "array", "items": _object(claim)},
            "caveats": {"type": "array", "items": {"type": "string"}},
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


class ReplyReader:
    """Reads a reply as it comes. A claim comes out only when it is complete and ``answerable`` is known to be true.

    Args:
        check: Says what becomes of a claim.
    """

    def __init__(self, check: Callable[[Any], Claim | DroppedClaim]) -> None:
        self._check = check
        self._text = ""
        self._document: Mapping[str, Any] = {}
        self._read = 0
        self._parsed = 0
        self._closed = False
        self.claims: list[Claim] = []
        self.dropped: list[DroppedClaim] = []
        self.problem: str | None = "holds no JSON object"
        self.complete = False

    @property
    def characters(self) -> int:
        """How many came in."""
        return len(self._text)

    @property
    def full(self) -> bool:
        """Whether nothing more is worth reading: the object has ended, or there is too much of it."""
        return self.complete or self._read >= MAX_CLAIMS or len(self._text) > LONGEST_REPLY

    @property
    def answerable(self) -> bool | None:
        """What the model says of that; None as long as it has not."""
        said = self._document.get("answerable")
        return said if isinstance(said, bool) else None

    @property
    def caveats(self) -> list[Any]:
        """What stands under caveats, unchecked."""
        found = self._document.get("caveats")
        return found[:MAX_CAVEATS] if isinstance(found, list) else []

    def feed(self, piece: str) -> list[Claim]:
        """Take in a piece and return the claims that have become complete and passed.

        Those of a long reply may wait for the next pieces, or for ``end``.
        """
        self._text += piece
        self._closed |= _CLOSERS.search(piece) is not None
        length = len(self._text)
        due = length <= _READ_AT_ONCE or length - self._parsed >= _READ_AGAIN * length
        return self._advance() if self._closed and due else []

    def end(self) -> list[Claim]:
        """Return the claims that passed and have not come out yet; no piece follows."""
        return self._advance() if self._closed else []

    def _advance(self) -> list[Claim]:
        import jiter

        self._parsed, self._closed = len(self._text), False
        found = _OBJECT.search(self._text, _after_thoughts(self._text))
        if found is None:
            return []
        end = _end(self._text, found.start())
        body = self._text[found.start() : end].encode("utf-8", "replace")
        try:
            self._document = jiter.from_json(
                body, partial_mode=end is None, allow_inf_nan=False, catch_duplicate_keys=True
            )
        except ValueError as error:
            self.problem = f"is not valid JSON: {_one_line(error)}"
            return []
        self.complete = end is not None
        self.problem = self._fault()
        if self.problem is None and self.complete and self.answerable is False:
            self.dropped += map(self._denied, self._document["claims"][:MAX_CLAIMS])
        return [] if self.problem or not self.answerable else self._ready()

    def _fault(self) -> str | None:
        """Return what is wrong with what there is of the object so far."""
        document = self._document
        if "answerable" in document and self.answerable is None:
            return '"answerable" must be true or false'
        if not isinstance(document.get("claims", []), list):
            return '"claims" must be a list'
        missing = [f'"{name}"' for name in ("answerable", "claims") if name not in document]
        return f"lacks {' and '.join(missing)}" if self.complete and missing else None

    def _ready(self) -> list[Claim]:
        """Check claims that have ended: all but the last, and that one, too, once something follows the list."""
        given = self._document.get("claims", [])
        closed = self.complete or ("claims" in self._document and list(self._document)[-1] != "claims")
        passed: list[Claim] = []
        for item in given[self._read : len(given) if closed else len(given) - 1][: MAX_CLAIMS - self._read]:
            self._read += 1
            checked = self._once(self._check(item))
            if isinstance(checked, Claim):
                passed.append(checked)
                self.claims.append(checked)
            else:
                self.dropped.append(checked)
        return passed

    def _denied(self, item: Any) -> DroppedClaim:
        return DroppedClaim(text=self._check(item).text[:300], reason='stands beside "answerable": false')

    def _once(self, checked: Claim | DroppedClaim) -> Claim | DroppedClaim:
        said = isinstance(checked, Claim) and (checked.text, checked.cites) in {(c.text, c.cites) for c in self.claims}
        return DroppedClaim(text=checked.text[:300], reason="was said before") if said else checked


def _after_thoughts(text: str) -> int:
    thoughts = _THOUGHTS.match(text)
    return thoughts.end() if thoughts else 0


def _end(text: str, start: int) -> int | None:
    """Return where the JSON object that starts there ends; None where it has not ended, or is none."""
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None


def _one_line(error: ValueError) -> str:
    """Return jiter's words, which quote nothing but a doubled key."""
    return re.sub(r'".*"', "a key", str(error)).splitlines()[0][:120]
