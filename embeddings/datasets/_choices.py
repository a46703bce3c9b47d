"""Multiple choice as datasets write it: options with or without their letters, answers as one letter or several."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core import CHOICE_LETTERS

_LETTERED = re.compile(r"\s*(?:\(([A-J])\)|([A-J])[.):])\s*(?P<text>.*)", re.DOTALL)
_INLINE = re.compile(r"(?:^|\s)\(?([A-J])[.)]\s+(.*?)(?=\s+\(?[A-J][.)]\s|$)", re.DOTALL)


def plain_choices(options: Sequence[str]) -> tuple[str, ...]:
    """Return options in their order, without `(A)`, `A.` or `A)` before them, on one line each."""
    found = [(match["text"] if (match := _LETTERED.fullmatch(option)) else option) for option in options]
    return tuple(" ".join(text.split()) for text in found)


def split_choices(options: str) -> tuple[str, ...]:
    """Return the options of one text, such as `A. flood B. fire`; none where they are not lettered from A on."""
    found = _INLINE.findall(options)
    if [letter for letter, _ in found] != list(CHOICE_LETTERS[: len(found)]):
        return ()
    return plain_choices([text for _, text in found])


def answer_letters(answer: str, choices: Sequence[str]) -> str:
    """Return the letters of an answer in their order, without what stands between them, e.g. `AC` for `C, A`.

    Raises:
        ValueError: It is not made of letters of the choices.
    """
    letters = re.sub(r"[\s,;()./&]+|\band\b", "", answer, flags=re.IGNORECASE).upper()
    known = CHOICE_LETTERS[: len(choices)]
    if not letters or set(letters) - set(known):
        raise ValueError(f"answer {answer!r} is not one of {', '.join(known)}")
    return "".join(sorted(set(letters)))
