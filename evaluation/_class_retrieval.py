"""Protocol `class-retrieval`: do the words of a class, a picture or a caption bring back the right pictures?

Every picture goes through the encoder that ships, as an ordinary tile; nothing is tuned on the pictures searched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import EncodesText, EncodesTiles, InputError
from embeddings import caption_terms, open_encoder

from ._baseline import colour_features
from ._dataset import LabelledPicture, LabelledPictures, load_labelled_pictures, read_tile
from ._metrics import Scores, Truth, Values, bootstrap_interval, chance_of_hit, hit_at_k, precision_at_k
from ._report import Figure, Report

PROTOCOL = "class-retrieval"
CHUNK = 512
WORD_SHARE = 0.4
"""Share of a picture's captions that must use a word for the picture to be a right answer to it."""

Progress = Callable[[int, int], None]
"""Called with the number of pictures encoded and the number there are."""


def evaluate_class_retrieval(
    encoder: EncodesTiles | str,
    data: LabelledPictures | Path,
    *,
    split: str | None = None,
    k: int = 10,
    batch: int = 64,
    progress: Progress | None = None,
) -> Report:
    """Measure an encoder on labelled pictures.

    Args:
        encoder: Encoder of tiles that also encodes text, or its name.
        data: Pictures to search, with classes and perhaps captions, or their folder.
        split: Split of captions.jsonl to keep when `data` is a folder; None keeps everything.
        k: Pictures looked at for each query.
        batch: Pictures encoded at a time.
        progress: Called after each batch.

    Returns:
        Text and picture precision@k, zero-shot accuracy and, where there are captions, caption recall@k.

    Raises:
        InputError: If the encoder takes no text, or there are no more than k pictures.
        SceneError: If a picture cannot be read.
    """
    encoder = open_encoder(encoder) if isinstance(encoder, str) else encoder
    dataset = load_labelled_pictures(data, split=split) if isinstance(data, Path) else data
    if not isinstance(encoder, EncodesText):
        raise InputError(f"{encoder.space.encoder} takes no text; {PROTOCOL} needs an encoder that does")
    if not 1 <= k < len(dataset.pictures):
        raise InputError(f"k must be at least 1 and under the {len(dataset.pictures)} pictures, got {k}")
    vectors, colours = _encode(encoder, dataset, batch, progress)
    names = encoder.encode_text(dataset.names)
    labels = dataset.label_numbers
    by_name = precision_at_k(names @ vectors.T, _of_class(labels, len(names)), k)
    figures = [
        _text_figure(by_name, labels, k),
        _picture_figure(vectors, colours, labels, k),
        _zero_shot_figure(names @ vectors.T, labels),
    ]
    if any(picture.captions for picture in dataset.pictures):
        figures.append(_caption_figure(encoder, vectors, dataset, k))
        figures += _word_figure(encoder, vectors, dataset, k)
    return Report(
        protocol=PROTOCOL,
        encoder=str(encoder.space),
        dataset=dataset.name,
        split=dataset.split,
        pictures=len(vectors),
        classes=len(names),
        figures=tuple(figures),
        by_class={name: float(value) for name, value in zip(dataset.names, by_name, strict=True)},
    )


def _encode(
    encoder: EncodesTiles, dataset: LabelledPictures, batch: int, progress: Progress | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the vectors of all pictures and their colour features."""
    vectors: list[NDArray[np.float32]] = []
    colours: list[NDArray[np.float32]] = []
    for start in range(0, len(dataset.pictures), batch):
        tiles = [read_tile(picture) for picture in dataset.pictures[start : start + batch]]
        vectors.append(encoder.encode(np.stack([encoder.prepare(tile) for tile in tiles])))
        colours.append(np.stack([colour_features(tile) for tile in tiles]))
        if progress is not None:
            progress(start + len(tiles), len(dataset.pictures))
    return np.concatenate(vectors), np.concatenate(colours)


def _text_figure(by_name: Values, labels: NDArray[np.int64], k: int) -> Figure:
    share = np.bincount(labels) / len(labels)
    meaning = f"each bare class name as a query; share of its class among the {k} best pictures"
    return _figure(f"text precision@{k}", by_name, chance=float(share.mean()), meaning=meaning)


def _picture_figure(
    vectors: NDArray[np.float32], colours: NDArray[np.float32], labels: NDArray[np.int64], k: int
) -> Figure:
    count = np.bincount(labels)[labels]
    chance = float(((count - 1) / (len(labels) - 1)).mean())
    baseline = float(_picture_precision(colours, labels, k).mean())
    meaning = f"each picture as a query, itself left out; share of its class among the {k} best pictures"
    values = _picture_precision(vectors, labels, k)
    return _figure(f"image precision@{k}", values, chance=chance, meaning=meaning, baseline=baseline)


def _zero_shot_figure(scores: Scores, labels: NDArray[np.int64]) -> Figure:
    right = (scores.argmax(axis=0) == labels).astype(np.float64)
    meaning = "each picture classified by the nearest bare class name, without a prompt"
    return _figure("zero-shot accuracy", right, chance=1.0 / len(scores), meaning=meaning)


def _caption_figure(encoder: EncodesText, vectors: NDArray[np.float32], dataset: LabelledPictures, k: int) -> Figure:
    captions = [picture.captions[0] for picture in dataset.pictures if picture.captions]
    owners = [set(picture.captions) for picture in dataset.pictures]
    right = np.array([[caption in owned for owned in owners] for caption in captions], dtype=np.bool_)
    queries = encoder.encode_text(captions)
    values = np.concatenate([hit_at_k(queries[part] @ vectors.T, right[part], k) for part in _chunks(len(queries))])
    chance = float(np.mean([chance_of_hit(int(row.sum()), len(vectors), k) for row in right]))
    meaning = (
        f"the first caption of each picture as a query; right when one of the {k} best pictures carries that caption "
        "word for word (captions repeat between pictures, so an identical caption counts as right)"
    )
    return _figure(f"caption recall@{k}", values, chance=chance, meaning=meaning)


def _word_figure(encoder: EncodesText, vectors: NDArray[np.float32], dataset: LabelledPictures, k: int) -> list[Figure]:
    """Return the figure of single words, or nothing where no word is used by k pictures."""
    shares = [_term_shares(picture) for picture in dataset.pictures]
    terms = sorted({term for row in shares for term in row} - set(dataset.names))
    right = np.array([[row.get(term, 0.0) >= WORD_SHARE for row in shares] for term in terms], dtype=np.bool_)
    if not terms:
        return []
    kept = np.flatnonzero(right.sum(axis=1) >= k)
    if len(kept) == 0:
        return []
    queries = encoder.encode_text([terms[index] for index in kept])
    values = precision_at_k(queries @ vectors.T, right[kept], k)
    meaning = (
        f"each word, or pair of neighbouring words, of the captions as a query, class names left out; a picture is "
        f"right when at least {WORD_SHARE:.0%} of its captions use it; asked only where at least {k} pictures are right"
    )
    return [_figure(f"word precision@{k}", values, chance=float(right[kept].mean()), meaning=meaning)]


def _term_shares(picture: LabelledPicture) -> dict[str, float]:
    count = Counter(term for caption in picture.captions for term in caption_terms(caption))
    return {term: number / len(picture.captions) for term, number in count.items()}


def _picture_precision(vectors: NDArray[np.float32], labels: NDArray[np.int64], k: int) -> Values:
    parts = []
    for part in _chunks(len(vectors)):
        scores = vectors[part] @ vectors.T
        scores[np.arange(len(scores)), np.arange(part.start, part.start + len(scores))] = -np.inf
        parts.append(precision_at_k(scores, labels[part, None] == labels[None, :], k))
    return np.concatenate(parts)


def _of_class(labels: NDArray[np.int64], classes: int) -> Truth:
    truth: Truth = np.arange(classes)[:, None] == labels[None, :]
    return truth


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))


def _figure(name: str, values: Values, *, chance: float, meaning: str, baseline: float | None = None) -> Figure:
    low, high = bootstrap_interval(values)
    return Figure(
        name=name,
        value=float(values.mean()),
        low=low,
        high=high,
        chance=chance,
        baseline=baseline,
        queries=len(values),
        meaning=meaning,
    )
