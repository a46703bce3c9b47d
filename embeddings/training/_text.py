"""The frozen sentence encoder and the table of all sentence embeddings that training needs.

The embeddings are computed once and kept beside the checkpoints, so that resuming does not compute them again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from ._pools import Pool
from ._sentence import DIM, load_tower, tower_folder
from ._tables import TextConfig


@dataclass(frozen=True, kw_only=True)
class PoolRows:
    """Where the sentences of one pool stand in the table."""

    captions: Tensor
    """Row of each caption of each item, (n, captions); -1 where an item has none."""
    names: Tensor
    """Row of each class name in each template, (templates, classes)."""


@dataclass(frozen=True, kw_only=True)
class SentenceTable:
    """Unit vectors of all sentences and the places where they are needed."""

    vectors: Tensor
    """(sentences, 384), unit length."""
    rows: tuple[PoolRows, ...]
    """One for each pool, in the order given."""


def sentence_table(
    config: TextConfig,
    pools: Sequence[Pool],
    cache: Path,
    *,
    encode: Callable[[Sequence[str]], Tensor] | None = None,
    key: str | None = None,
) -> SentenceTable:
    """Embed every caption and every class sentence once, or read them from `cache`.

    Args:
        config: Templates, and the text tower where `encode` names no other.
        pools: Whose sentences.
        cache: Folder that keeps the vectors.
        encode: Sentences to unit vectors (n, dim).
        key: What the vectors depend on beside the sentences, with `encode`.
    """
    named = [[[template.format(name) for name in pool.names] for template in config.templates] for pool in pools]
    texts = {text for pool in pools for captions in pool.captions for text in captions}
    texts |= {text for templates in named for names in templates for text in names}
    ordered = sorted(texts)
    row = {text: index for index, text in enumerate(ordered)}
    rows = [
        PoolRows(captions=_rows(row, pool.captions), names=_rows(row, sentences))
        for pool, sentences in zip(pools, named, strict=True)
    ]
    what = key or f"{config.tower}\n{config.max_tokens}"
    vectors = _cached(ordered, what, cache, encode or partial(embed, max_tokens=config.max_tokens))
    return SentenceTable(vectors=vectors, rows=tuple(rows))


def load_tokenizer(max_tokens: int) -> Tokenizer:
    """Return the tower's tokenizer, cutting at `max_tokens` and padding to the longest text of a batch."""
    tokenizer = Tokenizer.from_file(str(tower_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.enable_padding()  # replaces the fixed length of 128 that the published file asks for
    return tokenizer


def unused_words(pools: Iterable[Pool]) -> list[str]:
    """Return the English words that the tower's tokenizer knows whole and no caption uses, sorted."""
    used = {word for pool in pools for captions in pool.captions for text in captions for word in _words(text)}
    known = load_tokenizer(2).get_vocab()
    return sorted(word for word in known if len(word) > 2 and word.isascii() and word.isalpha() and word not in used)


def embed(texts: Sequence[str], max_tokens: int, batch: int = 64) -> Tensor:
    """Return unit vectors (n, 384) of texts, computed shortest first so that little is padded."""
    tokenizer, tower = load_tokenizer(max_tokens), load_tower()
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    out = torch.empty(len(texts), DIM)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        encoded = tokenizer.encode_batch([texts[index] for index in chosen])
        ids = torch.tensor([item.ids for item in encoded])
        mask = torch.tensor([item.attention_mask for item in encoded])
        with torch.inference_mode():
            out[chosen] = functional.normalize(tower(ids, mask), dim=1)
    return out


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _cached(texts: Sequence[str], what: str, cache: Path, encode: Callable[[Sequence[str]], Tensor]) -> Tensor:
    key = hashlib.sha256("\n".join([what, *texts]).encode()).hexdigest()[:16]
    path = cache / f"sentences-{key}.safetensors"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        save_file({"vectors": encode(texts).contiguous()}, part)
        part.replace(path)
    return load_file(path)["vectors"]


def _rows(row: dict[str, int], groups: Iterable[Sequence[str]]) -> Tensor:
    listed = [[row[text] for text in group] for group in groups]
    width = max((len(group) for group in listed), default=0)
    return torch.tensor(
        [[group[index % len(group)] if group else -1 for index in range(width)] for group in listed], dtype=torch.int64
    ).reshape(len(listed), width)
