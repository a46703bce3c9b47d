"""What a run leaves for people: a line of figures an epoch and a picture of the curves."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from ._checkpoint import Position
from ._config import TrainingConfig
from ._pools import Split

COLOURS = (
    (31, 119, 180),
    (214, 39, 40),
    (44, 160, 44),
    (148, 103, 189),
    (255, 127, 14),
    (23, 190, 207),
    (140, 86, 75),
    (127, 127, 127),
)
WIDTH, HEIGHT, MARGIN = 860, 460, 50
PACKAGES = ("torch", "numpy", "pillow", "safetensors", "onnx", "onnxruntime", "tokenizers")


def write_metrics(folder: Path, position: Position) -> None:
    """Write metrics.jsonl and curve.png anew from the history, so that both always agree with the checkpoint."""
    lines = [json.dumps(figures) for figures in position.history]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw_curves(position.history, folder / "curve.png")


def write_card(
    folder: Path,
    config: TrainingConfig,
    splits: Sequence[Split],
    *,
    position: Position,
    figures: Mapping[str, float],
    wall_seconds: float,
) -> None:
    """Write card.json: what was run, on what, with which versions, and what came out."""
    card = {
        "revision": _revision(),
        "data": {split.train.config.name: _about(split) for split in splits},
        "hardware": {"machine": platform.machine(), "processors": os.cpu_count(), "accelerator": _accelerator()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "seed": config.seed,
        "steps": position.step,
        "training_seconds": round(position.seconds, 1),
        "last_session_wall_seconds": round(wall_seconds, 1),
        "first_stage": position.history[-1],
        "figures": dict(figures),
        "config": _without_paths(config),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _without_paths(config: TrainingConfig) -> dict[str, object]:
    """Return the configuration with folders by their last name: a card travels, a machine's paths do not."""
    plain = config.as_dict()
    for pool in plain["pools"]:
        pool["root"] = Path(pool["root"]).name
    plain["start"] = Path(plain["start"]).name
    model, at, file = plain["encoder"].partition("@")
    plain["encoder"] = model + at + Path(file).name
    return plain


def _about(split: Split) -> dict[str, object]:
    return {"sha256": split.train.fingerprint, "train": len(split.train), "held_out": len(split.val)}


def _accelerator() -> str | None:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _revision() -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # fixed command
    return answer.stdout.strip() or None


def draw_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw every figure on held-out items over the steps."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    first, last = history[0]["step"], max(history[0]["step"] + 1, history[-1]["step"])
    for tenth in range(11):
        y = _y(tenth / 10)
        pen.line([(MARGIN, y), (WIDTH - MARGIN, y)], fill=(225, 225, 225))
        pen.text((MARGIN - 30, y - 6), f"{tenth / 10:.1f}", fill="black")
    names = [name for name in history[-1] if name.endswith(("p10", "r10", "zero_shot"))]
    for place, name in enumerate(names):
        colour = COLOURS[place % len(COLOURS)]
        points = [(_x(row["step"], first, last), _y(row[name])) for row in history if name in row]
        pen.line(points * 2 if len(points) == 1 else points, fill=colour, width=2)
        pen.text((MARGIN + 6, MARGIN + 4 + 13 * place), f"{name} {history[-1][name]:.3f}", fill=colour)
    pen.text((WIDTH // 2 - 40, HEIGHT - 24), f"step {int(first)} to {int(last)}", fill="black")
    picture.save(path)


def _x(step: float, first: float, last: float) -> float:
    return MARGIN + (WIDTH - 2 * MARGIN) * (step - first) / (last - first)


def _y(value: float) -> float:
    return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value
