"""Whether what was found can carry an answer: by scores alone, before any model is asked."""

from __future__ import annotations

from retriever.rag._archive import Archive
from retriever.rag._retrieve import Retrieved


def judge(retrieved: Retrieved, archive: Archive) -> str | None:
    """Return why no answer can rest on what was found, in a sentence; None where one can.

    Args:
        retrieved: The candidates of every phrase and period. Where nothing is sought, any tile will do.
        archive: Where they were found.

    Raises:
        QueryError: The encoder understands no words.
        StoreError: The index cannot be read.
    """
    if not any(search.matched for search in retrieved.searches):
        return "No tile passes the filters of the question."
    return None
