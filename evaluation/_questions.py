"""Yes/no questions about presence as truth: which pictures have an object, which lack it, which nobody knows."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core import Sample

from ._ranking import NO_CANDIDATE, Gains

KIND = "presence"
"""`Question.kind` of the questions that are read."""
ANSWERS: Mapping[str, bool] = {"yes": True, "no": False}

_END = r"(?: in the (?:image|picture|scene))?\s*\?*"
# As RSVQA asks (https://arxiv.org/abs/2003.07333): "Is there a water area?", "Is a water area present in the image?"
_WORDINGS = (
    re.compile(rf"(?:is|are) there (?:(?:an?|any|some) )?(?P<object>.+?)(?: present)?{_END}"),
    re.compile(rf"(?:is|are) (?:(?:an?|any|some|the) )?(?P<object>.+?) (?:present|visible){_END}"),
)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What questions say about pictures."""

    objects: tuple[str, ...]
    """(q,) objects in words, sorted."""
    truth: Gains
    """(q, n): 1 answered yes, 0 answered no, -1 not asked or contradictory."""
    questions: int
    """Questions about presence."""
    unread: tuple[str, ...]
    """Those whose wording or answer is not understood."""
    contradictory: int
    """Pairs of picture and object that were answered yes and no, left out."""

    def take(self, rows: Sequence[int]) -> Answers:
        """Return the answers about some objects."""
        return Answers(
            objects=tuple(self.objects[row] for row in rows),
            truth=self.truth[list(rows)],
            questions=self.questions,
            unread=self.unread,
            contradictory=self.contradictory,
        )


def read_answers(samples: Sequence[Sample]) -> Answers:
    """Read the questions about presence of n pictures."""
    asked = [
        (picture, question)
        for picture, sample in enumerate(samples)
        for question in sample.questions
        if question.kind == KIND
    ]
    said: dict[tuple[str, int], set[bool]] = defaultdict(set)
    unread: list[str] = []
    for picture, question in asked:
        name, answer = object_of(question.text), ANSWERS.get(question.answer.strip().lower())
        if name is None or answer is None:
            unread.append(f"{question.text} {question.answer}")
        else:
            said[name, picture].add(answer)
    objects = tuple(sorted({name for name, _ in said}))
    number = {name: row for row, name in enumerate(objects)}
    truth = np.full((len(objects), len(samples)), NO_CANDIDATE, dtype=np.int32)
    for (name, picture), answers in said.items():
        if len(answers) == 1:
            truth[number[name], picture] = int(*answers)
    return Answers(
        objects=objects,
        truth=truth,
        questions=len(asked),
        unread=tuple(unread),
        contradictory=sum(len(answers) > 1 for answers in said.values()),
    )


def object_of(question: str) -> str | None:
    """Return the object a question asks for, in lower case and without an article, or None where none is found."""
    plain = " ".join(question.lower().split())
    found = next((match for wording in _WORDINGS if (match := wording.fullmatch(plain))), None)
    return None if found is None else found["object"]


def balanced(answers: Answers, least: int) -> list[int]:
    """Return the rows of objects that at least so many pictures have and so many lack."""
    counts = [Counter(row.tolist()) for row in answers.truth]
    return [row for row, count in enumerate(counts) if min(count[1], count[0]) >= least]
