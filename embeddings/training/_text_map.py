"""The trained part of the text side: a linear map of sentence vectors, and what the second stage may add to it."""

from __future__ import annotations

from torch import Tensor, nn


class TextMap(nn.Linear):
    """Sentence vectors of unit length (n, dim) to vectors (n, dim) of any length; starts at the identity.

    A linear map cannot tell which words of a sentence matter beside which others. `widen` adds a network of one hidden
    layer to it, at zero, so that it starts from what the map gave before.
    """

    def __init__(self, dim: int, *, offset: bool = True) -> None:
        """Set up at the identity, with or without offset."""
        super().__init__(dim, dim, bias=offset)
        nn.init.eye_(self.weight)
        if offset:
            nn.init.zeros_(self.bias)
        self.branch: nn.Sequential | None = None

    def widen(self, hidden: int, dropout: float = 0.0) -> None:
        """Add a hidden layer of that width, unless there is one already."""
        if self.branch is not None:
            return
        last = nn.Linear(hidden, self.out_features)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.branch = nn.Sequential(nn.Linear(self.in_features, hidden), nn.GELU(), nn.Dropout(dropout), last)
        self.branch.to(self.weight.device)

    def fit_to(self, state: dict[str, Tensor], prefix: str = "text.") -> None:
        """Widen as the weights of a state dict were, before it is loaded."""
        first = state.get(f"{prefix}branch.0.weight")
        if first is not None:
            self.widen(len(first))

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, dim)."""
        straight = super().forward(x)
        if self.branch is None:
            return straight
        # Entries of a unit vector are small; the layer's usual start expects a deviation near 1.
        bent: Tensor = self.branch(x * self.in_features**0.5)
        return straight + bent
