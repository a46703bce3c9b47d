"""PriorCLIP on a small network of the published kind, held to a second implementation.

The same at full size: tests/slow/test_full_size_presets.py.
"""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "open_clip", "safetensors")):
    pytest.skip("PriorCLIP needs the extra 'torch'", allow_module_level=True)

import torch  # after the skip
from safetensors.torch import load_file, save_file

from core import ConfigError
from embeddings import EncodesBoth, _priorclip, open_encoder
from embeddings._open_clip import import_open_clip
from embeddings._priorclip import weigh
from tests.published_networks import Clip, clip_picture, clip_text, gelu, prior_picture, prior_state, quick_gelu

VIT = Clip(dim=24, text=(64, 2, 2), vision=(128, 2, 2), patch=16, size=64)
RESNET = Clip(dim=24, text=(64, 2, 2), blocks=(1, 1, 1, 1), stem=16, size=64)
FILE = "priorclip/PriorCLIP_RET-3.safetensors"
TEXTS = ["Many planes are parked beside a long building", "a river"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("weights")
    (folder / "priorclip").mkdir()
    save_file(prior_state(VIT, RESNET), folder / FILE)
    vision = {"image_size": VIT.size, "patch_size": VIT.patch, "layers": 2, "width": 128}
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
    config = {"embed_dim": VIT.dim, "vision_cfg": vision, "text_cfg": text}
    (folder / "swath-prior.json").write_text(json.dumps(config))
    import_open_clip().add_model_config(folder / "swath-prior.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWATH_WEIGHTS_DIR", str(folder))
        patch.setattr(_priorclip, "CLIP_MODEL", "swath-prior")
        resnet = {"layers": [1, 1, 1, 1], "output_dim": VIT.dim, "heads": 8, "image_size": VIT.size, "width": 16}
        patch.setattr(_priorclip, "RESNET", resnet)
        patch.setattr(_priorclip, "INSTRUCTION", (VIT.dim, 128))
        yield folder


@pytest.fixture(scope="module")
def encoder(weights: Path) -> Any:
    assert weights
    return open_encoder("priorclip:ViT-B-32")


@pytest.fixture(scope="module")
def state(weights: Path) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = load_file(weights / FILE)
    return tensors


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 255, (2, VIT.size, VIT.size, 3)).astype(np.uint8)


def test_pictures_are_those_of_the_second_implementation(
    encoder: Any, state: dict[str, torch.Tensor], pictures: np.ndarray
) -> None:
    vectors = encoder.encode(pictures)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    expected = prior_picture(state, VIT, torch.from_numpy(pictures), gelu, RESNET).numpy()
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    wrong = prior_picture(state, VIT, torch.from_numpy(pictures), quick_gelu, RESNET).numpy()
    assert np.abs(vectors - wrong).max() > 1e-3


def test_texts_are_those_of_clip(encoder: Any, state: dict[str, torch.Tensor]) -> None:
    tokens = import_open_clip().tokenize(TEXTS)
    expected = clip_text(state, VIT, tokens, gelu).numpy()
    np.testing.assert_allclose(encoder.encode_text(TEXTS), expected, atol=1e-5)


def test_one_picture_is_taken_as_many_are(encoder: Any, pictures: np.ndarray) -> None:
    """The published code fails on a batch of one, where its squeeze drops the batch as well."""
    alone = np.concatenate([encoder.encode(picture[None]) for picture in pictures])
    np.testing.assert_allclose(alone, encoder.encode(pictures), atol=1e-5)


def test_the_instruction_matters(encoder: Any, state: dict[str, torch.Tensor], pictures: np.ndarray) -> None:
    plain = clip_picture(state, VIT, torch.from_numpy(pictures), gelu).numpy()
    assert np.abs(encoder.encode(pictures) - plain).max() > 1e-2


def test_weights_of_plain_clip_are_refused_by_name(weights: Path, state: dict[str, torch.Tensor]) -> None:
    bare = {key: value for key, value in state.items() if not key.startswith(("res_visual", "vision_proj_res.b"))}
    save_file(bare, weights / "bare.safetensors")
    (weights / FILE).rename(weights / "kept.safetensors")
    (weights / "bare.safetensors").rename(weights / FILE)
    try:
        with pytest.raises(ConfigError, match=r"missing keys res_visual.attnpool.c_proj.bias, .* and \d+ more"):
            open_encoder("priorclip:ViT-B-32")
    finally:
        (weights / "kept.safetensors").rename(weights / FILE)


def test_features_are_of_unit_length_across_the_tokens() -> None:
    tokens, instruction = torch.randn(2, 5, 3), torch.randn(2, 1, 3)
    weighed = weigh(tokens, instruction)
    torch.testing.assert_close(weighed.norm(dim=1), torch.ones(2, 3))
    belief = torch.softmax((tokens[0] * instruction[0]).sum(1), 0)
    order = belief.argsort(descending=True)
    by_hand = tokens[0] * (belief + 1 / (order + 1).sqrt())[:, None]
    torch.testing.assert_close(weighed[0], by_hand / by_hand.norm(dim=0))


def test_takes_tiles_and_texts(encoder: Any) -> None:
    assert isinstance(encoder, EncodesBoth)
    assert (encoder.space.encoder, encoder.space.dim) == ("priorclip:ViT-B-32", VIT.dim)
