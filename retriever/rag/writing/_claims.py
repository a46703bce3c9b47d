"""What of a model's claims is let through: plain sentences that cite what was shown and make up no numbers."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retriever.rag._types import Claim, DroppedClaim, EvidenceSet, QueryPlan
from retriever.rag.writing._foreign import as_data, plain, visible
from retriever.rag.writing._instructions import CLOSING, INSTRUCTIONS
from retriever.rag.writing._numbers import Stated, stated, unsupported
from retriever.rag.writing._shown import LONGEST_CLAIM, fact_row, passage_row, plan_row, tile_row

LONGEST_DROPPED = 300
"""Characters of a dropped claim that are reported."""
_LONGEST_READ = 4 * LONGEST_CLAIM
"""Characters of a claim before its markup is taken out; longer ones are not even cleaned."""
_SHORTEST_SECRET = 12
"""Letters and digits; shorter keys are words such as ``none`` that local servers are given."""
MAX_CITES = 64
"""Citations of one claim; more than the evidence of the largest request has."""

_LONGEST_NUMBER = 12
"""Characters of a citation that are repeated; evidence has two digits, and a model may write thousands."""

_ECHO_WORDS = 8
"""So many words in a row out of the instructions are a leak; seven ("the evidence does not answer the question") may
be a coincidence."""
_WITHHELD = "(withheld)"
_REMOVED = "(link removed)"

_MARKDOWN_LINK = re.compile(r"!?\[([^\]]*)\]\(\s*[^)]*\)")
_INLINE_CITES = re.compile(r"\s*\[\s*(\d{1,6}(?:\s*[,;]\s*\d{1,6})*)\s*\]")
_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>?")
_MARKS = re.compile(r"`+|\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)|~~|^\s*(?:#{1,6}\s|>\s|[-+]\s)")
_LINKS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,15}://\S*"
    r"|\b(?:javascript|data|vbscript|file|mailto|tel):\S+"
    r"|\bwww\.\S+"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"
    r"|\b(?:[a-z0-9-]+\.)+[a-z]{2,24}/\S*"
    # Names of hosts without a path, by endings that are no ending of a file: others read like file names.
    r"|\b(?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|edu|gov|example|invalid|test|app|dev|xyz|online|site)\b\S*",
    re.IGNORECASE,
)
_COMMANDS = re.compile(
    r"\b(?:ignor|disregard|forget|overrid)\w*\b.{0,60}\b(?:instructions?|rules?|prompts?)\b"
    r"|\bsystem (?:prompt|message)\b|\bapi[ _-]?keys?\b|\bdeveloper (?:prompt|message|mode)\b",
    re.IGNORECASE,
)
"""Sentences about the request instead of the evidence."""


class _Said(BaseModel):
    """A claim as a model must write it; more fields than these are not read."""

    model_config = ConfigDict(strict=True, extra="ignore")

    text: Annotated[str, Field(min_length=1)]
    cites: Annotated[list[int], Field(max_length=MAX_CITES)]
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None


class ClaimChecker:
    """Checks what a model says against what it was shown.

    A claim is dropped as a whole where it cites nothing, or anything outside the evidence, even beside numbers that are
    in it: part of what it rests on was made up, and nobody can tell which part of the sentence that was. It is dropped
    where it states a date, count, area or percentage that nothing it rests on gives (see ``_numbers``), where it is
    longer than 400 characters, and where it repeats the instructions or a secret. Links and markup are taken out.

    Args:
        question: As typed.
        plan: How it was read.
        evidence: The evidence set.
        numbers: Those of its numbers that the model was shown.
        secrets: Texts that must not come back, e.g. the key.
    """

    def __init__(
        self,
        question: str,
        plan: QueryPlan,
        evidence: EvidenceSet,
        *,
        numbers: frozenset[int],
        secrets: Sequence[str] = (),
    ) -> None:
        self._numbers = numbers
        self._secrets = [bare for secret in secrets if len(bare := _bare(secret)) >= _SHORTEST_SECRET]
        given = [as_data(plan_row(question, plan)), *(fact_row(fact, numbers)["fact"] for fact in evidence.facts)]
        self._given = stated(given)
        rows = [*map(tile_row, evidence.tiles), *map(passage_row, evidence.passages)]
        self._by_number = {row["number"]: _row_states(row) for row in rows if row["number"] in numbers}

    def claim(self, item: Any) -> Claim | DroppedClaim:
        """Return a claim, cleaned, or why it is dropped."""
        try:
            said = _Said.model_validate(item)
        except ValidationError as error:
            return DroppedClaim(text=self._reported(item), reason=_shape(error))
        if len(said.text) > _LONGEST_READ:
            return DroppedClaim(text=self._reported(item), reason=f"has {len(said.text):,} characters")
        text, inline = _cleaned(said.text)
        cites = tuple(dict.fromkeys((*said.cites, *inline)))
        # Before and after cleaning: an entity, a mark or a tag between letters hides them from the one or the other.
        reason = self._leak(said.text) or self._leak(text) or self._fault(text, cites)
        if reason:
            return DroppedClaim(text=self._reported(item), reason=reason)
        return Claim(text=text, cites=cites, confidence=said.confidence)

    def caveat(self, item: Any) -> str | None:
        """Return a caveat, cleaned; None where it is not let through."""
        if not isinstance(item, str) or len(item) > LONGEST_CLAIM or self._leak(item):
            return None
        text, _ = _cleaned(item)
        if not text or self._leak(text):
            return None
        everything = self._states(self._by_number)
        return None if unsupported(text, everything, cited=len(self._numbers)) else text

    def _fault(self, text: str, cites: tuple[int, ...]) -> str | None:
        unknown = [number for number in cites if number not in self._numbers]
        if not text.replace(_REMOVED, "").strip(" .,;:!?"):
            return "says nothing"
        if len(text) > LONGEST_CLAIM:
            return f"has {len(text):,} characters; at most {LONGEST_CLAIM} are let through"
        if not cites:
            return "cites nothing"
        if unknown:
            listed = ", ".join(f"[{plain(str(number), _LONGEST_NUMBER)}]" for number in unknown[:5])
            return f"cites {listed}, which is not in the evidence"
        wrong = unsupported(text, self._states(cites), cited=len(cites))
        return f"says {wrong}, which no fact, no evidence it cites and not the question says" if wrong else None

    def _states(self, numbers: Sequence[int] | dict[int, Stated]) -> Stated:
        given = self._given
        for number in numbers:
            given |= self._by_number[number]
        return given

    def _leak(self, text: str) -> str | None:
        seen = visible(text[:_LONGEST_READ])
        if any(secret in _bare(text) for secret in self._secrets):
            return "repeats a secret"
        if _COMMANDS.search(seen) or _shingles(seen) & _OWN_WORDS:
            return "repeats instructions"
        return None

    def _reported(self, item: Any) -> str:
        """Return the beginning of a dropped claim; nothing of one that leaks."""
        text = item.get("text") if isinstance(item, dict) else None
        if not isinstance(text, str):
            return ""
        shown = plain(_cleaned(text[:_LONGEST_READ])[0], LONGEST_DROPPED)
        return _WITHHELD if self._leak(text) or self._leak(shown) else shown


def _row_states(row: dict[str, Any]) -> Stated:
    """Return the numbers of a tile or passage; its cloud is a percentage."""
    cloud = f"{row['cloud_percent']} %" if "cloud_percent" in row else ""
    return stated([*(str(row[name]) for name in ("date", "title", "text") if name in row), cloud])


def _shape(error: ValidationError) -> str:
    """Return what is wrong with a claim's form, without anything it says."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"][:1]) or "claim"
    return f"{where}: {first['msg']}"


def _cleaned(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a sentence without links, markup and citations, and the citations that stood in it."""
    line = _MARKDOWN_LINK.sub(r"\1", visible(html.unescape(text)))
    inline = [int(number) for match in _INLINE_CITES.finditer(line) for number in re.findall(r"\d+", match[1])]
    line = _INLINE_CITES.sub("", line)
    while (stripped := _MARKS.sub("", _TAG.sub("", line))) != line:  # what is left must not form a new tag
        line = stripped
    line = _LINKS.sub(_REMOVED, line)
    return " ".join(plain(line, len(line) + 1).split()), tuple(inline)


def _bare(text: str) -> str:
    """Return only the letters and digits, so that nothing can be hidden by what is put between them."""
    return "".join(char for char in text if char.isalnum()).casefold()


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return frozenset(tuple(words[start : start + _ECHO_WORDS]) for start in range(len(words) - _ECHO_WORDS + 1))


_OWN_WORDS = _shingles(f"{INSTRUCTIONS} {CLOSING}")
