"""The four controls under which every question is asked: does retrieval help, or would anything have done?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from core import InputError, Tile, picture_tile

Control = Literal["with retrieval", "without retrieval", "shuffled evidence", "blank images"]
"""How a question is asked: as it should be; without anything retrieved; with what was retrieved for another question;
with every picture, the one asked about and those retrieved, replaced by even grey before anything sees it."""
CONTROLS: tuple[Control, ...] = get_args(Control)
FULL, WITHOUT, SHUFFLED, BLANK = CONTROLS
OTHERS = CONTROLS[1:]

SEED = 0
"""Of the shuffle: the same partner for the same questions in every run."""
GREY = 128
"""Of blank pictures: the middle of 8 bits."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What decides which questions may lend each other their evidence."""

    kind: Hashable
    """Questions of one kind lend to each other."""
    group: str
    """Scene or site; evidence comes from a question about another one."""


def partners(questions: Sequence[Asked]) -> list[int | None]:
    """Return for each question the number of another of its kind in another group; None where there is none.

    Each kind is shuffled once, and the partner is the next of another group in that order, so that every question
    lends about as often as it borrows.
    """
    found: list[int | None] = [None] * len(questions)
    for numbers in _by(questions, lambda asked: asked.kind).values():
        order = np.random.default_rng(SEED).permutation(numbers).tolist()
        for place, number in enumerate(order):
            others = (*order[place + 1 :], *order[:place])
            own = questions[number].group
            found[number] = next((other for other in others if questions[other].group != own), None)
    return found


def require_partners(found: Sequence[int | None]) -> list[int]:
    """Return the partners.

    Raises:
        InputError: A question has none.
    """
    lonely = sum(partner is None for partner in found)
    if lonely:
        raise InputError(
            f"shuffled evidence needs another question of the same kind about another group, and {lonely} of "
            f"{len(found)} have none; take more samples (--split all, a larger --limit)"
        )
    return [partner for partner in found if partner is not None]


def blank(tile: Tile) -> Tile:
    """Return an even grey picture of the size of a tile."""
    colours = np.full((*tile.mask.shape, 3), GREY, dtype=np.uint8)
    visible = np.ones(tile.mask.shape, dtype=np.bool_)
    return picture_tile(colours, visible, name=tile.scene_id, collection=tile.collection, href=tile.href)


def _by(questions: Sequence[Asked], key: Callable[[Asked], Hashable]) -> Mapping[Hashable, list[int]]:
    numbers: defaultdict[Hashable, list[int]] = defaultdict(list)
    for number, asked in enumerate(questions):
        numbers[key(asked)].append(number)
    return numbers
