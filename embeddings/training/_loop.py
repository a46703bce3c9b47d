"""The training loop: draw from every pool, augment, encode by sensor, four losses, step, average.

Every random draw comes from a generator seeded by (seed, step) or (seed, pool, pass), so a run that was cut off and
resumed takes exactly the steps that an undisturbed run takes.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Generator, Tensor, nn

from ._augment import Augment
from ._checkpoint import FINAL, FIRST, Position, RunState, load_checkpoint, save_checkpoint, save_weights
from ._config import TrainingConfig
from ._figures import pool_figures
from ._fit import TextFit
from ._losses import caption_loss, identical_captions, image_loss, label_loss, pair_loss
from ._pools import Pool, Split
from ._text import SentenceTable
from ._towers import DIM, Towers, normal_optical, normal_radar
from ._warm_start import start_towers

CHUNK = 128


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


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """What one pool gives to the losses: the items of one sensor as unit vectors."""

    pool: int
    """Number of the pool."""
    rows: Tensor
    """Its items, (n,)."""
    optical: Tensor | None
    """(n, 384)."""
    radar: Tensor | None
    """(n, 384)."""

    @property
    def parts(self) -> list[Tensor]:
        """The vectors of each sensor there is."""
        return [part for part in (self.optical, self.radar) if part is not None]


class Trainer:
    """One run: its networks, its data and where it stands."""

    def __init__(self, config: TrainingConfig, splits: Sequence[Split], table: SentenceTable) -> None:
        """Set up with the configured start.

        Args:
            config: The run's configuration.
            splits: One for each pool of the configuration.
            table: Sentences of the training parts, then of the held-out parts.
        """
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.config = config
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.pools = [split.train for split in splits]
        self.held = [split.val for split in splits]
        self.vectors = table.vectors.to(self.device)
        self.rows = table.rows[: len(splits)]
        self.held_rows = table.rows[len(splits) :]
        self.places = [_numbered(pool.places) for pool in self.pools]
        self.model = self._fresh_towers()
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimiser = _optimiser(self.model, config)
        self.augment = Augment(config.augment, config.optimiser.size)
        self.terms: dict[str, list[float]] = {}
        self.queues = {index: self._no_pairs() for index, pool in enumerate(self.pools) if pool.config.pair}

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
        total, start = 0.0, time.monotonic()
        while position.step < optimiser.steps:
            total += self._step(position.step)
            position.step += 1
            last = position.step == optimiser.steps
            look = position.step % optimiser.evaluate_every == 0 or last
            if look or position.step % optimiser.save_every == 0:
                position.seconds += time.monotonic() - start
                if look:
                    position.history.append({"step": position.step, "loss": total / optimiser.evaluate_every})
                    position.history[-1] |= {"seconds": position.seconds, **self._noted(), **self.look()}
                    total = 0.0
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
            TextFit(self.config, self.average.to("cpu"), self.pools, table).run()
            self.average.to(self.device)
        save_weights(folder / FINAL, self.average)
        return self.look()

    @torch.inference_mode()
    def look(self) -> dict[str, float]:
        """Return the figures of the averaged weights on the held-out items, seen whole."""
        figures: dict[str, float] = {}
        for pool, rows in zip(self.held, self.held_rows, strict=True):
            if len(pool) < 2:
                continue
            found = pool_figures(
                self.encode_whole(pool),
                self._sentences(rows.names[self._bare()]) if rows.names.numel() else torch.zeros(0, DIM),
                pool.shares,
                self._sentences(rows.captions[:, 0]) if rows.captions.shape[1] else torch.zeros(0, DIM),
                rows.captions,
            )
            figures |= {f"{pool.config.name}.{name}": value for name, value in found.items()}
        return figures

    @torch.inference_mode()
    def encode_whole(self, pool: Pool) -> dict[str, Tensor]:
        """Return unit vectors of a pool's items as the exported encoder sees them, by modality."""
        out = {}
        for name, planes, encode in (
            ("optical", pool.optical, self.average.encode_optical),
            ("radar", pool.radar, self.average.encode_radar),
        ):
            if planes is not None:
                out[name] = torch.cat([encode(self._sized(part)).cpu() for part in torch.split(planes, CHUNK)])
        return out

    def _sized(self, planes: Tensor) -> Tensor:
        size, x = self.config.size, planes.to(self.device).float()
        if x.shape[-1] == size:
            return x
        how = {"mode": "bilinear", "align_corners": False, "antialias": True}
        return nn.functional.interpolate(x, size=(size, size), **how)  # type: ignore[arg-type]

    def _sentences(self, rows: Tensor) -> Tensor:
        return self.average.encode_sentences(self.vectors[rows]).cpu()

    def _bare(self) -> int:
        return self.config.text.templates.index("{}") if "{}" in self.config.text.templates else 0

    def _state(self) -> RunState:
        return RunState(model=self.model, average=self.average, optimiser=self.optimiser, queues=self.queues)

    def _fresh_towers(self) -> Towers:
        towers = Towers()
        start_towers(towers, self.config.start)
        moved: Towers = towers.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return moved

    def _no_pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        nothing = torch.zeros(0, DIM, device=self.device)
        return nothing, nothing.clone(), torch.zeros(0, dtype=torch.int64, device=self.device)

    def _step(self, step: int) -> float:
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(step)
        loss = self._loss(self._encode(self._draw(step)), self._generator(step, 3))
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimiser.step()
        self._average_weights(step)
        return float(loss.detach())

    def _draw(self, step: int) -> list[Drawn]:
        out = []
        for number, pool in enumerate(self.pools):
            rows = self._rows_of_step(number, step)
            light, echo = (None if part is None else part[rows] for part in (pool.optical, pool.radar))
            optical, radar = self.augment(light, echo, pool.config.scale, self._generator(step, 8 + number))
            optical = None if optical is None else normal_optical(optical)
            radar = None if radar is None else normal_radar(radar)
            out.append(Drawn(pool=number, rows=rows, optical=optical, radar=radar))
        return out

    def _rows_of_step(self, number: int, step: int) -> Tensor:
        """Return the items of a step: each pool goes round in its own shuffled passes."""
        pool, batch = self.pools[number], min(self.pools[number].config.batch, len(self.pools[number]))
        per_pass = len(pool) // batch
        turn, place = divmod(step, per_pass)
        order = torch.randperm(len(pool), generator=self._generator(turn, 1_000 + number))
        return order[place * batch : (place + 1) * batch]

    def _encode(self, drawn: list[Drawn]) -> list[Encoded]:
        optical = self._through(self.model.optical, [item.optical for item in drawn])
        radar = self._through(self.model.radar, [item.radar for item in drawn])
        return [
            Encoded(pool=item.pool, rows=item.rows, optical=light, radar=echo)
            for item, light, echo in zip(drawn, optical, radar, strict=True)
        ]

    def _through(self, tower: nn.Module, views: list[Tensor | None]) -> list[Tensor | None]:
        given = [view for view in views if view is not None]
        if not given:
            return [None] * len(views)
        x = torch.cat(given).to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.optimiser.precision == "bf16"):
            features = tower(x)
        parts = iter(torch.split(nn.functional.normalize(features.float(), dim=1), [len(view) for view in given]))
        return [None if view is None else next(parts) for view in views]

    def _loss(self, encoded: list[Encoded], generator: Generator) -> Tensor:
        template = int(torch.randint(len(self.config.text.templates), (1,), generator=generator))
        total = self._caption_term(encoded, generator)
        self._note("caption", total)
        for item in encoded:
            config, rows = self.pools[item.pool].config, self.rows[item.pool]
            shares = self.pools[item.pool].shares[item.rows].to(self.device)
            for part in item.parts if config.label else []:
                names = self.model.encode_sentences(self.vectors[rows.names[template]])
                smoothing = self.config.loss.label_smoothing
                by_label = label_loss(part, names, shares, self.model.label_scale, smoothing)
                self._note(f"{config.name}.label", by_label)
                total = total + config.label * by_label
            for part in item.parts if config.image else []:
                by_image = image_loss(part, shares, self.config.loss.image_temperature)
                self._note(f"{config.name}.image", by_image)
                total = total + config.image * by_image
            if config.pair:
                by_pair = self._pair_term(item)
                self._note(f"{config.name}.pair", by_pair)
                total = total + config.pair * by_pair
        return total

    def _note(self, term: str, value: Tensor) -> None:
        self.terms.setdefault(term, []).append(float(value.detach()))

    def _noted(self) -> dict[str, float]:
        """Return the mean of each loss term since the last look."""
        means = {f"loss.{term}": sum(values) / len(values) for term, values in self.terms.items()}
        self.terms.clear()
        return means

    def _caption_term(self, encoded: list[Encoded], generator: Generator) -> Tensor:
        """Return the contrast of all captioned items of the step, whatever their sensor, with their captions."""
        vectors, sentences = [], []
        for item in encoded:
            rows = self.rows[item.pool].captions[item.rows]
            if not self.pools[item.pool].config.caption or rows.shape[1] == 0:
                continue
            picked = rows.gather(1, torch.randint(rows.shape[1], (len(rows), 1), generator=generator))[:, 0]
            for part in item.parts:
                vectors.append(part[picked >= 0])
                sentences.append(picked[picked >= 0])
        if not vectors:
            return self.model.text.weight.sum() * 0.0
        rows = torch.cat(sentences)
        captions = self.model.encode_sentences(self.vectors[rows])
        same = identical_captions(rows).to(self.device)
        return caption_loss(torch.cat(vectors), captions, same, self.model.caption_scale)

    def _pair_term(self, item: Encoded) -> Tensor:
        if item.optical is None or item.radar is None:
            raise ValueError(f"pool {self.pools[item.pool].config.name} has no pairs")
        places, earlier = self.places[item.pool][item.rows].to(self.device), self.queues[item.pool]
        loss = pair_loss(item.optical, item.radar, places, earlier, self.model.pair_scale)
        fresh = (item.optical.detach(), item.radar.detach(), places)
        kept = self.config.loss.queue
        joined = [torch.cat([new, old])[:kept] for new, old in zip(fresh, earlier, strict=True)]
        self.queues[item.pool] = (joined[0], joined[1], joined[2])
        return loss

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

    def _generator(self, number: int, purpose: int) -> Generator:
        return Generator().manual_seed((self.config.seed * 1_000_003 + number) * 4_096 + purpose)


def _numbered(places: tuple[str, ...]) -> Tensor:
    number = {place: index for index, place in enumerate(sorted(set(places)))}
    return torch.tensor([number[place] for place in places])


def _optimiser(model: Towers, config: TrainingConfig) -> torch.optim.AdamW:
    """Return AdamW without decay on norms, biases, temperatures and the projection that starts at the identity."""
    decayed = [p for name, p in model.named_parameters() if p.ndim > 1 and not name.startswith("text.")]
    others = [p for name, p in model.named_parameters() if p.ndim <= 1 or name.startswith("text.")]
    groups = [
        {"params": decayed, "weight_decay": config.optimiser.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.optimiser.learning_rate)
