"""A watch as a JSON document. An index may come from somebody else, so all that is read is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import ConfigError, InputError, VectorSpace, parse_instant, rfc3339
from retriever._request import SearchRequest
from retriever.watches._file import check_file
from retriever.watches._types import Progress, Watch
from retriever.watches._webhook import check_webhook

FORMAT = 1
"""Version of both documents."""

MAX_NAME = 64
"""Most characters of a name."""

ASKED = (
    "text", "bbox", "within", "near", "radius_km", "h3", "datetime", "sensor", "collection", "label", "max_cloud",
    "min_valid", "filter", "prompts", "calibrated", "min_probability", "min_score",
)  # fmt: skip
"""Arguments of ``SearchRequest.build`` that a watch keeps; the others are in its vector."""

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_NAME - 1}}}", re.ASCII)
_IDENTITY = re.compile(r"[0-9a-f]{16}", re.ASCII)
_SEEN = re.compile(r"[0-9a-f]{64}", re.ASCII)


def check_name(name: object) -> str:
    """Return the name of a watch.

    Raises:
        InputError: It cannot be the name of a folder.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"a watch is named with 1 to {MAX_NAME} letters, digits, dots, dashes and underscores, and begins with a"
            f" letter or digit; got {name!r:.100}"
        )
    return name


def request_of(watch: Watch) -> SearchRequest:
    """Return a watch as a request; what is scored against is the watch's own vector.

    Raises:
        QueryError: Its document asks for what no search can.
    """
    subject: dict[str, Any] = {} if "text" in watch.asked else {"vector": watch.vector}
    return SearchRequest.build(**watch.asked, **subject)


def watch_document(watch: Watch) -> dict[str, Any]:
    """Return a watch as JSON values."""
    return {
        "format": FORMAT,
        "name": watch.name,
        "identity": watch.identity,
        "space": asdict(watch.space),
        "asked": dict(watch.asked),
        "about": dict(watch.about),
        "left_out": list(watch.left_out),
        "created": rfc3339(watch.created),
        "file": None if watch.file is None else str(watch.file),
        "webhook": watch.webhook,
        "vector": [float(number) for number in watch.vector],
    }


def parse_watch(document: Mapping[str, Any], name: str) -> Watch:
    """Read what ``watch_document`` wrote.

    Args:
        document: JSON values.
        name: What its folder is called.

    Raises:
        ConfigError: Another version, or not a watch.
    """
    try:
        _check_format(document)
        found = Watch(
            name=_same(document["name"], name),
            identity=_fitting(document["identity"], _IDENTITY),
            space=VectorSpace(**document["space"]),
            vector=_vector(document["vector"], document["space"]["dim"]),
            asked=_asked(document["asked"]),
            about=dict(document["about"]),
            left_out=tuple(map(_text, document["left_out"])),
            created=parse_instant(_text(document["created"])),
            file=None if document["file"] is None else check_file(Path(_text(document["file"]))),
            webhook=None if document["webhook"] is None else check_webhook(_text(document["webhook"])),
        )
        request_of(found)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ConfigError(f"the watch {name!r} is damaged ({_said(error)}); remove it and add it again") from None
    return found


def progress_document(progress: Progress) -> dict[str, Any]:
    """Return the progress of a watch as JSON values."""
    return {"format": FORMAT, **asdict(progress), "ran": None if progress.ran is None else rfc3339(progress.ran)}


def parse_progress(document: Mapping[str, Any], name: str) -> Progress:
    """Read what ``progress_document`` wrote.

    Raises:
        ConfigError: Another version, or not the progress of a watch.
    """
    try:
        _check_format(document)
        return Progress(
            seen=_fitting(document["seen"], _SEEN),
            first=_count(document["first"]),
            sent=_count(document["sent"]),
            file_bytes=_count(document["file_bytes"]),
            ran=_instant(document["ran"]),
            problem=None if document["problem"] is None else _text(document["problem"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"the progress of watch {name!r} is damaged ({_said(error)}); remove the watch and add it again"
        ) from None


def _check_format(document: Mapping[str, Any]) -> None:
    if document.get("format") != FORMAT:
        raise ValueError(f"it has format {document.get('format')!r:.50}, this version reads {FORMAT}")


def _asked(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) - set(ASKED):
        raise ValueError("unknown filters")
    # A text would be taken for a path, and read.
    if not isinstance(value.get("within", {}), dict):
        raise TypeError("within is no GeoJSON")
    if value.get("min_score") is None and value.get("min_probability") is None:
        raise ValueError("no threshold")
    return value


def _vector(value: Any, dim: int) -> NDArray[np.float32]:
    vector = np.asarray(value, dtype=np.float32)
    # A thousandth is more than rounding to float32 and to decimal digits makes of a unit vector.
    if vector.shape != (dim,) or not abs(float(np.linalg.norm(vector)) - 1) < 1e-3:
        raise ValueError(f"its vector is no unit vector of {dim} numbers")
    return vector


def _same(value: object, name: str) -> str:
    if check_name(value) != name:
        raise ValueError(f"it says that it is {value!r}")
    return name


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.50} is no text")
    return value


def _fitting(value: object, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(_text(value)):
        raise ValueError(f"{value!r:.50} is no digest")
    return str(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"{value!r:.50} is no count")
    return value


def _instant(value: object) -> datetime | None:
    return None if value is None else parse_instant(_text(value))


def _said(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
