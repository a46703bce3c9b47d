"""The archive that the benchmarks make up: as many rows as asked for, in scenes that the store takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.scale_questions import FAMILIES, Truth, questions, truths
from benchmarks.synthetic_archive import FIRST, LAST, SyntheticArchive
from benchmarks.synthetic_tiles import SENSORS, scene_rows
from core import VectorSpace
from indexer import Store
from retriever import Searcher, SearchRequest

DIM = 16
ROWS = 1_500
SPACE = VectorSpace(encoder="synthetic", revision="1", dim=DIM)


def _filled(path: Path) -> Store:
    store = Store.create_or_open(path, space=SPACE)
    scenes = [scene for scene in SyntheticArchive(ROWS, DIM).scenes() if len(scene.lon)]
    store.commit([scene_rows(scene, store.schema) for scene in scenes])
    return store


def test_an_archive_has_exactly_as_many_rows_as_asked_for() -> None:
    assert sum(len(scene.lon) for scene in SyntheticArchive(ROWS, DIM).scenes()) == ROWS


def test_the_same_seed_makes_the_same_archive_and_another_does_not() -> None:
    def first(seed: int) -> np.ndarray:
        return next(SyntheticArchive(ROWS, DIM, seed=seed).scenes()).vectors

    np.testing.assert_array_equal(first(3), first(3))
    assert first(3).shape != first(4).shape or (first(3) != first(4)).any()


def test_rows_lie_on_the_earth_in_the_eight_years_and_come_from_known_sensors() -> None:
    for scene in SyntheticArchive(ROWS, DIM).scenes():
        assert scene.sensor in range(len(SENSORS))
        assert ((scene.seconds >= FIRST) & (scene.seconds < LAST)).all()
        assert (np.abs(scene.lat) < 85).all()
        assert (np.abs(scene.lon) < 180).all()


def test_queries_are_unit_vectors_and_image_like_ones_lie_nearer_to_the_archive() -> None:
    archive = SyntheticArchive(ROWS, DIM)
    images, texts = archive.image_queries(20), archive.text_queries(20)
    rows = np.concatenate([scene.vectors for scene in archive.scenes()]).astype(np.float32)
    for queries in (images, texts):
        np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
    assert np.median((images @ rows.T).max(axis=1)) > np.median((texts @ rows.T).max(axis=1))


def test_the_true_answers_are_those_of_an_exact_search(tmp_path: Path) -> None:
    store = _filled(tmp_path / "index")
    archive = SyntheticArchive(ROWS, DIM)
    asked = questions(store.snapshot(), archive.image_queries(2), archive.text_queries(2))
    assert {question.family for question in asked} == set(FAMILIES)
    searcher = Searcher(store)
    for question, truth in zip(asked, truths(store.snapshot(), asked), strict=True):
        hits = searcher.search(SearchRequest.build(k=10, **question.fields()))
        assert hits.matched == truth.passed
        assert truth.recall([hit.tile_id for hit in hits], 10) == 1.0


def test_recall_counts_the_true_best_that_were_found() -> None:
    truth = Truth(passed=4, tile_ids=["a", "b", "c", "d"])
    assert truth.recall(["b", "x", "a", "c"], 2) == 0.5
    assert Truth().recall([], 10) == 1.0
