"""Class names and captions as the words people would type."""

from __future__ import annotations

import re
from itertools import pairwise

EMPTY = frozenset(
    """
    a all also an and are area arranged around as at be beside between big both built by can different each four from
    front has have here in into is it its large like located long lot lots made many middle near next number of on one
    only or other others out over part parts piece pieces placed planted quite several side sides small so some
    surrounded that the their them there these they this three through to together two up very was were which while
    with
    """.split()  # noqa: SIM905  # as a list it would be a hundred lines
)
"""Words of captions that name nothing one could look for by themselves."""


def class_words(label: str) -> str:
    """Turn a folder name into words: 'BareLand' becomes 'bare land', 'storage_tanks' 'storage tanks'."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", label)
    return re.sub(r"[_\s]+", " ", spaced).strip().lower()


def caption_terms(caption: str) -> frozenset[str]:
    """Return what a caption names: its words, and pairs of neighbours, without the empty ones.

    'many green trees are near a swimming pool' names 'green', 'trees', 'green trees', 'swimming', 'pool' and
    'swimming pool'.
    """
    words = re.findall(r"[a-z]+", caption.lower())
    named = [word for word in words if _names(word)]
    pairs = [f"{one} {two}" for one, two in pairwise(words) if _names(one) and _names(two)]
    return frozenset(named + pairs)


def _names(word: str) -> bool:
    return len(word) > 2 and word not in EMPTY
