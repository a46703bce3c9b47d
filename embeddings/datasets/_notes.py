"""``captions.jsonl``: what is written about pictures, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import BadScene, InputError, SceneError, Settings, SourceError, read_limited

CAPTIONS_FILE = "captions.jsonl"
"""Looked for at the top of a folder of pictures."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """What one or more records say about a picture."""

    line: int
    """1-based line of its first record."""
    label: str | None
    """Class name."""
    split: str | None
    """E.g. ``train``, ``val``."""
    captions: tuple[str, ...]
    """Sentences, in file order."""


def read_notes(folder: Path, settings: Settings) -> tuple[dict[Path, Note], list[BadScene]]:
    """Return the notes of ``captions.jsonl`` in a folder by picture, in file order, and the lines that are wrong.

    A record is ``{"image", "label", "split", "captions"}`` with a path relative to the file; ``file_name`` and ``text``
    stand in for ``image`` and ``captions``. Several records of one picture are joined. No file gives nothing.

    Raises:
        SourceError: The file is too large or cannot be read.
    """
    path = folder / CAPTIONS_FILE
    if not path.exists():
        return {}, []
    notes: dict[Path, Note] = {}
    bad: list[BadScene] = []
    for number, line in _lines(path, settings.max_metadata_bytes):
        try:
            picture, note = _parse(line, number, folder)
        except SceneError as error:
            bad.append(BadScene(f"{path}:{number}", error))
            continue
        notes[picture] = _joined(notes[picture], note) if picture in notes else note
    return notes, bad


def _lines(path: Path, limit: int) -> Iterator[tuple[int, str]]:
    try:
        text = read_limited(path, limit).decode("utf-8")
    except (InputError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}; expected UTF-8 text, one JSON object a line") from None
    return ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def _parse(line: str, number: int, folder: Path) -> tuple[Path, Note]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"is not JSON: {error}") from None
    if not isinstance(record, dict):
        raise SceneError('is not a JSON object; expected {"image": ..., "label": ..., "captions": [...]}')
    name = record.get("image", record.get("file_name"))
    if not isinstance(name, str) or not name or "\0" in name:
        raise SceneError("names no picture; expected a relative path under 'image' or 'file_name'")
    captions = _sentences(record.get("captions", record.get("text")))
    note = Note(line=number, label=_text(record, "label"), split=_text(record, "split"), captions=captions)
    return _inside(folder, name), note


def _inside(folder: Path, name: str) -> Path:
    path = folder.joinpath(*(part for part in Path(name).parts if part != "."))
    if Path(name).is_absolute() or ".." in path.relative_to(folder).parts:
        raise SceneError(f"names {name!r}, which is outside the folder of captions.jsonl")
    return path


def _text(record: dict[str, Any], key: str) -> str | None:
    value = record.get(key)
    if value is not None and not isinstance(value, str):
        raise SceneError(f"has {key} {value!r}; expected text")
    return value or None


def _sentences(value: Any) -> tuple[str, ...]:
    sentences = [value] if isinstance(value, str) else value or []
    if not isinstance(sentences, list) or not all(isinstance(sentence, str) for sentence in sentences):
        raise SceneError("has captions that are not a list of sentences")
    return tuple(sentence.strip() for sentence in sentences if sentence.strip())


def _joined(first: Note, second: Note) -> Note:
    captions = first.captions + second.captions
    return replace(first, captions=captions, label=first.label or second.label, split=first.split or second.split)
