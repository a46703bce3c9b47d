"""From drawn views to gradients: in one pass, or in chunks with cached gradients.

With `optimiser.chunk` the towers first encode chunk by chunk without keeping a graph, the loss is taken over all
vectors, and each chunk is then encoded again and given its share of the gradient (Gao et al. 2021, GradCache,
https://arxiv.org/abs/2101.06983). Memory grows with the chunk, the contrast with the whole step. Batch normalisation
sees each chunk by itself, so chunks are exact only for networks without it or with its statistics frozen; running
statistics are updated in the second pass alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._draw import Drawn
from ._network import Network
from ._tables import OptimiserConfig


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """What one pool gives to the losses: the items of one sensor as unit vectors."""

    pool: int
    """Number of the pool."""
    rows: Tensor
    """Its items, (n,)."""
    optical: Tensor | None
    """(n, dim)."""
    radar: Tensor | None
    """(n, dim)."""

    @property
    def parts(self) -> list[Tensor]:
        """The vectors of each sensor there is."""
        return [part for part in (self.optical, self.radar) if part is not None]


class Passes:
    """Takes views through the towers and gradients back."""

    def __init__(self, model: Network, config: OptimiserConfig, device: torch.device) -> None:
        """Set up for a network on a device."""
        self._model = model
        self._config = config
        self._device = device

    def backward(self, drawn: Sequence[Drawn], loss: Callable[[list[Encoded]], Tensor]) -> float:
        """Add the gradients of a step to the network's parameters and return the loss."""
        if self._config.chunk:
            return self._in_chunks(drawn, loss)
        optical, radar = (None if x is None else self._features(tower, x) for tower, x in self._inputs(drawn))
        value = loss(_encoded(drawn, optical, radar))
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    def _in_chunks(self, drawn: Sequence[Drawn], loss: Callable[[list[Encoded]], Tensor]) -> float:
        inputs, chunk = self._inputs(drawn), self._config.chunk
        with torch.no_grad(), running_statistics_kept(self._model):
            features = [
                None if x is None else torch.cat([self._features(tower, part) for part in torch.split(x, chunk)])
                for tower, x in inputs
            ]
        leaves = [None if part is None else part.requires_grad_() for part in features]
        value = loss(_encoded(drawn, *leaves))
        value.backward()  # type: ignore[no-untyped-call]
        for (tower, x), leaf in zip(inputs, leaves, strict=True):
            if x is None or leaf is None or leaf.grad is None:
                continue
            for part, gradient in zip(torch.split(x, chunk), torch.split(leaf.grad, chunk), strict=True):
                torch.autograd.backward(self._features(tower, part), gradient)
        return float(value.detach())

    def _inputs(self, drawn: Sequence[Drawn]) -> list[tuple[nn.Module | None, Tensor | None]]:
        return [
            (self._model.optical, self._stacked([item.optical for item in drawn])),
            (self._model.radar, self._stacked([item.radar for item in drawn])),
        ]

    def _stacked(self, views: list[Tensor | None]) -> Tensor | None:
        given = [view for view in views if view is not None]
        if not given:
            return None
        return torch.cat(given).to(self._device).contiguous(memory_format=torch.channels_last)

    def _features(self, tower: nn.Module | None, x: Tensor) -> Tensor:
        if tower is None:
            raise ValueError("this encoder has no SAR tower")
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._config.precision == "bf16"):
            features = tower(x)
        full: Tensor = features.float()
        return full


@contextmanager
def running_statistics_kept(model: nn.Module) -> Iterator[None]:
    """Let batch normalisation use its batches without adding them to its running statistics."""
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d) and part.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def _encoded(drawn: Sequence[Drawn], optical: Tensor | None, radar: Tensor | None) -> list[Encoded]:
    light = _split(optical, [item.optical for item in drawn])
    echo = _split(radar, [item.radar for item in drawn])
    return [
        Encoded(pool=item.pool, rows=item.rows, optical=one, radar=other)
        for item, one, other in zip(drawn, light, echo, strict=True)
    ]


def _split(features: Tensor | None, views: list[Tensor | None]) -> list[Tensor | None]:
    if features is None:
        return [None] * len(views)
    lengths = [len(view) for view in views if view is not None]
    parts = iter(torch.split(functional.normalize(features, dim=1), lengths))
    return [None if view is None else next(parts) for view in views]
