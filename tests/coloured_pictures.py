"""Plain coloured pictures with captions in two splits: a network that learns anything tells them apart."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"RedRoof": (200, 40, 40), "GreenField": (40, 180, 40), "BlueLake": (40, 60, 200)}


def write_coloured_pictures(root: Path, *, train: int, val: int) -> Path:
    """Write (40, 40) noisy pictures of three classes and their captions.jsonl; return the folder."""
    random = np.random.default_rng(0)
    lines = []
    for label, colour in COLOURS.items():
        for number in range(train + val):
            pixels = np.clip(np.array(colour) + random.normal(0, 20, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / f"{label}{number}.png")
            captions = [f"a {label.lower()} .", f"a {label.lower()} number {number} ."]
            split = "train" if number < train else "val"
            entry = {"image": f"{label}{number}.png", "label": label, "split": split, "captions": captions}
            lines.append(json.dumps(entry))
    (root / "captions.jsonl").write_text("\n".join(lines))
    return root
