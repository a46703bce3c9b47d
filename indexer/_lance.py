"""The few calls to LanceDB that need care: opening without creating, errors in one line, filters without SQL."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from threading import Lock
from typing import TYPE_CHECKING, Any

from core import SwathError
from indexer._objects import objects_in, storage_options
from indexer._place import BucketPath, Place
from indexer._refusals import reason_of
from indexer._tries import store_error

if TYPE_CHECKING:
    from lancedb.expr import Expr

TILES = "tiles"
SCENES = "scenes"

_IMPORTING = Lock()
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_RUST_PLACE = re.compile(r",? \S*\.rs:\d+(:\d+)?.*")


@contextmanager
def lance_errors(action: str, path: Place) -> Iterator[None]:
    """Turn whatever LanceDB raises into a StoreError of one line.

    Args:
        action: What was being done: ``"write to"``.
        path: The index.
    """
    try:
        yield
    except SwathError:
        raise
    except Exception as error:
        said = f"cannot {action} the index {path}: {_reason(error, path)}"
        raise store_error(said, cause=str(error), place=path) from error


def _reason(error: Exception, path: Place) -> str:
    text = str(error) or type(error).__name__
    if isinstance(path, BucketPath):
        return reason_of(text, path)
    code = _OS_ERROR.search(text)
    if code:
        return os.strerror(int(code.group(1)))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return _RUST_PLACE.sub("", text.splitlines()[0])


def connect(path: Place) -> Any:
    """Return the LanceDB database in an existing directory, or in a bucket.

    ``lancedb.connect`` would create a missing directory, so callers check first.
    """
    if isinstance(path, BucketPath):
        return _lancedb().connect(str(path), storage_options=storage_options(path))
    return _lancedb().connect(str(path))


@cache
def _lancedb() -> Any:
    """Import LanceDB, whose functions build their validators when they are called.

    It brings a client of REST catalogues; building a validator for each of its calls takes 0.3 of the 0.65 seconds that
    the import takes, and an index in a directory makes none of these calls.
    """
    import pydantic

    def on_use(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return build(function)(*args, **kwargs)

        return call

    with _IMPORTING:
        build = pydantic.validate_call
        pydantic.validate_call = on_use  # type: ignore[assignment]  # for as long as the import takes
        try:
            import lancedb
        finally:
            pydantic.validate_call = build
    return lancedb


def has_table(path: Place, name: str) -> bool:
    """Whether the directory holds a table with at least one committed version.

    Raises:
        StoreError: The bucket cannot be listed.
    """
    if isinstance(path, BucketPath):
        return any(found.endswith(".manifest") for found, _ in objects_in(path / f"{name}.lance" / "_versions"))
    versions = path / f"{name}.lance" / "_versions"
    return versions.is_dir() and any(entry.suffix == ".manifest" for entry in versions.iterdir())


def tiles_stamp(path: Place) -> object | None:
    """Return what changes with every commit of tiles; see ``versions_stamp``."""
    return versions_stamp(path, TILES)


def versions_stamp(path: Place, name: str) -> object | None:
    """Return what changes with every commit to a table; None where it cannot be looked at.

    In a folder that is the time of its last change, in nanoseconds. In a bucket it costs one request.
    """
    versions = path / f"{name}.lance" / "_versions"
    try:
        if isinstance(versions, BucketPath):
            return tuple((found, entry["e_tag"]) for found, entry in objects_in(versions))
        return versions.stat().st_mtime_ns
    except OSError:
        return None


def any_key(keys: Iterable[str]) -> Expr:
    """Return the filter for rows of these scene keys."""
    from lancedb.expr import col

    return col("scene_key").isin(list(keys))
