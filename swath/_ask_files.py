"""Files of ``swath ask``: edited plans, dialogues, and the evidence as pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retriever.rag import Answer, EvidenceSet, QueryPlan, Turn

STDIN = Path("-")
"""Stands for standard input."""

_MOST_BYTES = 4 * 2**20
"""Of a plan or a dialogue: 20 turns with areas of a thousand vertices take 1 MB."""

_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


def read_plan(path: Path) -> QueryPlan:
    """Return the plan in a file, or on standard input.

    Raises:
        InputError: It cannot be read, or is no plan.
    """
    from retriever.rag import parse_plan

    return parse_plan(_read(path, "a plan; swath ask ... --show-plan prints one"))


def read_turns(path: Path) -> tuple[Turn, ...]:
    """Return what was asked before; nothing where the file does not exist yet.

    Raises:
        InputError: The file holds something else.
    """
    from core import InputError
    from retriever.rag import MAX_TURNS, parse_turn

    if path == STDIN:
        raise InputError("a dialogue is read and written again: name a file, e.g. --follow talk.json")
    if not path.exists():
        return ()
    document = _read(path, "a dialogue; name a new file to begin one")
    if not isinstance(document, dict) or not isinstance(document.get("turns"), list):
        raise InputError(f'{path} holds no dialogue, which is {{"turns": [...]}}; name a new file to begin one')
    return tuple(parse_turn(turn) for turn in document["turns"])[-MAX_TURNS:]


def write_turns(path: Path, before: tuple[Turn, ...], answer: Answer) -> None:
    """Write a dialogue with its newest question.

    Raises:
        InputError: The file cannot be written.
    """
    from core import InputError
    from retriever.rag import turn_document, turn_of

    turns = [turn_document(turn) for turn in (*before, turn_of(answer))]
    whole = path.with_name(f".{path.name}.part")
    try:
        whole.write_text(json.dumps({"turns": turns}, indent=1) + "\n", encoding="utf-8")
        whole.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def write_pictures(folder: Path, evidence: EvidenceSet) -> None:
    """Write each picture of the evidence as ``NUMBER-TILE-RENDERING``.

    Raises:
        InputError: The folder cannot be written.
    """
    from core import InputError, safe_name

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for tile in evidence.tiles:
            for picture in tile.pictures:
                name = safe_name(f"{tile.number:02d}-{tile.record.tile_id}-{picture.rendering}")
                (folder / f"{name}{_ENDINGS[picture.media_type]}").write_bytes(picture.data)
    except OSError as error:
        raise InputError(f"cannot write pictures to {folder}: {error.strerror or error}") from None


def write_overview(folder: Path, answer: Answer) -> None:
    """Write the scene an answer is about as ``scene.png``, with a box around each tile that is cited.

    Raises:
        InputError: The folder cannot be written.
    """
    from core import InputError
    from swath._scene_boxes import overview

    picture = overview(answer)
    if picture is None:
        return
    try:
        picture.save(folder / "scene.png")
    except OSError as error:
        raise InputError(f"cannot write the overview to {folder}: {error.strerror or error}") from None


def _read(path: Path, wanted: str) -> Any:
    from core import InputError

    try:
        text = sys.stdin.read(_MOST_BYTES + 1) if path == STDIN else _text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(text) > _MOST_BYTES:
        raise InputError(f"{path} is larger than {_MOST_BYTES:,} bytes; expected {wanted}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}; expected {wanted}") from None


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(_MOST_BYTES + 1)
