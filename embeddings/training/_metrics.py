"""The figures watched while training. The published ones come from `swath eval`, through the exported encoder."""

from __future__ import annotations

import torch
from torch import Tensor


def precision_at(scores: Tensor, query_labels: Tensor, labels: Tensor, k: int = 10) -> float:
    """Return the mean share of the k best columns that carry the query's label.

    Args:
        scores: Similarities, (queries, candidates); minus infinity bars a candidate.
        query_labels: Class of each query, (queries,).
        labels: Class of each candidate, (candidates,).
        k: Candidates looked at.
    """
    best = scores.topk(min(k, scores.shape[1]), dim=1).indices
    return float((labels[best] == query_labels[:, None]).float().mean())


def precision_at_mask(scores: Tensor, right: Tensor, k: int = 10) -> float:
    """Return the mean share of the k best columns that are right, from scores and truth (queries, candidates)."""
    best = scores.topk(min(k, scores.shape[1]), dim=1).indices
    return float(right.gather(1, best).float().mean())


def caption_recall(scores: Tensor, queries: Tensor, captions: Tensor, k: int = 10) -> float:
    """Return the share of captions of which one of the k best pictures carries the same words.

    Args:
        scores: Similarities, (queries, pictures).
        queries: Sentence number of each query, (queries,).
        captions: Sentence numbers of each picture, (pictures, captions).
        k: Pictures looked at.
    """
    best = scores.topk(min(k, scores.shape[1]), dim=1).indices
    found = (captions[best] == queries[:, None, None]).any(dim=2).any(dim=1)
    return float(found.float().mean())


def validation_figures(
    pictures: Tensor, names: Tensor, captions: Tensor, caption_rows: Tensor, labels: Tensor
) -> dict[str, float]:
    """Return the four figures of one epoch from unit vectors.

    Args:
        pictures: Validation pictures, (n, d).
        names: Bare class names, (classes, d).
        captions: First caption of each picture, (n, d).
        caption_rows: Sentence numbers of each picture, (n, captions).
        labels: Class of each picture, (n,).
    """
    by_name = names @ pictures.T
    by_picture = (pictures @ pictures.T).fill_diagonal_(-torch.inf)
    return {
        "text_p10": precision_at(by_name, torch.arange(len(names)), labels),
        "image_p10": precision_at(by_picture, labels, labels),
        "zero_shot": float((by_name.argmax(dim=0) == labels).float().mean()),
        "caption_r10": caption_recall(captions @ pictures.T, caption_rows[:, 0], caption_rows),
    }
