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

from PIL import Image, ImageDraw

from ._checkpoint import Position
from ._config import TrainingConfig
from ._data import TrainingData

COLOURS = {
    "text_p10": (31, 119, 180),
    "image_p10": (214, 39, 40),
    "zero_shot": (44, 160, 44),
    "caption_r10": (148, 103, 189),
}
WIDTH, HEIGHT, MARGIN = 760, 420, 50


def write_metrics(folder: Path, position: Position) -> None:
    """Write metrics.jsonl and curve.png anew from the history, so that both always agree with the checkpoint."""
    lines = [json.dumps(figures) for figures in position.history]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw_curves(position.history, folder / "curve.png")


def write_card(
    folder: Path, config: TrainingConfig, data: TrainingData, position: Position, figures: Mapping[str, float]
) -> None:
    """Write card.json: what was run, on what, with which versions, and what came out."""
    plain = config.as_dict()
    plain["data"]["root"] = None  # a path of one machine says nothing on another
    card = {
        "revision": _revision(),
        "data_sha256": data.fingerprint,
        "pictures": {"train": len(data.train), "val": len(data.val)},
        "hardware": {"machine": platform.machine(), "processors": os.cpu_count()},
        "versions": {name: version(name) for name in ("torch", "numpy", "pillow")},
        "seconds": round(position.seconds),
        "best_epoch": position.best_epoch,
        "first_stage": position.history[position.best_epoch - 1],
        "figures": dict(figures),
        "config": plain,
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _revision() -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # fixed command
    return answer.stdout.strip() or None


def draw_curves(history: Sequence[dict[str, float]], path: Path) -> None:
    """Draw the four validation figures over the epochs."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    last = max(2.0, history[-1]["epoch"])
    for tenth in range(11):
        y = _y(tenth / 10)
        pen.line([(MARGIN, y), (WIDTH - MARGIN, y)], fill=(225, 225, 225))
        pen.text((MARGIN - 30, y - 6), f"{tenth / 10:.1f}", fill="black")
    for place, (name, colour) in enumerate(COLOURS.items()):
        points = [(_x(row["epoch"], last), _y(row[name])) for row in history]
        pen.line(points * 2 if len(points) == 1 else points, fill=colour, width=2)
        pen.text((MARGIN + 10 + 170 * place, 14), f"{name} {history[-1][name]:.3f}", fill=colour)
    pen.text((WIDTH // 2 - 40, HEIGHT - 24), f"epoch 1 to {int(history[-1]['epoch'])}", fill="black")
    picture.save(path)


def _x(epoch: float, last: float) -> float:
    return MARGIN + (WIDTH - 2 * MARGIN) * (epoch - 1) / (last - 1)


def _y(value: float) -> float:
    return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value
