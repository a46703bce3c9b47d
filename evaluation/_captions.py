"""Which captions belong to which pictures, as written or with repeated captions joined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._ranking import Gains, GainsOf


def caption_owners(captions: Sequence[Sequence[str]]) -> tuple[list[str], list[set[int]]]:
    """Return every different caption, in order of appearance, and the pictures that carry it word for word.

    Args:
        captions: Captions of each picture.
    """
    owners: dict[str, set[int]] = {}
    for row, own in enumerate(captions):
        for caption in own:
            owners.setdefault(caption, set()).add(row)
    return list(owners), list(owners.values())


def owner_gains(owners: Sequence[set[int]], pictures: int) -> GainsOf:
    """Return the truth of captions as queries: right are the pictures that own them."""

    def gains_of(part: slice) -> Gains:
        rows = owners[part]
        gains = np.zeros((len(rows), pictures), dtype=np.int32)
        for row, owned in enumerate(rows):
            gains[row, list(owned)] = 1
        return gains

    return gains_of


def owned_gains(owners: Sequence[set[int]], pictures: Sequence[int]) -> GainsOf:
    """Return the truth of pictures as queries: right are the captions they own.

    Args:
        owners: Pictures that own each caption.
        pictures: Pictures that are asked.
    """
    own: dict[int, list[int]] = {picture: [] for picture in pictures}
    for caption, owned in enumerate(owners):
        for picture in owned & own.keys():
            own[picture].append(caption)

    def gains_of(part: slice) -> Gains:
        rows = pictures[part]
        gains = np.zeros((len(rows), len(owners)), dtype=np.int32)
        for row, picture in enumerate(rows):
            gains[row, own[picture]] = 1
        return gains

    return gains_of
