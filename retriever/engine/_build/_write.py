"""Files of a snapshot: raw arrays, the Layout, the scalars."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import StoreError
from retriever.engine._arrays import LAYOUT, SCALARS, ArraySpec, array_file
from retriever.engine._layout import Layout

NOT_SCALARS = frozenset({"vector", "preview", "_rowid"})
"""Columns that are not among the scalars: too large, or an array of their own."""


def write_array(folder: Path, name: str, values: NDArray[Any], spec: ArraySpec) -> None:
    """Write a whole array; its shape must be the one that the Layout says."""
    if values.shape != spec.shape:
        raise StoreError(f"{name} would be written with shape {values.shape} instead of {spec.shape}")
    np.ascontiguousarray(values, spec.dtype).tofile(array_file(folder, name))


def write_layout(folder: Path, layout: Layout) -> None:
    """Write the document."""
    (folder / LAYOUT).write_text(json.dumps(asdict(layout), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def scalars_of(rows: pa.Table, dictionaries: Mapping[str, Sequence[str]]) -> pa.Table:
    """Return the columns that are kept as Arrow; columns named in ``dictionaries`` as places in these values."""
    kept = rows.select([name for name in rows.column_names if name not in NOT_SCALARS])
    for name, values in dictionaries.items():
        coded = [_coded(chunk, values) for chunk in kept[name].chunks]
        kind = pa.dictionary(pa.int32(), pa.string())
        kept = kept.set_column(kept.schema.get_field_index(name), name, pa.chunked_array(coded, kind))
    return kept.replace_schema_metadata(None)


def _coded(names: pa.Array, values: Sequence[str]) -> pa.DictionaryArray:
    known = pa.array(values, pa.string())
    return pa.DictionaryArray.from_arrays(pc.index_in(names, value_set=known).cast(pa.int32()), known)


def write_scalars(folder: Path, scalars: pa.Table) -> None:
    """Write the scalars as one batch: ``take`` on one is quick, on many it copies them all."""
    whole = scalars.combine_chunks()
    with pa.ipc.new_file(str(folder / SCALARS), whole.schema) as writer:
        writer.write_table(whole)
