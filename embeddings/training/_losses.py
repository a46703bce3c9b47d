"""The four loss terms. Shapes: n items a batch, 384 dimensions, c classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

MASKED = -1e4


def caption_loss(items: Tensor, captions: Tensor, same: Tensor, scale: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the symmetric InfoNCE in which identical captions are no negatives.

    Args:
        items: Unit vectors, (n, d).
        captions: Unit vectors of one caption an item, (n, d).
        same: True where row and column are not the same pair but carry the same caption, (n, n).
        scale: Logarithm of the inverse temperature.
        weights: How much each item counts, (n,); None counts all alike.
    """
    logits = scale.exp().clamp(max=100.0) * items @ captions.T
    logits = logits.masked_fill(same, MASKED)
    target = torch.arange(len(items), device=items.device)
    both = [functional.cross_entropy(part, target, reduction="none") for part in (logits, logits.T)]
    each = (both[0] + both[1]) / 2
    return (each if weights is None else each * weights).mean()


def label_loss(
    items: Tensor, names: Tensor, shares: Tensor, scale: Tensor, smoothing: float, *, priors: Tensor | None = None
) -> Tensor:
    """Return the cross-entropy of items over class names to their shares, of those that have a label.

    Args:
        items: Unit vectors, (n, d).
        names: Unit vectors of the class names, (c, d).
        shares: Share of each class, (n, c).
        scale: Logarithm of the inverse temperature.
        smoothing: Share of the target spread over all classes.
        priors: Frequency of each class while training, (c,): rare classes are then not drowned by frequent ones
            (balanced softmax, Ren et al. 2020, https://arxiv.org/abs/2007.10740); None leaves them as they are.
    """
    known = shares.sum(dim=1) > 0
    if not bool(known.any()):
        return items.sum() * 0.0
    logits = scale.exp().clamp(max=100.0) * items[known] @ names.T
    if priors is not None:
        logits = logits + priors.clamp(min=1e-6).log()
    return functional.cross_entropy(logits, shares[known], label_smoothing=smoothing)


def image_loss(items: Tensor, shares: Tensor, temperature: float) -> Tensor:
    """Return the supervised contrast of Khosla et al. 2020 (https://arxiv.org/abs/2004.11362, L_out).

    Two items are partners where their class shares are the same.
    """
    itself = torch.eye(len(items), dtype=torch.bool, device=items.device)
    logits = (items @ items.T / temperature).masked_fill(itself, MASKED)
    log_share = logits - logits.logsumexp(dim=1, keepdim=True)
    known = shares.sum(dim=1) > 0
    partners = (shares[:, None] == shares[None, :]).all(dim=2) & ~itself & known[:, None] & known[None, :]
    count = partners.sum(dim=1)
    per_item = -(log_share * partners).sum(dim=1) / count.clamp(min=1)
    return per_item[count > 0].mean() if bool((count > 0).any()) else items.sum() * 0.0


def pair_loss(
    one: Tensor, other: Tensor, places: Tensor, earlier: tuple[Tensor, Tensor, Tensor], scale: Tensor
) -> Tensor:
    """Return the symmetric InfoNCE of two views of the same places.

    Args:
        one: Unit vectors of one sensor, (n, d).
        other: Unit vectors of the other sensor, (n, d).
        places: Number of each item's place, (n,); another date of the same place is no negative.
        earlier: The same three of earlier steps, (m, d), (m, d), (m,): further negatives.
        scale: Logarithm of the inverse temperature.
    """
    heat = scale.exp().clamp(max=100.0)
    target = torch.arange(len(one), device=one.device)
    total = one.sum() * 0.0
    for query, candidates, before in ((one, other, earlier[1]), (other, one, earlier[0])):
        logits = heat * query @ torch.cat([candidates, before]).T
        same = places[:, None] == torch.cat([places, earlier[2]])[None, :]
        same[target, target] = False
        total = total + functional.cross_entropy(logits.masked_fill(same, MASKED), target)
    return total / 2


def gap_loss(one: Tensor, other: Tensor) -> Tensor:
    """Return the squared distance of the means of two sensors' unit vectors (n, d) of the same places."""
    return (one.mean(dim=0) - other.mean(dim=0)).square().sum()


def identical_captions(groups: Tensor) -> Tensor:
    """Return (n, n), True off the diagonal where two captions are word for word the same."""
    same = groups[:, None] == groups[None, :]
    return same & ~torch.eye(len(groups), dtype=torch.bool, device=groups.device)


def same_places(lonlat: Tensor) -> Tensor:
    """Return (n, n), True off the diagonal where two places (n, 2) are the same: no negatives of each other."""
    same = (lonlat[:, None] == lonlat[None, :]).all(dim=2)
    return same & ~torch.eye(len(lonlat), dtype=torch.bool, device=lonlat.device)
