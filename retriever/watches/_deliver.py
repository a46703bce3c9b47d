"""From the journal to a file or a webhook, and a note of how far that has got after each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from core import Settings
from retriever.watches._file import append_matches
from retriever.watches._folder import Entry
from retriever.watches._journal import MAX_BATCH
from retriever.watches._types import Progress
from retriever.watches._webhook import groups, post


def deliver(entry: Entry, settings: Settings, save: Callable[[Progress], None]) -> None:
    """Deliver what a watch's file or webhook does not have yet.

    Args:
        entry: The watch.
        settings: Which hosts are allowed.
        save: Keeps the progress; called after every step that succeeded.

    Raises:
        StoreError: The file cannot be written, or the webhook did not take the matches.
        SourceError: The webhook's host is not allowed.
        ConfigError: The journal is damaged.
    """
    steps = _to_file(entry) if entry.watch.file is not None else _to_webhook(entry, settings)
    for progress in steps:
        save(progress)


def _to_file(entry: Entry) -> Iterator[Progress]:
    progress, path = entry.progress, entry.watch.file
    lines = entry.journal.lines(progress.sent)
    while path is not None and (some := _some(lines)):
        size = append_matches(path, [line for _, line in some], known=progress.file_bytes)
        progress = replace(progress, sent=some[-1][0], file_bytes=size)
        yield progress


def _some(lines: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    return [line for _, line in zip(range(MAX_BATCH), lines, strict=False)]


def _to_webhook(entry: Entry, settings: Settings) -> Iterator[Progress]:
    if entry.watch.webhook is None:
        return
    for group in groups(entry.journal, entry.progress.sent):
        post(entry.watch, group, settings)
        yield replace(entry.progress, sent=group[-1][0])
