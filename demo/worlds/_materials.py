"""What surfaces are made of: the spectra of ``statistics.toml`` and ``materials.toml``, as arrays."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demo._noise import Image

MEASURED = Path(__file__).parents[1] / "statistics.toml"
"""Materials with their principal components, as written by ``measure_statistics.py``."""

ASSUMED = Path(__file__).with_name("materials.toml")
"""Materials with a relative spread."""


@dataclass(frozen=True, kw_only=True)
class Materials:
    """Every material, one row each."""

    names: tuple[str, ...]
    """Row names."""
    mean: Image
    """(n, 12) reflectance."""
    variation: Image
    """(n, 2, 12) two directions of variation, in reflectance for one standard deviation."""
    power: Image
    """(n, 2) mean gamma0 of VV and VH as linear power."""
    texture_db: Image
    """(n, 2) standard deviation beyond speckle."""

    def row(self, name: str) -> int:
        """Return the row of a material."""
        return self.names.index(name)


@cache
def materials() -> Materials:
    """Return the materials of both tables; a name of the second that stands in the first replaces it."""
    measured = {name: row for name, row in _rows(MEASURED).items() if "reflectance" in row}
    assumed = {name: _expand(row) for name, row in _rows(ASSUMED).items()}
    table = {**measured, **assumed}
    columns = {key: _stack(table, key) for key in ("reflectance", "variation", "gamma0_db", "texture_db")}
    return Materials(
        names=tuple(table),
        mean=columns["reflectance"],
        variation=columns["variation"],
        power=np.power(10, columns["gamma0_db"] / 10, dtype=np.float32),
        texture_db=columns["texture_db"],
    )


def _rows(path: Path) -> dict[str, dict[str, Any]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _expand(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with its relative spread and tilt as two directions of variation."""
    mean = np.array(row["reflectance"])
    slope = np.linspace(1, -1, len(mean))
    return {**row, "variation": [mean * row["spread"], mean * row["tilt"] * slope]}


def _stack(table: dict[str, dict[str, Any]], key: str) -> NDArray[np.float32]:
    return np.stack([np.asarray(row[key], dtype=np.float32) for row in table.values()])
