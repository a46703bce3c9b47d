"""A training run from data to encoder folder, and its rehearsal. Needs torch; `_train` is the front that does not."""

from __future__ import annotations

import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from .._planes import COLOURS, RANGES
from ._checkpoint import Position
from ._config import TrainingConfig
from ._encoder import Outcome, TrainableEncoder, trainable
from ._loop import Trainer, sized
from ._memory import keep_freed_memory
from ._pools import Pool, Split, load_splits
from ._report import write_card, write_metrics
from ._text import SentenceTable, sentence_table
from ._train import Rehearsal, TrainReport

SHOWN = ("text_p10", "zero_shot", "caption_r10", "radar_to_optical_r10", "place_r10")
"""Figures of the line that is printed; metrics.jsonl holds all."""
REHEARSED = 2
"""Steps that a rehearsal takes after a first one, which is slower than the others."""


def run(config: TrainingConfig, folder: Path, *, resume: bool, progress: Callable[[str], None] | None) -> TrainReport:
    """Train, export, and write down what was done; see `train`."""
    keep_freed_memory()
    folder.mkdir(parents=True, exist_ok=True)
    encoder, started = trainable(config), time.monotonic()
    splits = load_splits(config.pools)
    table = _table(config, splits, encoder, folder)
    trainer = Trainer(config, splits, table, encoder)
    pools = {split.train.config.name: split.train.fingerprint for split in splits}

    def after_look(position: Position) -> None:
        write_metrics(folder, position)
        if progress is not None:
            progress(line_of(position, config.optimiser.steps))

    position = trainer.run(folder, recipe_of(config, pools), resume=resume, after_look=after_look)
    figures = trainer.fit_text(folder, table)
    items, others = real_items(splits, config)
    found = Outcome(folder=folder, figures=figures, pools=pools, items=items, others=others)
    exported = encoder.export(found)
    wall = time.monotonic() - started
    write_card(folder, config, splits, position=position, figures=figures, wall_seconds=wall)
    return TrainReport(folder=folder, encoder=exported, steps=position.step, figures=figures, seconds=position.seconds)


def rehearse(config: TrainingConfig) -> Rehearsal:
    """Load everything, take a few steps that are thrown away, and say what a run would take; see `rehearsal`."""
    encoder = trainable(config)
    splits = load_splits(config.pools)
    with tempfile.TemporaryDirectory() as cache:
        table = _table(config, splits, encoder, Path(cache))
    trainer = Trainer(config, splits, table, encoder)
    taken = []
    for step in range(1 + REHEARSED):
        start = time.monotonic()
        trainer.step(step)
        taken.append(time.monotonic() - start)
    seconds = statistics.mean(taken[1:])
    return Rehearsal(
        items={split.train.config.name: (len(split.train), len(split.val)) for split in splits},
        items_a_step=sum(min(split.train.config.batch, len(split.train)) for split in splits),
        parameters=sum(value.numel() for value in trainer.model.parameters() if value.requires_grad),
        planes_bytes=sum(_bytes_of(part) for split in splits for part in (split.train, split.val)),
        sentences=len(table.vectors),
        device=str(trainer.device),
        seconds_a_step=seconds,
        seconds=seconds * config.optimiser.steps,
    )


def recipe_of(config: TrainingConfig, pools: Mapping[str, str]) -> str:
    """Return what two runs must share for one to go on with the other's first stage: its settings and data."""
    plain = config.as_dict()
    for pool in plain["pools"]:
        pool.pop("root")
    for later in ("card", "words", "threads", "export"):
        plain.pop(later)
    for rhythm in ("save_every", "evaluate_every"):
        plain["optimiser"].pop(rhythm)
    return hashlib.sha256(json.dumps([plain, dict(pools)], sort_keys=True).encode()).hexdigest()[:16]


def real_items(splits: Sequence[Split], config: TrainingConfig) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return planes by modality, as the exported towers see them: some of every pool, and others of every pool.

    The others are held-out items where a pool has enough, else items it learned from.
    """
    share = max(1, config.export.items // len(splits))
    items: dict[str, list[Tensor]] = {}
    others: dict[str, list[Tensor]] = {}
    for split in splits:
        rows = _spread(len(split.train), 2 * share)
        held = split.val.take(_spread(len(split.val), share)) if len(split.val) >= share else None
        for kept, part in ((items, split.train.take(rows[::2])), (others, held or split.train.take(rows[1::2]))):
            for name, planes in (("optical", part.optical), ("radar", part.radar)):
                if planes is not None and len(planes):
                    kept.setdefault(name, []).append(_as_seen(planes, config.size))
    return _joined(items), _joined(others)


def line_of(position: Position, steps: int) -> str:
    """Return the line of figures of the last look."""
    figures = position.history[-1]
    shown = "  ".join(
        f"{name} {value:.3f}" for name, value in figures.items() if name.rpartition(".")[2] in SHOWN or name == "loss"
    )
    if position.step == 0:
        return f"step 0/{steps}  {shown}"
    left = position.seconds / position.step * (steps - position.step) / 60
    return f"step {position.step}/{steps}  {shown}  {position.seconds:.0f} s, {left:.1f} min left"


def _table(config: TrainingConfig, splits: Sequence[Split], encoder: TrainableEncoder, cache: Path) -> SentenceTable:
    parts = [split.train for split in splits] + [split.val for split in splits]
    return sentence_table(config.text, parts, cache, encode=encoder.embed, key=encoder.text_key)


def _spread(count: int, wanted: int) -> Tensor:
    """Return up to `wanted` different rows of `count`, evenly spread."""
    return torch.linspace(0, max(0, count - 1), min(count, wanted)).round().long()


def _as_seen(planes: Tensor, size: int) -> Tensor:
    """Return planes as the exported network takes them: sized, uint8, all ranges."""
    x = sized(planes, size).round().clamp(0, 255).to(torch.uint8)
    if x.shape[1] != len(COLOURS):
        return x
    wide = torch.zeros(len(x), len(RANGES), size, size, dtype=torch.uint8)
    wide[:, list(COLOURS)] = x
    return wide


def _joined(parts: Mapping[str, list[Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat(listed) for name, listed in parts.items()}


def _bytes_of(pool: Pool) -> int:
    return sum(planes.numel() for planes in (pool.optical, pool.radar) if planes is not None)
