"""PriorCLIP (first called PIR-CLIP): CLIP ViT-B/32 whose tokens are weighed by what a ResNet-50 says about the scene.

After https://arxiv.org/abs/2405.10160 and the published code, https://github.com/jaychempan/PIR-CLIP, whose key names
the weights have: `res_visual.*` is CLIP's ResNet-50, `vision_proj_res.*` turns its vector into the instruction token,
everything else is CLIP. Three things are as published although one would expect otherwise: a token's rank weight comes
from the index that the sort puts at the token's place, the weighed tokens are normalised across tokens, and the token
that is pooled is the instruction, not the class token.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._open_clip import OpenClipEncoder, import_open_clip, weights_of
from ._presets import find_preset

if TYPE_CHECKING:
    import torch

CLIP_MODEL = "ViT-B-32"
"""The towers of PIR.json (src/open_clip/model_configs of the published code): embed_dim 512, patch 32, GELU."""
RESNET = {"layers": [3, 4, 6, 3], "output_dim": 512, "heads": 32, "image_size": 224, "width": 64}
"""`res_layers` and `res_width` of PIR.json; heads are res_width * 32 / 64 as in model.py."""
INSTRUCTION = 512, 768
"""Vector of the ResNet to width of the transformer, model.py."""


class PriorClipEncoder(OpenClipEncoder):
    """Encodes RGB renderings and sentences with the weights of PriorCLIP."""

    def _architecture(self, model: str) -> str:
        del model
        return CLIP_MODEL

    def _build(self, open_clip: Any, model: str, file: Path) -> torch.nn.Module:
        import torch
        from open_clip.modified_resnet import ModifiedResNet

        network = super()._build(open_clip, CLIP_MODEL, file)
        network.res_visual = ModifiedResNet(**RESNET)
        network.vision_proj_res = torch.nn.Linear(*INSTRUCTION)
        return network

    def picture_vectors(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return (n, dim) vectors of any length for (n, size, size, 3) uint8 pictures on the network's device."""
        x = pictures.permute(0, 3, 1, 2).float()
        return prior_vectors(self._placed.network, (x - self._mean.to(x.device)) / self._std.to(x.device))


def open_priorclip(name: str) -> PriorClipEncoder:
    """Open `priorclip:ViT-B-32`."""
    preset = find_preset(name)
    import_open_clip()
    return PriorClipEncoder(name=name, model=preset.model, weights=weights_of(preset))


def prior_vectors(network: Any, x: torch.Tensor) -> torch.Tensor:
    """Return (n, 512) vectors of normalised pictures (n, 3, 224, 224)."""
    import torch

    instruction = network.vision_proj_res(network.res_visual(x)).unsqueeze(1)  # (n, 1, 768)
    visual = network.visual
    tokens = visual.conv1(x).flatten(2).transpose(1, 2)  # (n, 49, 768)
    tokens = torch.cat([visual.class_embedding.expand(len(x), 1, -1).to(tokens.dtype), tokens], dim=1)
    tokens = visual.ln_pre(tokens + visual.positional_embedding)
    tokens = weigh(tokens, instruction)
    hidden = visual.ln_post(visual.transformer(torch.cat([instruction, tokens], dim=1)))
    vectors: torch.Tensor = hidden[:, 0] @ visual.proj
    return vectors


def weigh(tokens: torch.Tensor, instruction: torch.Tensor) -> torch.Tensor:
    """Return the tokens (n, t, w) weighed by belief and rank, each feature of unit length across the tokens.

    Args:
        tokens: (n, t, w).
        instruction: (n, 1, w).
    """
    import torch

    belief = torch.softmax((tokens @ instruction.transpose(1, 2)).squeeze(-1), dim=-1)
    order = torch.sort(belief, dim=1, descending=True).indices
    weights = belief + 1.0 / torch.sqrt(order + 1.0)
    return torch.nn.functional.normalize(tokens * weights.unsqueeze(-1), dim=1)
