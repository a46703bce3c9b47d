"""Thousands of random filters on a real index: search finds exactly what shapely and pandas find, in the same order.

Every other block of them is asked of a copy of the index that has a search snapshot.
"""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from indexer import Store
from retriever import Searcher, SearchRequest
from retriever.engine._build import build_snapshot
from tests.integration.brute_force import BruteForce
from tests.integration.filter_archive import DIM, build_archive
from tests.integration.random_filters import RandomFilters

BLOCKS = 20
PER_BLOCK = 100


@pytest.fixture(scope="module")
def archive(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(real_data, tmp_path_factory.mktemp("filters") / "index")


@pytest.fixture(scope="module")
def searcher(archive: Path) -> Searcher:
    return Searcher(Store.open(archive))


@pytest.fixture(scope="module")
def optimized(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """The same index with a search snapshot of two shards."""
    path = tmp_path_factory.mktemp("optimized") / "index"
    shutil.copytree(archive, path)
    store = Store.open(path)
    rows = store.snapshot()
    build_snapshot(rows, path, shard_rows=rows.count() * 2 // 3)
    return Searcher(store)


@pytest.fixture(scope="module")
def brute(archive: Path) -> BruteForce:
    return BruteForce(archive)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_filters_find_what_brute_force_finds(
    block: int, searcher: Searcher, optimized: Searcher, brute: BruteForce
) -> None:
    asked, index = (searcher, "flat") if block % 2 else (optimized, "snapshot")
    filters, rng = RandomFilters(brute, seed=block), np.random.default_rng(block)
    used: Counter[str] = Counter()
    for number in range(PER_BLOCK):
        drawn = filters.draw()
        # Signs over 4 are a unit vector of 16 numbers without rounding.
        query = rng.choice([-0.25, 0.25], DIM).astype(np.float32)
        k = int(rng.choice([1, 3, 10, 100, 10_000]))
        hits = asked.search(SearchRequest.build(vector=query, k=k, explain=True, **drawn.asked))
        expected = brute.ranked(drawn.answer, query)
        message = f"filter {number} of block {block}: {drawn.asked}"
        assert hits.why["engine"]["index"] == index
        assert hits.matched == len(expected), message
        assert [hit.tile_id for hit in hits] == expected[:k], message
        used["found"] += bool(expected)
        used.update(list(drawn.asked))
    # A test of filters that match nothing, or of no filters, would prove little.
    assert used["found"] > PER_BLOCK / 3, used
    assert min(used[name] for name in ("bbox", "within", "near", "h3", "datetime", "filter", "max_cloud")) > 0, used
