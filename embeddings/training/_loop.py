"""The training loop: draw from every pool, encode by sensor, add up the losses, step, average.

Nothing random is drawn outside `_draw`, so a run that was cut off and resumed takes exactly the steps that an
undisturbed run takes.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ._checkpoint import FINAL, FIRST, Position, RunState, load_checkpoint, save_checkpoint, save_weights
from ._config import TrainingConfig
from ._draw import Drawing
from ._encoder import TrainableEncoder, trainable
from ._figures import place_figures, pool_figures
from ._fit import TextFit
from ._network import Network
from ._objective import Objective
from ._passes import Passes
from ._pools import Pool, Split
from ._text import SentenceTable

CHUNK = 128
UNTRAINED = ("imagenet", "fresh")
"""Starts that know no sentences: only from others is there something to look at before the first step."""


class Trainer:
    """One run: its networks, its data and where it stands."""

    def __init__(
        self,
        config: TrainingConfig,
        splits: Sequence[Split],
        table: SentenceTable,
        encoder: TrainableEncoder | None = None,
    ) -> None:
        """Set up with the configured start.

        Args:
            config: The run's configuration.
            splits: One for each pool of the configuration.
            table: Sentences of the training parts, then of the held-out parts.
            encoder: What is trained; None means the configured one.
        """
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.config = config
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.encoder = encoder or trainable(config)
        self.pools = [split.train for split in splits]
        self.held = [split.val for split in splits]
        self.vectors = table.vectors.to(self.device)
        self.held_rows = table.rows[len(splits) :]
        self.model: Network = self.encoder.build().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types no memory_format here
        for part in config.optimiser.frozen:
            getattr(self.model, part).requires_grad_(False)
        self.average: Network = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimiser = _optimiser(self.model, config)
        self.drawing = Drawing(config, self.pools, self.model)
        self.passes = Passes(self.model, config.optimiser, self.device)
        self.objective = Objective(config, self.pools, table, self.model)

    def run(self, folder: Path, recipe: str, *, resume: bool, after_look: Callable[[Position], None]) -> Position:
        """Train to the last step and return where the run stands.

        Args:
            folder: Where the checkpoints go.
            recipe: Fingerprint of configuration and data, demanded again on resuming.
            resume: Go on from the checkpoint in `folder`, if there is one.
            after_look: Called with the position after each look at the held-out items.
        """
        position = load_checkpoint(folder, self._state(), recipe) if resume else Position()
        optimiser = self.config.optimiser
        if not position.history and self.config.start not in UNTRAINED:
            position.history.append({"step": 0, "seconds": 0.0, **self.look()})
            after_look(position)
        losses: list[float] = []
        start = time.monotonic()
        while position.step < optimiser.steps:
            losses.append(self.step(position.step))
            position.step += 1
            look = position.step % optimiser.evaluate_every == 0 or position.step == optimiser.steps
            if look or position.step % optimiser.save_every == 0:
                position.seconds += time.monotonic() - start
                if look:
                    figures = {"step": position.step, "loss": sum(losses) / len(losses), "seconds": position.seconds}
                    position.history.append(figures | self.objective.noted() | self.look())
                    losses.clear()
                save_checkpoint(folder, self._state(), position, recipe)
                if look:
                    after_look(position)
                start = time.monotonic()
        save_weights(folder / FIRST, self.average)
        return position

    def fit_text(self, folder: Path, table: SentenceTable) -> dict[str, float]:
        """Take the second stage from the final weights, write them anew and return their figures."""
        self.average.load_state_dict(load_file(folder / FIRST))
        if self.config.words.steps:
            TextFit(self.config, self.average.to("cpu"), self.pools, table, self.encoder.embed).run()
            self.average.to(self.device)
        save_weights(folder / FINAL, self.average)
        return self.look()

    def step(self, step: int) -> float:
        """Take one step and return its loss."""
        self.model.train()
        for part in self.config.optimiser.frozen:
            getattr(self.model, part).eval()
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(step)
        drawn, generator = self.drawing.draw(step), self.drawing.generator(step, 3)
        self.optimiser.zero_grad()
        loss = self.passes.backward(drawn, lambda encoded: self.objective(encoded, generator))
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimiser.step()
        self._average_weights(step)
        return loss

    @torch.inference_mode()
    def look(self) -> dict[str, float]:
        """Return the figures of the averaged weights on the held-out items, seen whole."""
        figures: dict[str, float] = {}
        for pool, rows in zip(self.held, self.held_rows, strict=True):
            if len(pool) < 2:
                continue
            nothing = torch.zeros(0, self.model.dim)
            vectors = self.encode_whole(pool)
            found = pool_figures(
                vectors,
                self._sentences(rows.names[self._bare()]) if rows.names.numel() else nothing,
                pool.shares,
                self._sentences(rows.captions[:, 0]) if rows.captions.shape[1] else nothing,
                rows.captions,
            )
            found |= self._place_figures(pool, vectors)
            figures |= {f"{pool.config.name}.{name}": value for name, value in found.items()}
        return figures

    def _place_figures(self, pool: Pool, vectors: dict[str, Tensor]) -> dict[str, float]:
        known = pool.centroids.isfinite().all(dim=1)
        if self.average.location is None or int(known.sum()) < 2:
            return {}
        places = self.average.encode_places(pool.centroids[known].to(self.device)).cpu()
        return place_figures(vectors, places, known)

    @torch.inference_mode()
    def encode_whole(self, pool: Pool) -> dict[str, Tensor]:
        """Return unit vectors of a pool's items as the exported encoder sees them, by modality."""
        out = {}
        for name, planes, encode in (
            ("optical", pool.optical, self.average.encode_optical),
            ("radar", pool.radar, self.average.encode_radar),
        ):
            if planes is not None:
                parts = [sized(part.to(self.device), self.config.size) for part in torch.split(planes, CHUNK)]
                out[name] = torch.cat([encode(part).cpu() for part in parts])
        return out

    def _sentences(self, rows: Tensor) -> Tensor:
        return self.average.encode_sentences(self.vectors[rows]).cpu()

    def _bare(self) -> int:
        return self.config.text.templates.index("{}") if "{}" in self.config.text.templates else 0

    def _state(self) -> RunState:
        return RunState(model=self.model, average=self.average, optimiser=self.optimiser, queues=self.objective.queues)

    def _learning_rate(self, step: int) -> float:
        rate = self.config.optimiser
        warm = max(1, int(rate.warmup * rate.steps))
        if step < warm:
            return rate.learning_rate * (step + 1) / warm
        return rate.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, rate.steps - warm)))

    @torch.no_grad()
    def _average_weights(self, step: int) -> None:
        decay = min(self.config.optimiser.ema, (1 + step) / (10 + step))
        for kept, fresh in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(fresh, 1 - decay)
            else:
                kept.copy_(fresh)


def sized(planes: Tensor, size: int) -> Tensor:
    """Return planes (n, c, h, w) as float (n, c, size, size), resampled as the exported encoder's input is."""
    x = planes.float()
    if x.shape[-2:] == (size, size):
        return x
    out: Tensor = nn.functional.interpolate(x, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
    return out


def _optimiser(model: Network, config: TrainingConfig) -> torch.optim.AdamW:
    """Return AdamW without decay on norms, biases, temperatures and the projection that starts at the identity."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    decayed = [p for name, p in named if p.ndim > 1 and not name.startswith("text.")]
    others = [p for name, p in named if p.ndim <= 1 or name.startswith("text.")]
    groups = [
        {"params": decayed, "weight_decay": config.optimiser.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.optimiser.learning_rate)
