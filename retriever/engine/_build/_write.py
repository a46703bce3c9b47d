"""Files of a snapshot: raw arrays, the Layout, the scalars."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core import StoreError
from retriever.engine._arrays import LAYOUT, ArraySpec, array_file
from retriever.engine._layout import Layout
from retriever.engine._open import SUM, layout_sum


def write_array(folder: Path, name: str, values: NDArray[Any], spec: ArraySpec) -> None:
    """Write a whole array; its shape must be the one that the Layout says."""
    if values.shape != spec.shape:
        raise StoreError(f"{name} would be written with shape {values.shape} instead of {spec.shape}")
    with array_file(folder, name).open("wb") as stream:
        append_array(stream, np.ascontiguousarray(values, spec.dtype))


def append_array(stream: BinaryIO, values: NDArray[Any]) -> None:
    """Write the numbers of an array.

    Not with ``ndarray.tofile``: where the disk is full it says nothing of the last 4 kB, and nothing of the reason.

    Raises:
        OSError: They cannot be written.
    """
    stream.write(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)


def write_layout(folder: Path, layout: Layout) -> None:
    """Write the document."""
    document = json.loads(json.dumps(asdict(layout), allow_nan=False))
    document[SUM] = layout_sum(document)
    (folder / LAYOUT).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
