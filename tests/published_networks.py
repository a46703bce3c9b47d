"""The published encoders a second time, for tests: names and shapes of their tensors, and what they compute.

Written from the papers with plain tensor operations over the table of tensors: no module of torch, open_clip or timm
and nothing of `embeddings` takes part. CLIP: https://arxiv.org/abs/2103.00020 (section 2.4: the ResNet has three stem
convolutions, pooled strides and attention pooling). PriorCLIP: https://arxiv.org/abs/2405.10160. SMARTIES:
https://arxiv.org/abs/2506.19585. The names are those of the published files.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

State = Mapping[str, Tensor]
Shapes = dict[str, tuple[int, ...]]

CLIP_MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])
CLIP_STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])
WORDS, CONTEXT = 49408, 77


def quick_gelu(x: Tensor) -> Tensor:
    return x / (1 + torch.exp(-1.702 * x))


def gelu(x: Tensor) -> Tensor:
    return x * 0.5 * (1 + torch.erf(x / 2**0.5))


@dataclass(frozen=True, kw_only=True)
class Clip:
    """The numbers of a CLIP model; `blocks` instead of layers and patch makes the picture tower a ResNet."""

    dim: int
    text: tuple[int, int, int]
    """Width, layers, heads."""
    vision: tuple[int, int, int] = (0, 0, 0)
    """Width, layers, heads of the transformer."""
    patch: int = 0
    size: int = 224
    blocks: tuple[int, ...] = ()
    """Blocks of the ResNet's four stages."""
    stem: int = 64


VIT_B_32 = Clip(dim=512, text=(512, 12, 8), vision=(768, 12, 12), patch=32)
VIT_B_16 = Clip(dim=512, text=(512, 12, 8), vision=(768, 12, 12), patch=16)
VIT_L_14 = Clip(dim=768, text=(768, 12, 12), vision=(1024, 24, 16), patch=14)
VIT_L_14_336 = Clip(dim=768, text=(768, 12, 12), vision=(1024, 24, 16), patch=14, size=336)
VIT_H_14 = Clip(dim=1024, text=(1024, 24, 16), vision=(1280, 32, 16), patch=14)
RN50 = Clip(dim=1024, text=(512, 12, 8), blocks=(3, 4, 6, 3))
RN101 = Clip(dim=512, text=(512, 12, 8), blocks=(3, 4, 23, 3))


def clip_shapes(clip: Clip) -> Shapes:
    """Names and shapes of a raw CLIP state dict, as OpenAI first published them and open_clip keeps them."""
    width, layers, _ = clip.text
    shapes: Shapes = {
        "positional_embedding": (CONTEXT, width),
        "text_projection": (width, clip.dim),
        "logit_scale": (),
        "token_embedding.weight": (WORDS, width),
        "ln_final.weight": (width,),
        "ln_final.bias": (width,),
    }
    shapes |= transformer_shapes("transformer.", width, layers)
    return shapes | (resnet_shapes("visual.", clip, clip.dim) if clip.blocks else vit_shapes("visual.", clip))


def vit_shapes(prefix: str, clip: Clip) -> Shapes:
    width, layers, _ = clip.vision
    tokens = (clip.size // clip.patch) ** 2 + 1
    shapes: Shapes = {
        f"{prefix}class_embedding": (width,),
        f"{prefix}positional_embedding": (tokens, width),
        f"{prefix}proj": (width, clip.dim),
        f"{prefix}conv1.weight": (width, 3, clip.patch, clip.patch),
    }
    for norm in ("ln_pre", "ln_post"):
        shapes |= {f"{prefix}{norm}.{part}": (width,) for part in ("weight", "bias")}
    return shapes | transformer_shapes(f"{prefix}transformer.", width, layers)


def transformer_shapes(prefix: str, width: int, layers: int) -> Shapes:
    block: Shapes = {
        "ln_1.weight": (width,),
        "ln_1.bias": (width,),
        "attn.in_proj_weight": (3 * width, width),
        "attn.in_proj_bias": (3 * width,),
        "attn.out_proj.weight": (width, width),
        "attn.out_proj.bias": (width,),
        "ln_2.weight": (width,),
        "ln_2.bias": (width,),
        "mlp.c_fc.weight": (4 * width, width),
        "mlp.c_fc.bias": (4 * width,),
        "mlp.c_proj.weight": (width, 4 * width),
        "mlp.c_proj.bias": (width,),
    }
    return {f"{prefix}resblocks.{row}.{key}": shape for row in range(layers) for key, shape in block.items()}


def resnet_shapes(prefix: str, clip: Clip, dim: int) -> Shapes:
    half, width = clip.stem // 2, clip.stem
    shapes = conv_shapes(f"{prefix}conv1", f"{prefix}bn1", half, 3, 3)
    shapes |= conv_shapes(f"{prefix}conv2", f"{prefix}bn2", half, half, 3)
    shapes |= conv_shapes(f"{prefix}conv3", f"{prefix}bn3", width, half, 3)
    inside = width
    for stage, blocks in enumerate(clip.blocks):
        planes = width * 2**stage
        for row in range(blocks):
            here = f"{prefix}layer{stage + 1}.{row}."
            shapes |= conv_shapes(f"{here}conv1", f"{here}bn1", planes, inside, 1)
            shapes |= conv_shapes(f"{here}conv2", f"{here}bn2", planes, planes, 3)
            shapes |= conv_shapes(f"{here}conv3", f"{here}bn3", 4 * planes, planes, 1)
            if row == 0:
                shapes |= conv_shapes(f"{here}downsample.0", f"{here}downsample.1", 4 * planes, inside, 1)
            inside = 4 * planes
    shapes[f"{prefix}attnpool.positional_embedding"] = ((clip.size // 32) ** 2 + 1, inside)
    for name, out in (("k_proj", inside), ("q_proj", inside), ("v_proj", inside), ("c_proj", dim)):
        shapes |= {f"{prefix}attnpool.{name}.weight": (out, inside), f"{prefix}attnpool.{name}.bias": (out,)}
    return shapes


def conv_shapes(conv: str, norm: str, out: int, into: int, kernel: int) -> Shapes:
    shapes: Shapes = {f"{conv}.weight": (out, into, kernel, kernel), f"{norm}.num_batches_tracked": ()}
    for part in ("weight", "bias", "running_mean", "running_var"):
        shapes[f"{norm}.{part}"] = (out,)
    return shapes


def prior_shapes(clip: Clip = VIT_B_32, res: Clip = RN50) -> Shapes:
    """PriorCLIP: CLIP, a second picture tower `res_visual` and the layer that turns its vector into a token."""
    width = clip.vision[0]
    shapes = clip_shapes(clip) | resnet_shapes("res_visual.", res, clip.dim)
    return shapes | {"vision_proj_res.weight": (width, clip.dim), "vision_proj_res.bias": (width,)}


def prior_state(clip: Clip = VIT_B_32, res: Clip = RN50) -> dict[str, Tensor]:
    """Random tensors whose instruction is small enough for every token to be believed a little."""
    state = random_state(prior_shapes(clip, res))
    length = resnet(state, "res_visual.", res, torch.randn(1, 3, clip.size, clip.size)).norm()
    state["vision_proj_res.weight"] = state["vision_proj_res.weight"] / float(length)
    return state


def smarties_shapes(width: int, depth: int, *, decoder: bool = True) -> Shapes:
    """SMARTIES as it left pretraining: 17 projections, the encoder and, unless told otherwise, the decoder."""
    shapes: Shapes = {"cls_token": (1, 1, width), "pos_embed": (1, 197, width)}
    for row in range(17):
        name = f"spectrum_projection.spectrum_embeds.{row}.proj"
        shapes |= {f"{name}.weight": (width, 256), f"{name}.bias": (width,)}
    shapes |= timm_shapes("blocks.", width, depth) | {"norm.weight": (width,), "norm.bias": (width,)}
    if decoder:
        shapes |= {"decoder_embed.weight": (512, width), "decoder_embed.bias": (512,), "mask_token": (1, 1, 512)}
        shapes |= {"decoder_pos_embed": (1, 197, 512), "decoder_norm.weight": (512,), "decoder_norm.bias": (512,)}
        shapes |= timm_shapes("decoder_blocks.", 512, 8)
        for row in range(17):
            shapes |= {f"decoder_preds.{row}.weight": (256, 512), f"decoder_preds.{row}.bias": (256,)}
    return shapes


def timm_shapes(prefix: str, width: int, depth: int) -> Shapes:
    layers = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
    layers |= {"mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
    block: Shapes = {f"{norm}.{part}": (width,) for norm in ("norm1", "norm2") for part in ("weight", "bias")}
    for name, shape in layers.items():
        block |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return {f"{prefix}{row}.{key}": shape for row in range(depth) for key, shape in block.items()}


def random_state(shapes: Shapes, seed: int = 0) -> dict[str, Tensor]:
    """Random tensors of a size at which activations, norms and attention all matter to the result."""
    generator = torch.Generator().manual_seed(seed)
    return {name: _random(name, shape, generator) for name, shape in shapes.items()}


def _random(name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    noise: Tensor = torch.randn(shape, generator=generator)
    if name.endswith("running_var"):
        return noise.abs() * 0.2 + 1.0
    if len(shape) >= 2 and "embedding" not in name and "embed" not in name.rpartition(".")[2]:
        into = noise[0].numel() if not name.endswith("proj") and name != "text_projection" else shape[0]
        return noise * float(1.3 / into**0.5)
    if name.endswith("weight") and len(shape) == 1:
        return noise * 0.1 + 1.0
    return 0.3 * noise


def save_random(shapes: Shapes, path: Path, seed: int = 0) -> dict[str, Tensor]:
    """Write random tensors as safetensors, or as a pickle where the suffix says so."""
    state = random_state(shapes, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return state


def size_in_bytes(shapes: Shapes) -> int:
    """Bytes of float32 tensors of these shapes."""
    return sum(4 * int(torch.Size(shape).numel()) for shape in shapes.values())


def clip_picture(state: State, clip: Clip, pictures: Tensor, act: Callable[[Tensor], Tensor]) -> Tensor:
    """Unit vectors of (n, size, size, 3) uint8 pictures."""
    x = (pictures.float() / 255 - CLIP_MEAN) / CLIP_STD
    return clip_planes(state, clip, x.permute(0, 3, 1, 2), act)


def clip_planes(state: State, clip: Clip, x: Tensor, act: Callable[[Tensor], Tensor]) -> Tensor:
    """Unit vectors of (n, 3, size, size) normalised planes."""
    if clip.blocks:
        return unit(resnet(state, "visual.", clip, x))
    tokens = vit_tokens(state, "visual.", clip, x)
    hidden = transformer(state, "visual.transformer.", tokens, clip.vision, act)
    return unit(layer_norm(state, "visual.ln_post", hidden[:, 0]) @ state["visual.proj"])


def vit_tokens(state: State, prefix: str, clip: Clip, x: Tensor) -> Tensor:
    side, patch = clip.size // clip.patch, clip.patch
    patches = x.reshape(len(x), 3, side, patch, side, patch).permute(0, 2, 4, 1, 3, 5).reshape(len(x), side * side, -1)
    tokens = patches @ state[f"{prefix}conv1.weight"].flatten(1).T
    cls = state[f"{prefix}class_embedding"].reshape(1, 1, -1).repeat(len(x), 1, 1)
    tokens = torch.cat([cls, tokens], dim=1) + state[f"{prefix}positional_embedding"]
    return layer_norm(state, f"{prefix}ln_pre", tokens)


def clip_text(state: State, clip: Clip, tokens: Tensor, act: Callable[[Tensor], Tensor]) -> Tensor:
    """Unit vectors of (n, 77) token ids; the end token is the highest number."""
    x = state["token_embedding.weight"][tokens] + state["positional_embedding"]
    hidden = transformer(state, "transformer.", x, clip.text, act, causal=True)
    last = hidden[torch.arange(len(tokens)), tokens.argmax(1)]
    return unit(layer_norm(state, "ln_final", last) @ state["text_projection"])


def transformer(
    state: State,
    prefix: str,
    x: Tensor,
    numbers: tuple[int, int, int],
    act: Callable[[Tensor], Tensor],
    *,
    causal: bool = False,
) -> Tensor:
    _, layers, heads = numbers
    for row in range(layers):
        here = f"{prefix}resblocks.{row}."
        weight, bias = (state[f"{here}attn.in_proj_{part}"] for part in ("weight", "bias"))
        query, key, value = linear(layer_norm(state, f"{here}ln_1", x), weight, bias).chunk(3, -1)
        x = x + named_linear(state, f"{here}attn.out_proj", attention(query, key, value, heads, causal=causal))
        inner = act(named_linear(state, f"{here}mlp.c_fc", layer_norm(state, f"{here}ln_2", x)))
        x = x + named_linear(state, f"{here}mlp.c_proj", inner)
    return x


def attention(query: Tensor, key: Tensor, value: Tensor, heads: int, *, causal: bool = False) -> Tensor:
    def split(x: Tensor) -> Tensor:
        return x.reshape(len(x), x.shape[1], heads, -1).transpose(1, 2)

    q, k, v = split(query), split(key), split(value)
    scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
    if causal:
        future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(future, -torch.inf)
    mixed: Tensor = scores.softmax(-1) @ v
    return mixed.transpose(1, 2).reshape(len(query), query.shape[1], -1)


def resnet(state: State, prefix: str, clip: Clip, x: Tensor) -> Tensor:
    """Vectors of CLIP's ResNet, not of unit length."""
    x = conv_norm(state, f"{prefix}conv1", f"{prefix}bn1", x, stride=2).relu()
    for row in (2, 3):
        x = conv_norm(state, f"{prefix}conv{row}", f"{prefix}bn{row}", x).relu()
    x = torch.nn.functional.avg_pool2d(x, 2)
    for stage, blocks in enumerate(clip.blocks):
        for row in range(blocks):
            x = bottleneck(state, f"{prefix}layer{stage + 1}.{row}.", x, 2 if stage and not row else 1)
    return attention_pool(state, f"{prefix}attnpool.", x, heads=clip.stem * 32 // 64)


def bottleneck(state: State, prefix: str, x: Tensor, stride: int) -> Tensor:
    out = conv_norm(state, f"{prefix}conv1", f"{prefix}bn1", x).relu()
    out = conv_norm(state, f"{prefix}conv2", f"{prefix}bn2", out).relu()
    out = conv_norm(state, f"{prefix}conv3", f"{prefix}bn3", pooled(out, stride))
    if f"{prefix}downsample.0.weight" in state:
        x = conv_norm(state, f"{prefix}downsample.0", f"{prefix}downsample.1", pooled(x, stride))
    return (out + x).relu()


def pooled(x: Tensor, stride: int) -> Tensor:
    return torch.nn.functional.avg_pool2d(x, stride) if stride > 1 else x


def conv_norm(state: State, conv: str, norm: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{conv}.weight"]
    x = torch.nn.functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
    mean, variance = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
    scale = state[f"{norm}.weight"] / (variance + 1e-5).sqrt()
    return x * scale[:, None, None] + (state[f"{norm}.bias"] - mean * scale)[:, None, None]


def attention_pool(state: State, prefix: str, x: Tensor, heads: int) -> Tensor:
    """One query, the mean of all places, asks every place and itself."""
    places = x.flatten(2).transpose(1, 2)
    places = torch.cat([places.mean(1, keepdim=True), places], dim=1) + state[f"{prefix}positional_embedding"]
    query, key, value = (named_linear(state, f"{prefix}{name}_proj", places) for name in "qkv")
    return named_linear(state, f"{prefix}c_proj", attention(query[:, :1], key, value, heads)[:, 0])


def prior_picture(
    state: State, clip: Clip, pictures: Tensor, act: Callable[[Tensor], Tensor], res: Clip = RN50
) -> Tensor:
    """Unit vectors of PriorCLIP for (n, size, size, 3) uint8 pictures."""
    x = ((pictures.float() / 255 - CLIP_MEAN) / CLIP_STD).permute(0, 3, 1, 2)
    instruction = named_linear(state, "vision_proj_res", resnet(state, "res_visual.", res, x))
    rows = []
    for token, tokens in zip(instruction, vit_tokens(state, "visual.", clip, x), strict=True):
        belief = (tokens @ token).softmax(0)
        places = belief.argsort(descending=True)
        weighed = tokens * belief[:, None] + tokens * (1 / (places + 1).sqrt())[:, None]
        length = (weighed**2).sum(0, keepdim=True).sqrt().clamp_min(1e-12)  # of each feature across the tokens
        rows.append(torch.cat([token[None], weighed / length]))
    hidden = transformer(state, "visual.transformer.", torch.stack(rows), clip.vision, act)
    return unit(layer_norm(state, "visual.ln_post", hidden[:, 0]) @ state["visual.proj"])


def smarties_vector(state: State, planes: Tensor, ranges: list[int], depth: int, heads: int) -> Tensor:
    """Unit vector of one tile: (bands, 224, 224) planes and the wavelength range of each."""
    tokens = torch.zeros(196, state["cls_token"].shape[-1])
    for plane, number in zip(planes, ranges, strict=True):
        name = f"spectrum_projection.spectrum_embeds.{number}.proj"
        for place in range(196):
            top, left = 16 * (place // 14), 16 * (place % 14)
            patch = plane[top : top + 16, left : left + 16].reshape(-1)
            tokens[place] += linear(patch, state[f"{name}.weight"], state[f"{name}.bias"])
    x = torch.cat([state["cls_token"][0], tokens * 12 / len(planes)])[None] + state["pos_embed"]
    for row in range(depth):
        here = f"blocks.{row}."
        normed = layer_norm(state, f"{here}norm1", x, 1e-6)
        query, key, value = named_linear(state, f"{here}attn.qkv", normed).chunk(3, -1)
        x = x + named_linear(state, f"{here}attn.proj", attention(query, key, value, heads))
        inner = gelu(named_linear(state, f"{here}mlp.fc1", layer_norm(state, f"{here}norm2", x, 1e-6)))
        x = x + named_linear(state, f"{here}mlp.fc2", inner)
    return unit(layer_norm(state, "norm", x, 1e-6)[:, 0])[0]


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return x @ weight.T + bias


def named_linear(state: State, name: str, x: Tensor) -> Tensor:
    return linear(x, state[f"{name}.weight"], state[f"{name}.bias"])


def layer_norm(state: State, name: str, x: Tensor, epsilon: float = 1e-5) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    spread = (centred**2).mean(-1, keepdim=True)
    return centred / (spread + epsilon).sqrt() * state[f"{name}.weight"] + state[f"{name}.bias"]


def unit(x: Tensor) -> Tensor:
    return x / (x**2).sum(-1, keepdim=True).sqrt()
