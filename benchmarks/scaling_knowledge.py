"""What a passage of text beside an index costs: read, cut, embedded, committed."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.serve import WORDS
from benchmarks.synthetic_archive import SyntheticArchive
from benchmarks.synthetic_tiles import scene_rows
from embeddings import DEFAULT_ENCODER, open_encoder
from indexer import Store
from indexer.knowledge import add_knowledge, embedding_of

WORDS_OF_PASSAGE = 60
"""Words of each: a paragraph of a report."""


def measure(passages: int) -> dict[str, Any]:
    """Add a file of paragraphs to an index of a few tiles."""
    encoder = open_encoder(DEFAULT_ENCODER)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        store = Store.create_or_open(folder / "index", space=encoder.space)
        store.commit([scene_rows(next(SyntheticArchive(100, encoder.space.dim).scenes()), store.schema)])
        (folder / "report.md").write_text(_report(passages), encoding="utf-8")
        embedding_of(encoder).encode(["water"])
        start = time.process_time()
        report = add_knowledge(folder / "index", [folder / "report.md"], lambda: encoder)
        return {
            "passages": report.passages,
            "words": WORDS_OF_PASSAGE,
            "seconds": time.process_time() - start,
        }


def _report(passages: int) -> str:
    rng = random.Random(5)  # noqa: S311  # draws no secrets
    pool = " ".join(WORDS).split()
    bodies = (" ".join(rng.choices(pool, k=WORDS_OF_PASSAGE)) for _ in range(passages))
    return "\n\n".join(f"# Place {number}\n\n{body}." for number, body in enumerate(bodies))


def main() -> None:
    """Measure, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=500)
    print(json.dumps(measure(parser.parse_args().passages)))  # noqa: T201


if __name__ == "__main__":
    main()
