"""Where everything lies in the folder a benchmark works in; each stage finds there what the stages before it made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.engine._archive import Archive, read_archive
from benchmarks.engine._peer import ENTRIES, NO_INDEX
from benchmarks.engine._questions import Question, read_questions

BUILT = "built.json"
"""In a peer's folder once its index is complete."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A benchmark's folder."""

    path: Path
    """For one number of rows and one dimension."""

    @property
    def data(self) -> Path:
        """Folder of the archive."""
        return self.path / "data"

    @property
    def questions_file(self) -> Path:
        """Questions with their exact answers."""
        return self.data / "questions.npz"

    @property
    def results(self) -> Path:
        """Folder of what was measured."""
        folder = self.path / "results"
        folder.mkdir(exist_ok=True)
        return folder

    def index(self, name: str) -> Path:
        """Folder of a peer's index."""
        return self.path / "indexes" / ENTRIES[name].index

    def files(self, name: str) -> Path:
        """Folder of the files a peer reads: its index, or the archive where it has none."""
        return self.data if ENTRIES[name].index == NO_INDEX else self.index(name)

    def is_built(self, name: str) -> bool:
        """Whether a peer can be asked."""
        return (self.index(name) / BUILT).exists()

    def built(self, name: str) -> dict[str, Any]:
        """What building a peer's index took."""
        found: dict[str, Any] = json.loads((self.index(name) / BUILT).read_text())
        return found

    def archive(self) -> Archive:
        """Read what is searched."""
        return read_archive(self.data)

    def questions(self) -> list[Question]:
        """Read what is asked."""
        return read_questions(self.questions_file)

    def write(self, name: str, value: Any) -> None:
        """Keep a result."""
        (self.results / f"{name}.json").write_text(json.dumps(value, indent=1))

    def read(self, name: str) -> Any:
        """Return a result."""
        return json.loads((self.results / f"{name}.json").read_text())

    def read_if_there(self, name: str) -> Any:
        """Return a result, empty where it was not measured."""
        return self.read(name) if (self.results / f"{name}.json").exists() else {}


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
