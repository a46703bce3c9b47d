"""The figures watched while training. The published ones come from `swath eval`, through the exported encoder."""

from __future__ import annotations

import torch
from torch import Tensor

K = 10
CHUNK = 64


def pool_figures(
    vectors: dict[str, Tensor], names: Tensor, shares: Tensor, captions: Tensor, caption_rows: Tensor
) -> dict[str, float]:
    """Return the figures of the held-out items of one pool.

    Args:
        vectors: Unit vectors (n, d) by modality, `optical`, `radar` or both.
        names: Bare class names, (classes, d).
        shares: Class shares, (n, classes).
        captions: First caption of each item, (n, d); empty where there are none.
        caption_rows: Sentence numbers of each item, (n, captions).
    """
    out: dict[str, float] = {}
    for modality, items in vectors.items():
        figures = _class_figures(items, names, shares) | _caption_figures(items, captions, caption_rows)
        out |= {f"{modality}.{name}": value for name, value in figures.items()}
    if len(vectors) == 2:
        scores = vectors["radar"] @ vectors["optical"].T
        out["radar_to_optical_r10"], out["optical_to_radar_r10"] = _own_found(scores), _own_found(scores.T)
    return out


def _class_figures(items: Tensor, names: Tensor, shares: Tensor) -> dict[str, float]:
    if len(names) < 2 or not bool((shares.max(dim=1).values == 1.0).all()):
        return {}
    labels = shares.argmax(dim=1)
    by_name = names @ items.T
    present = shares.sum(dim=0) > 0
    by_item = (items @ items.T).fill_diagonal_(-torch.inf)
    asked = torch.arange(len(names))[present]
    return {
        "text_p10": precision_at(by_name[present], asked[:, None] == labels[None, :]),
        "image_p10": precision_at(by_item, labels[:, None] == labels[None, :]),
        "zero_shot": float((by_name.argmax(dim=0) == labels).float().mean()),
    }


def _caption_figures(items: Tensor, captions: Tensor, rows: Tensor) -> dict[str, float]:
    if len(captions) != len(items) or rows.shape[1] == 0:
        return {}
    asked = rows[:, 0] >= 0
    queries = rows[asked, :1, None]
    right = torch.cat([(queries[part] == rows[None]).any(dim=2) for part in _parts(len(queries))])
    best = (captions[asked] @ items.T).topk(min(K, len(items)), dim=1).indices
    return {"caption_r10": float(right.gather(1, best).any(dim=1).float().mean())}


def place_figures(vectors: dict[str, Tensor], places: Tensor, known: Tensor) -> dict[str, float]:
    """Return how often an item is among the ten nearest to its own place.

    Args:
        vectors: Unit vectors (n, d) by modality.
        places: Unit vectors of the places of the items that have one, (k, d).
        known: True for these items, (n,).
    """
    return {f"{modality}.place_r10": _own_found(places @ items[known].T) for modality, items in vectors.items()}


def precision_at(scores: Tensor, right: Tensor) -> float:
    """Return the mean share of the ten best columns that are right, from scores and truth (queries, candidates)."""
    best = scores.topk(min(K, scores.shape[1]), dim=1).indices
    return float(right.gather(1, best).float().mean())


def _own_found(scores: Tensor) -> float:
    best = scores.topk(min(K, scores.shape[1]), dim=1).indices
    return float((best == torch.arange(len(scores))[:, None]).any(dim=1).float().mean())


def _parts(count: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]
