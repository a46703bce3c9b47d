"""Protocol `class-retrieval`: do the words of a class, a picture or a caption bring back the right pictures?

Every picture goes through the encoder as an ordinary tile; nothing is tuned on the pictures searched.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from core import EncodesText, Sample
from embeddings import caption_terms

from ._asking import Asked, ask, same, table, word_pair
from ._baseline import WordColours
from ._captions import caption_owners, owned_gains, owner_gains
from ._classes import require_k, single_classes
from ._corpus import Corpus
from ._figures import Series
from ._job import Findings, Job
from ._ranking import P, Success

PROTOCOL = "class-retrieval"
WORD_SHARE = 0.4
"""Share of a picture's captions that must use a word for the picture to be a right answer to it."""


def class_retrieval(job: Job) -> Findings:
    """Measure class names, pictures, captions and their words as queries.

    Raises:
        InputError: The encoder takes no text, samples are not of one class each, or there are no more than k.
    """
    encoder, k = job.require_text(PROTOCOL), job.options.k
    single_classes(job.samples, PROTOCOL)
    corpus = job.read()
    require_k(k, corpus)
    labels = single_classes([item.sample for item in corpus.items], PROTOCOL)
    names = np.unique(labels)
    words = job.word_colours()
    text = encoder.encode_text(names.tolist())
    by_name = ask(
        (text, corpus.vectors),
        same(names, labels),
        [P @ k],
        groups=names.tolist(),
        classes=names.tolist(),
        baseline=word_pair(words, names.tolist(), corpus),
    )
    by_picture = ask_pictures(corpus, labels, k)
    results = [
        by_name.series(
            P @ k,
            f"text precision@{k}",
            f"each bare class name as a query; share of its class among the {k} best pictures",
        ),
        by_picture.series(
            P @ k,
            f"image precision@{k}",
            f"each picture as a query, itself left out; share of its class among the {k} best pictures",
        ),
        _zero_shot(text, corpus, labels, words),
        *_captions(encoder, corpus, words, k),
        *_words(encoder, corpus, words, k),
    ]
    examples = by_name.examples(names.tolist(), corpus.items) + by_picture.examples(corpus.items, corpus.items)
    return Findings(corpus=corpus, results=tuple(results), examples=tuple(examples))


def ask_pictures(corpus: Corpus, labels: NDArray[np.str_], k: int) -> Asked:
    """Ask every picture for its like, itself left out."""
    return ask(
        (corpus.vectors, corpus.vectors),
        same(labels, labels, own=True),
        [P @ k],
        groups=corpus.groups,
        classes=labels.tolist(),
        baseline=(corpus.colours, corpus.colours),
    )


def _zero_shot(
    text: NDArray[np.float32],
    corpus: Corpus,
    labels: NDArray[np.str_],
    words: WordColours | None,
) -> Series:
    names = np.unique(labels)
    pair = word_pair(words, names.tolist(), corpus)
    asked = ask(
        (corpus.vectors, text),
        same(labels, names),
        [P @ 1],
        groups=corpus.groups,
        classes=labels.tolist(),
        baseline=None if pair is None else (pair[1], pair[0]),
    )
    meaning = "each picture classified by the nearest bare class name, without a prompt"
    return asked.series(P @ 1, "zero-shot accuracy", meaning)


def _captions(encoder: EncodesText, corpus: Corpus, words: WordColours | None, k: int) -> list[Series]:
    """Return the figures of captions, or nothing where there are none."""
    owned = [item.sample.captions for item in corpus.items]
    if not any(owned):
        return []
    captions, owners = caption_owners(owned)
    number = {caption: row for row, caption in enumerate(captions)}
    first = [row for row, own in enumerate(owned) if own]
    rows = [number[owned[row][0]] for row in first]
    text = encoder.encode_text(captions)
    pair = word_pair(words, captions, corpus)
    forward = ask(
        (text[rows], corpus.vectors),
        owner_gains([owners[row] for row in rows], len(corpus.items)),
        [Success @ k],
        groups=[corpus.groups[row] for row in first],
        baseline=None if pair is None else (pair[0][rows], pair[1]),
    )
    back = ask(
        (corpus.vectors[first], text),
        owned_gains(owners, first),
        [Success @ k],
        groups=[corpus.groups[row] for row in first],
        baseline=None if pair is None else (pair[1][first], pair[0]),
    )
    return [
        forward.series(
            Success @ k,
            f"caption recall@{k}",
            f"the first caption of each picture as a query; right when one of the {k} best pictures carries that "
            "caption word for word (captions repeat between pictures, so an identical caption counts as right)",
        ),
        back.series(
            Success @ k,
            f"picture-to-caption recall@{k}",
            f"each picture as a query among the {len(captions)} different captions of all pictures; right when one of "
            f"the {k} best is word for word one of its own",
        ),
    ]


def _words(encoder: EncodesText, corpus: Corpus, words: WordColours | None, k: int) -> list[Series]:
    """Return the figure of single words, or nothing where no word is used by k pictures."""
    shares = [_term_shares(item.sample) for item in corpus.items]
    classes = set(single_classes([item.sample for item in corpus.items], PROTOCOL).tolist())
    terms = sorted({term for row in shares for term in row} - classes)
    right = np.array([[row.get(term, 0.0) >= WORD_SHARE for row in shares] for term in terms], dtype=np.int32)
    kept = np.flatnonzero(right.sum(axis=1) >= k) if terms else np.empty(0, dtype=np.int64)
    if len(kept) == 0:
        return []
    queries = [terms[index] for index in kept]
    asked = ask(
        (encoder.encode_text(queries), corpus.vectors),
        table(right[kept]),
        [P @ k],
        groups=queries,
        baseline=word_pair(words, queries, corpus),
    )
    meaning = (
        f"each word, or pair of neighbouring words, of the captions as a query, class names left out; a picture is "
        f"right when at least {WORD_SHARE:.0%} of its captions use it; asked only where at least {k} pictures are right"
    )
    return [asked.series(P @ k, f"word precision@{k}", meaning)]


def _term_shares(sample: Sample) -> dict[str, float]:
    count = Counter(term for caption in sample.captions for term in caption_terms(caption))
    return {term: number / len(sample.captions) for term, number in count.items()}
