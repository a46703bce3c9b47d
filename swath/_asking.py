"""Questions to an opened index: what is asked, and who answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio

from core import AnswerSettings, EncodesText, EncodesTiles
from indexer import Place
from retriever import Searcher, filters_given
from retriever.rag import Answer, Archive, Asker, AskRequest, QueryPlan, Turn, open_answer_model, open_knowledge


def ask(
    asker: Asker,
    question: str,
    filters: Mapping[str, Any],
    *,
    plan: QueryPlan | None,
    turns: Sequence[Turn],
    tiles: int,
    pictures: int | None,
) -> Answer:
    """Return one answer; see ``Index.ask``."""
    request = AskRequest(
        question=question,
        plan=plan,
        filters=filters_given(**filters),
        turns=tuple(turns),
        tiles=tiles,
        pictures=pictures,
    )
    return _run(partial(anyio.run, asker.answer_once, request))


def _run(work: Callable[[], Answer]) -> Answer:
    """Return what work returns; beside an event loop that runs already, as in a notebook, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


def asker_of(archive: Archive | Callable[[], Archive], *, use_model: bool) -> Asker:
    """Return what answers questions, with the model that the settings name.

    Raises:
        UnknownNameError: There is no such kind of model.
    """
    settings = AnswerSettings()
    return Asker(archive, open_answer_model(settings) if use_model else None, settings)


def archive_of(path: Place, searcher: Searcher, encoder: EncodesTiles) -> Archive:
    """Return the newest version of an index and the knowledge beside it.

    Raises:
        SpaceMismatchError: The knowledge was embedded by another encoder.
        StoreError: The index cannot be read.
    """
    knowledge = open_knowledge(path, encoder) if isinstance(encoder, EncodesText) else None
    return Archive(searcher=searcher, rows=searcher.snapshot(), knowledge=knowledge)
