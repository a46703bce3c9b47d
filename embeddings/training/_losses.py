"""The three loss terms. Shapes: n pictures a batch, 384 dimensions, c classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

MASKED = -1e4


def caption_loss(pictures: Tensor, captions: Tensor, same: Tensor, scale: Tensor) -> Tensor:
    """Return the symmetric InfoNCE in which identical captions are no negatives.

    Args:
        pictures: Unit vectors, (n, d).
        captions: Unit vectors of one caption a picture, (n, d).
        same: True where row and column are not the same pair but carry the same caption, (n, n).
        scale: Logarithm of the inverse temperature.
    """
    logits = scale.exp().clamp(max=100.0) * pictures @ captions.T
    logits = logits.masked_fill(same, MASKED)
    target = torch.arange(len(pictures))
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


def label_loss(pictures: Tensor, names: Tensor, labels: Tensor, scale: Tensor, smoothing: float) -> Tensor:
    """Return the cross-entropy of pictures (n, d) over the class names (c, d)."""
    logits = scale.exp().clamp(max=100.0) * pictures @ names.T
    return functional.cross_entropy(logits, labels, label_smoothing=smoothing)


def image_loss(pictures: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the supervised contrast of Khosla et al. 2020 (https://arxiv.org/abs/2004.11362, L_out)."""
    itself = torch.eye(len(pictures), dtype=torch.bool)
    logits = (pictures @ pictures.T / temperature).masked_fill(itself, MASKED)
    log_share = logits - logits.logsumexp(dim=1, keepdim=True)
    partners = (labels[:, None] == labels[None, :]) & ~itself
    count = partners.sum(dim=1)
    per_picture = -(log_share * partners).sum(dim=1) / count.clamp(min=1)
    return per_picture[count > 0].mean() if bool((count > 0).any()) else pictures.sum() * 0.0


def identical_captions(groups: Tensor) -> Tensor:
    """Return (n, n), True off the diagonal where two captions are word for word the same."""
    same = groups[:, None] == groups[None, :]
    return same & ~torch.eye(len(groups), dtype=torch.bool)
