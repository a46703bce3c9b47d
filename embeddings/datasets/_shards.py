"""Shards of the Hugging Face hub, Arrow streams and Parquet: text columns are listed, a picture is read in its place.

Arrow shards are what `datasets` writes with `save_to_disk` (https://huggingface.co/docs/datasets/about_arrow): a stream
of record batches, mapped into memory, so that a column that is not asked for is not read. A picture is a struct of
`bytes` and `path`, or a list of them (https://huggingface.co/docs/datasets/about_dataset_features#image-feature).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from core import InputError, SceneError, Tile, View
from embeddings.datasets._read import read_picture_bytes
from embeddings.datasets._tables import read_parquet

ENDINGS = (".arrow", ".parquet")

MAX_PICTURE = 2**28
"""Largest picture file taken out of a shard, in bytes; those of XLRS-Bench have about 12 MB."""


def shards_under(folder: Path) -> list[Path]:
    """Return the shards at any depth below a folder, by path; caches of `datasets` (`cache-*.arrow`) left out."""
    found = (path for path in folder.rglob("*") if path.suffix in ENDINGS and not path.name.startswith("cache-"))
    return sorted(path for path in found if path.is_file())


def column_names(path: Path) -> list[str]:
    """Return the columns of a shard.

    Raises:
        InputError: It cannot be read; the message names the file.
    """
    import pyarrow.parquet as pq

    with _shard_errors(path):
        if path.suffix == ".parquet":
            return list(pq.read_schema(path).names)
        with _stream(path) as stream:
            return list(stream.schema.names)


def shard_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a shard with only these columns.

    Raises:
        InputError: It cannot be read or a column is missing; the message names the file.
    """
    missing = [name for name in columns if name not in column_names(path)]
    if missing:
        raise InputError(f"{path} has no column {missing[0]}; expected {', '.join(columns)}")
    if path.suffix == ".parquet":
        yield from read_parquet(path, columns)
        return
    with _shard_errors(path), _stream(path) as stream:
        for batch in stream:
            yield from batch.select(list(columns)).to_pylist()


def picture_counts(path: Path, column: str) -> Iterator[int]:
    """Yield how many pictures each row has: the length of a list, and one where the column is no list."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for batch in _batches(path, column):
        held = batch.column(0)
        lists = pa.types.is_list(held.type) or pa.types.is_large_list(held.type)
        yield from pc.fill_null(pc.list_value_length(held), 0).to_pylist() if lists else [1] * len(held)


def shard_view(
    dataset: str, sample_id: str, path: Path, row: int, *, column: str, index: int = 0, role: str = "image"
) -> View:
    """Return a view of a picture of a row of a shard; nothing is read until `View.read()`."""
    known = {"name": f"{sample_id}.{role}", "collection": dataset, "href": f"{path}#{row}"}
    return View(role=role, read=partial(_read, path, row, column, index, **known), files=(path,))


def _read(path: Path, row: int, column: str, index: int, **known: str) -> Tile:
    try:
        held = _cell(path, row, column)
    except InputError as error:
        raise SceneError(str(error)) from None
    pictures = held if isinstance(held, list) else [held]
    content = pictures[index].get("bytes") if index < len(pictures) and isinstance(pictures[index], dict) else None
    if not isinstance(content, bytes) or len(content) > MAX_PICTURE:
        raise SceneError(f"row {row} of {path.name} holds no picture of at most {MAX_PICTURE:,} bytes in {column}")
    try:
        return read_picture_bytes(BytesIO(content), **known)
    except SceneError as error:
        raise SceneError(f"row {row} of {path.name} {error}") from None


def _cell(path: Path, row: int, column: str) -> Any:
    start = 0
    for batch in _batches(path, column):
        if row < start + len(batch):
            return batch.column(0)[row - start].as_py()
        start += len(batch)
    raise InputError(f"{path} has {start} rows, none numbered {row}; it has changed since it was listed")


def _batches(path: Path, column: str) -> Iterator[Any]:
    """Yield the record batches of one column; a Parquet row of pictures at a time, because they are large."""
    import pyarrow.parquet as pq

    with _shard_errors(path):
        if path.suffix == ".parquet":
            with pq.ParquetFile(path) as table:
                yield from table.iter_batches(batch_size=8, columns=[column])
        else:
            with _stream(path) as stream:
                yield from (batch.select([column]) for batch in stream)


@contextmanager
def _stream(path: Path) -> Iterator[Any]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as mapped, pa.ipc.open_stream(mapped) as stream:
        yield stream


@contextmanager
def _shard_errors(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (OSError, KeyError, pa.ArrowException) as error:
        raise InputError(f"cannot read {path}: {' '.join(str(error).split())}") from None
