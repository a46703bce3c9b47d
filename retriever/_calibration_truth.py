"""Labelled tiles to calibrate on: those of the index itself, a list of truths about its tiles, or a dataset."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import Dataset, EncodesText, EncodesTiles, InputError, SceneError, SensorError, Settings, read_limited
from embeddings import Prompts, class_words, encode_arrays
from indexer import vector_matrix
from retriever._calibration_fit import LabelledTiles
from retriever._checks import unit
from retriever._text_query import text_query
from retriever._vector_index import Rows

MAX_TILES = 10_000
"""Most tiles fitted on, evenly taken; with 200 labels two million pairs, which take half a minute."""

MAX_LABELS = 200
"""Most labels asked for, the most frequent ones."""

BATCH = 32

Progress = Callable[[int, int], None]
"""Called with tiles done and tiles in all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Labelled:
    """Vectors with what is known about them."""

    vectors: NDArray[np.float32]
    sensors: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]


def tiles_of_index(rows: Rows, encoder: EncodesText, *, prompts: Prompts = "auto") -> LabelledTiles:
    """Return the tiles of an index that carry a label.

    Raises:
        InputError: There are none.
    """
    found = _of_rows(rows, _labels_in_index(rows))
    if not found.labels:
        raise InputError(
            "no tile of the index has a label; give labelled tiles with --data NAME:PATH or --from FILE.jsonl,"
            " or calibrate without labels by --from background"
        )
    return _with_queries(found, encoder, prompts)


def tiles_of_file(rows: Rows, path: Path, encoder: EncodesText, *, prompts: Prompts = "auto") -> LabelledTiles:
    """Return the tiles of an index that a JSON-lines file tells about.

    Args:
        rows: The index.
        path: One object a line with ``tile_id`` and ``labels`` (or ``objects``), a list of names; tiles with an empty
            list show none of the labels, and tiles that are not in the index are passed over.
        encoder: Encodes the labels.
        prompts: As in searches.

    Raises:
        InputError: Not such a file, or none of its tiles is in the index.
    """
    truth = _read_truth(path)
    found = _of_rows(rows, truth)
    if not found.labels:
        raise InputError(f"none of the {len(truth):,} tiles of {path} is in the index")
    return _with_queries(found, encoder, prompts)


def tiles_of_dataset(
    dataset: Dataset,
    encoder: EncodesTiles,
    *,
    split: str | None = None,
    prompts: Prompts = "auto",
    progress: Progress | None = None,
) -> LabelledTiles:
    """Return every view of a labelled dataset, encoded.

    Raises:
        InputError: No sample has a label, no view can be used, or the encoder has no words.
    """
    if not isinstance(encoder, EncodesText):
        raise InputError(f"{encoder.space} does not understand words, so there is nothing to calibrate")
    samples = [sample for sample in dataset.samples(split) if sample.labels]
    if not samples:
        raise InputError(f"no sample of {dataset.name} has a label")
    views = [(view, sample.labels) for sample in samples for view in sample.views]
    chosen = _evenly(views, MAX_TILES)
    encoded = list(_encoded(chosen, encoder, progress))
    if not encoded:
        raise InputError(
            f"none of the {len(chosen):,} views of {dataset.name} can be read and encoded by {encoder.space}"
        )
    vectors = np.array([vector for vector, _, _ in encoded], dtype=np.float32)
    labelled = _Labelled(
        vectors=vectors,
        sensors=tuple(sensor for _, sensor, _ in encoded),
        labels=tuple(labels for *_, labels in encoded),
    )
    return replace(_with_queries(labelled, encoder, prompts), left_out=len(chosen) - len(encoded))


def vectors_by_sensor(rows: Rows) -> Iterator[tuple[Sequence[str], NDArray[np.floating[Any]]]]:
    """Yield sensor names and (n, dim) vectors of every tile, a batch at a time."""
    for batch in rows.scan(["sensor", "vector"]):
        yield batch["sensor"].to_pylist(), vector_matrix(batch["vector"])


def _labels_in_index(rows: Rows) -> dict[str, tuple[str, ...]]:
    labels: dict[str, tuple[str, ...]] = {}
    for batch in rows.scan(["tile_id", "label"]):
        pairs = zip(batch["tile_id"].to_pylist(), batch["label"].to_pylist(), strict=True)
        labels |= {tile_id: (label,) for tile_id, label in pairs if label}
    return labels


def _of_rows(rows: Rows, truth: Mapping[str, tuple[str, ...]]) -> _Labelled:
    """Return those tiles of the index, by rising id."""
    found: list[tuple[str, int]] = []
    for batch in rows.scan(["tile_id"]):
        pairs = zip(batch["tile_id"].to_pylist(), batch["_rowid"].to_pylist(), strict=True)
        found += [(tile_id, row_id) for tile_id, row_id in pairs if tile_id in truth]
    chosen = _evenly(sorted(found), MAX_TILES)
    table = rows.take([row_id for _, row_id in chosen], ("sensor", "vector"))
    return _Labelled(
        vectors=vector_matrix(table["vector"]).astype(np.float32),
        sensors=tuple(table["sensor"].to_pylist()),
        labels=tuple(truth[tile_id] for tile_id, _ in chosen),
    )


def _with_queries(found: _Labelled, encoder: EncodesText, prompts: Prompts) -> LabelledTiles:
    """Ask for each label in words, exactly as a search would."""
    said = [tuple(map(class_words, labels)) for labels in found.labels]
    counts = Counter(word for words in said for word in set(words) if word)
    queries = tuple(
        sorted(word for word, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_LABELS])
    )
    vectors = [unit(text_query(encoder, word, prompts=prompts).vector, f"vector of {word!r}") for word in queries]
    truth = np.array([[word in words for words in said] for word in queries], dtype=np.bool_)
    return LabelledTiles(
        vectors=found.vectors,
        sensors=found.sensors,
        queries=queries,
        query_vectors=np.array(vectors, dtype=np.float32).reshape(len(queries), encoder.space.dim),
        truth=truth.reshape(len(queries), len(said)),
    )


def _encoded(
    views: Sequence[tuple[Any, tuple[str, ...]]], encoder: EncodesTiles, progress: Progress | None
) -> Iterator[tuple[NDArray[np.float32], str, tuple[str, ...]]]:
    """Yield vector, sensor and labels of every view that can be read; ``left_out`` counts the others."""
    for start in range(0, len(views), BATCH):
        ready = [
            each for each in (_prepared(view, labels, encoder) for view, labels in views[start : start + BATCH]) if each
        ]
        if not ready:
            continue
        vectors = encode_arrays(encoder, [array for array, _, _ in ready])
        yield from ((vector, sensor, labels) for vector, (_, sensor, labels) in zip(vectors, ready, strict=True))
        if progress is not None:
            progress(min(start + BATCH, len(views)), len(views))


def _prepared(
    view: Any, labels: tuple[str, ...], encoder: EncodesTiles
) -> tuple[NDArray[np.generic], str, tuple[str, ...]] | None:
    try:
        tile = view.read()
        return encoder.prepare(tile), tile.sensor.name, labels
    except (SceneError, SensorError):
        return None


def _evenly(items: Sequence[Any], most: int) -> list[Any]:
    """Return at most so many items, evenly taken."""
    if len(items) <= most:
        return list(items)
    return [items[place * len(items) // most] for place in range(most)]


def _read_truth(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        text = read_limited(path, Settings().max_metadata_bytes).decode("utf-8")
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return dict(_truth_of(line, f"{path}, line {number}") for number, line in lines)


def _truth_of(line: str, where: str) -> tuple[str, tuple[str, ...]]:
    wanted = '{"tile_id": "...", "labels": ["forest", "river"]}'
    try:
        row = json.loads(line)
        labels = row["labels"] if "labels" in row else row["objects"]
        tile_id = row["tile_id"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise InputError(f"{where} is not like {wanted}") from None
    if (
        not isinstance(tile_id, str)
        or not isinstance(labels, list)
        or not all(isinstance(each, str) for each in labels)
    ):
        raise InputError(f"{where} is not like {wanted}")
    return tile_id, tuple(labels)
