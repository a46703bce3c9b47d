"""What a step sees: items of every pool in shuffled passes, augmented, normalised.

Every random draw comes from a generator seeded by (seed, step) or (seed, pool, pass), so a run that was cut off and
resumed draws exactly what an undisturbed run draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ._augment import Augment
from ._config import TrainingConfig
from ._network import Network
from ._pools import Pool


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What one pool gives to a step."""

    pool: int
    """Number of the pool."""
    rows: Tensor
    """Its items, (n,)."""
    optical: Tensor | None
    """Normalised views, (n, 12, size, size)."""
    radar: Tensor | None
    """Normalised views, (n, 2, size, size)."""


class Drawing:
    """Draws the items of each step."""

    def __init__(self, config: TrainingConfig, pools: Sequence[Pool], model: Network) -> None:
        """Set up; `model` says how planes are normalised."""
        self._seed = config.seed
        self._pools = pools
        self._model = model
        self._augment = Augment(config.augment, config.optimiser.size)

    def draw(self, step: int) -> list[Drawn]:
        """Return the views of a step, on the processor."""
        out = []
        for number, pool in enumerate(self._pools):
            rows = self._rows_of_step(number, step)
            light, echo = (None if part is None else part[rows] for part in (pool.optical, pool.radar))
            optical, radar = self._augment(light, echo, pool.config.scale, self.generator(step, 8 + number))
            optical = None if optical is None else self._model.normal_optical(optical)
            radar = None if radar is None else self._model.normal_radar(radar)
            out.append(Drawn(pool=number, rows=rows, optical=optical, radar=radar))
        return out

    def generator(self, number: int, purpose: int) -> Generator:
        """Return the generator of a step or pass for one purpose."""
        return Generator().manual_seed((self._seed * 1_000_003 + number) * 4_096 + purpose)

    def _rows_of_step(self, number: int, step: int) -> Tensor:
        """Return the items of a step: each pool goes round in its own shuffled passes."""
        pool, batch = self._pools[number], min(self._pools[number].config.batch, len(self._pools[number]))
        per_pass = len(pool) // batch
        turn, place = divmod(step, per_pass)
        order = torch.randperm(len(pool), generator=self.generator(turn, 1_000 + number))
        return order[place * batch : (place + 1) * batch]
