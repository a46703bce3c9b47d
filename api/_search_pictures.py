"""Pictures in a query: uploaded, written as data URIs, or as tokens of an earlier answer.

A token is the picture's own vector, so that the next page, a count or an export needs no second upload, and the server
keeps nothing of anybody's pictures.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from core import QueryError, VectorSpace, sensor_names

PREFIX = "vec1."
"""How tokens begin."""

_SPACE_BYTES = 8
_FLOAT = np.dtype("<f4")


def write_token(vector: NDArray[np.float32], space: VectorSpace) -> str:
    """Return a (dim,) vector as a token of its space."""
    return PREFIX + urlsafe_b64encode(_mark(space) + vector.astype(_FLOAT).tobytes()).decode().rstrip("=")


def read_token(token: str, space: VectorSpace) -> NDArray[np.float32]:
    """Return the (dim,) vector of a token.

    Raises:
        QueryError: It is no token, or of another space.
    """
    text = token.removeprefix(PREFIX)
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != _SPACE_BYTES + space.dim * _FLOAT.itemsize or not raw.startswith(_mark(space)):
        raise QueryError(f"the picture's token is damaged or was made for another encoder than {space}; send it again")
    return np.frombuffer(raw[_SPACE_BYTES:], _FLOAT).astype(np.float32)


def read_data_uri(text: str) -> bytes:
    """Return the content of a picture written as a data URI.

    Raises:
        QueryError: It is none.
    """
    head, comma, body = text.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64") or not comma:
        raise QueryError(
            f"a picture is the number of an uploaded part, a token of an earlier answer, or data:image/...;base64,...;"
            f" got {text[:40]!r}"
        )
    try:
        return b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        raise QueryError("the data URI of a picture is not base64") from None


def checked_sensor(name: str | None) -> str | None:
    """Return the name of a sensor, with or without its encoding; files of the server cannot be named.

    Raises:
        QueryError: It is not built in.
    """
    if name is not None and name.partition("/")[0] not in sensor_names():
        raise QueryError(f"image_sensor {name!r} is not known here; known are {', '.join(sensor_names())}")
    return name


def _mark(space: VectorSpace) -> bytes:
    return sha256(str(space).encode()).digest()[:_SPACE_BYTES]
