"""A sample of a dataset: the views of one place, and what is known about it. Listing a dataset reads no pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core._tile import Tile

CHOICE_LETTERS = "ABCDEFGHIJ"
"""Letters of the choices of a question, in their order; published sets have up to five."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One picture of the place."""

    role: str
    """``image`` where there is only one; else ``s1``, ``s2``, ``before``, ``after``, ``s1-before``..."""
    read: Callable[[], Tile]
    """Reads the pixels as one tile, in physical units; raises SceneError where the file cannot be used."""
    files: tuple[Path, ...] = ()
    """The files the pixels are read from: when they change, the picture did."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about the place with its accepted answer."""

    text: str
    """The question, as the dataset words it."""
    answer: str
    """The answer, as the dataset words it."""
    kind: str
    """Question type of the dataset, e.g. ``presence``, ``count``, ``comp``, ``rural_urban``."""
    choices: tuple[str, ...] = ()
    """What may be answered, in the order of ``CHOICE_LETTERS`` and without them; ``answer`` then holds the right ones,
    such as ``B``."""
    region: tuple[float, float, float, float] | None = None
    """Where the answer is to be seen: left, upper, right, lower as fractions of the picture; None where nobody says."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One entry of a dataset."""

    sample_id: str
    """Unique within the dataset; only ``[A-Za-z0-9._-]``."""
    split: str | None
    """``train``, ``val``, ``test``... as the dataset defines it; None where it defines none."""
    group: str
    """What a fair split keeps together: the scene, site or source; the sample's own id where nothing is shared."""
    views: tuple[View, ...]
    """At least one."""
    labels: tuple[str, ...] = ()
    """Classes, as the dataset writes them; several for multi-label datasets."""
    captions: tuple[str, ...] = ()
    """Sentences about the sample."""
    questions: tuple[Question, ...] = ()
    """Questions with answers."""
    mask: Callable[[], NDArray[np.integer]] | None = None
    """Reads the (h, w) class or change mask; None where there is none."""

    def view(self, role: str) -> View:
        """Return the view of that role.

        Raises:
            KeyError: There is none; the message lists the roles there are.
        """
        for view in self.views:
            if view.role == role:
                return view
        raise KeyError(f"{self.sample_id} has no view {role!r}; it has {', '.join(view.role for view in self.views)}")
