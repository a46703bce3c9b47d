"""The training loop: draw, augment, encode, three losses, step, average.

Every random draw comes from a generator seeded by (seed, step) or (seed, epoch), so a run that was cut off and resumed
takes exactly the steps that an undisturbed run takes.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Generator, Tensor, nn

from ._augment import Augment
from ._checkpoint import BEST, FINAL, Position, RunState, load_checkpoint, save_checkpoint, save_weights
from ._config import TrainingConfig
from ._data import TrainingData
from ._fit import TextFit, term_precision
from ._losses import caption_loss, identical_captions, image_loss, label_loss
from ._metrics import validation_figures
from ._model import TwoTowers
from ._text import SentenceTable

CHUNK = 128


class Trainer:
    """One run: its networks, its data and where it stands."""

    def __init__(self, config: TrainingConfig, data: TrainingData, table: SentenceTable) -> None:
        """Set up with fresh weights."""
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.config = config
        self.table = table
        self.labels = torch.from_numpy(data.train.labels)
        self.pictures = torch.from_numpy(data.train.pictures)
        self.val_labels = torch.from_numpy(data.val.labels)
        self.val_pictures = torch.from_numpy(data.val.pictures)
        self.model = TwoTowers(config.image).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimiser = _optimiser(self.model, config)
        self.augment = Augment(config.augment, config.image.size)
        self.mean = torch.tensor(config.image.mean).view(1, 3, 1, 1)
        self.std = torch.tensor(config.image.std).view(1, 3, 1, 1)
        self.steps_per_epoch = max(1, len(self.pictures) // config.optimiser.batch)
        self.steps = self.steps_per_epoch * config.optimiser.epochs

    def run(self, folder: Path, recipe: str, *, resume: bool, after_epoch: Callable[[Position], None]) -> Position:
        """Train to the last epoch and return where the run stands.

        Args:
            folder: Where the checkpoints go.
            recipe: Fingerprint of configuration and data, demanded again on resuming.
            resume: Go on from the checkpoint in `folder`, if there is one.
            after_epoch: Called with the position after each epoch.
        """
        state = RunState(model=self.model, average=self.average, optimiser=self.optimiser)
        position = Position()
        if resume:
            position = load_checkpoint(folder, state, recipe)
        while position.epoch < self.config.optimiser.epochs:
            self._epoch(position)
            if position.history[-1]["score"] > position.best:
                position.best, position.best_epoch = position.history[-1]["score"], position.epoch
                save_weights(folder / BEST, self.average)
            save_checkpoint(folder, state, position, recipe)
            after_epoch(position)
        return position

    def fit_text(self, folder: Path, data: TrainingData) -> dict[str, float]:
        """Take the second stage from the best epoch's weights, write the final ones and return their figures."""
        self.average.load_state_dict(load_file(folder / BEST))
        TextFit(self.config, self.average, data.train, self.table).run()
        save_weights(folder / FINAL, self.average)
        with torch.inference_mode():
            pictures = torch.cat([self._encode_whole(part) for part in torch.split(self.val_pictures, CHUNK)])
        return self.validate() | term_precision(self.average, pictures, data.val, self.config.text.max_tokens)

    def _epoch(self, position: Position) -> None:
        start = time.monotonic()
        self.model.train()
        total = 0.0
        for chosen, views in self._batches(position):
            total += self._step(chosen, views, position.step)
            position.step += 1
        position.epoch += 1
        seconds = time.monotonic() - start
        position.seconds += seconds
        figures = self.validate()
        figures["score"] = figures["text_p10"] + figures["image_p10"]
        rate = self.steps_per_epoch * self.config.optimiser.batch / seconds
        position.history.append(
            {"epoch": position.epoch, "loss": total / self.steps_per_epoch, "images_per_s": rate, **figures}
        )

    def _batches(self, position: Position) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (indices, views); the next batch is augmented while the present one is learned from."""
        order = torch.randperm(len(self.pictures), generator=self._generator(position.epoch, 1))
        batch = self.config.optimiser.batch
        parts = [order[index * batch : (index + 1) * batch] for index in range(self.steps_per_epoch)]
        # One thread for the augmentation: two teams of threads on two cores wait for each other more than they work.
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            pending = pool.submit(self._views, parts[0], position.step)
            for index, chosen in enumerate(parts):
                views = pending.result()
                if index + 1 < len(parts):
                    pending = pool.submit(self._views, parts[index + 1], position.step + 1)
                yield chosen, views

    def _views(self, chosen: Tensor, step: int) -> Tensor:
        return self._normalise(self.augment(self.pictures[chosen], self._generator(step, 2)))

    def _step(self, chosen: Tensor, views: Tensor, step: int) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(step)
        loss = self._loss(chosen, views, self._generator(step, 3))
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimiser.step()
        self._average_weights(step)
        return float(loss.detach())

    def _loss(self, chosen: Tensor, views: Tensor, generator: Generator) -> Tensor:
        weight = self.config.loss
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.optimiser.precision == "bf16"):
            features = self.model.image(views)
        pictures = nn.functional.normalize(features.float(), dim=1)
        labels = self.labels[chosen]
        pick = torch.randint(self.table.captions.shape[1], (len(chosen),), generator=generator)
        rows = self.table.captions[chosen, pick]
        captions = self.model.encode_sentences(self.table.vectors[rows])
        template = int(torch.randint(len(self.table.names), (1,), generator=generator))
        names = self.model.encode_sentences(self.table.vectors[self.table.names[template]])
        by_caption = caption_loss(pictures, captions, identical_captions(rows), self.model.caption_scale)
        by_label = label_loss(pictures, names, labels, self.model.label_scale, weight.label_smoothing)
        by_image = image_loss(pictures, labels, weight.image_temperature)
        return weight.caption * by_caption + weight.label * by_label + weight.image * by_image

    def _learning_rate(self, step: int) -> float:
        rate = self.config.optimiser
        warm = max(1, int(rate.warmup * self.steps))
        if step < warm:
            return rate.learning_rate * (step + 1) / warm
        return rate.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))

    @torch.no_grad()
    def _average_weights(self, step: int) -> None:
        decay = min(self.config.optimiser.ema, (1 + step) / (10 + step))
        for kept, fresh in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(fresh, 1 - decay)
            else:
                kept.copy_(fresh)

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Return the figures of the averaged weights on the validation pictures, seen whole."""
        pictures = torch.cat([self._encode_whole(part) for part in torch.split(self.val_pictures, CHUNK)])
        bare = self.config.text.templates.index("{}") if "{}" in self.config.text.templates else 0
        names = self.average.encode_sentences(self.table.vectors[self.table.names[bare]])
        captions = self.average.encode_sentences(self.table.vectors[self.table.val_captions[:, 0]])
        return validation_figures(pictures, names, captions, self.table.val_captions, self.val_labels)

    def _encode_whole(self, part: Tensor) -> Tensor:
        vectors: Tensor = self.average.encode_pictures(self._normalise(part.permute(0, 3, 1, 2).float().div(255.0)))
        return vectors

    def _normalise(self, x: Tensor) -> Tensor:
        normal: Tensor = (x - self.mean) / self.std
        return normal.contiguous(memory_format=torch.channels_last)

    def _generator(self, number: int, purpose: int) -> Generator:
        return Generator().manual_seed((self.config.seed * 1_000_003 + number) * 8 + purpose)


def _optimiser(model: TwoTowers, config: TrainingConfig) -> torch.optim.AdamW:
    """Return AdamW without decay on norms, biases, temperatures and the projection that starts at the identity."""
    decayed = [p for name, p in model.named_parameters() if p.ndim > 1 and not name.startswith("text.")]
    others = [p for name, p in model.named_parameters() if p.ndim <= 1 or name.startswith("text.")]
    groups = [
        {"params": decayed, "weight_decay": config.optimiser.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.optimiser.learning_rate)
