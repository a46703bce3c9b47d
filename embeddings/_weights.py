"""Weights on disk: a folder with a manifest.toml that names every file and its sha256.

A file is checked against its sum before it is loaded, so a cut-off download or a swapped file is an error and not a
worse search.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import ConfigError, InputError, Settings, WeightsNotFoundError, parse_toml

SHIPPED = Path(__file__).parent / "weights"
"""Folder of the weights that come with Swath."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an encoder folder holds."""

    folder: Path
    """Where the files lie."""
    name: str
    """Name of the encoder."""
    revision: str
    """Changes with the weights."""
    dim: int
    """Length of a vector."""
    size: int
    """Side in pixels of the picture the network sees."""
    max_tokens: int
    """Tokens after which a text is cut."""
    inputs: tuple[str, ...]
    """What it takes: `rgb`, `text`."""
    licence: str
    """Terms of the weights in one line."""
    sha256: Mapping[str, str]
    """File name to sum."""
    sentences: bool = False
    """Whether `text.onnx` gives sentence vectors as well, as they are before the trained map."""
    looks: str | None = None
    """How tiles are prepared, a key of `_looks.LOOKS`; None follows from the inputs."""

    def file(self, name: str) -> Path:
        """Return a file of the folder after checking its sum.

        Raises:
            WeightsNotFoundError: If the file is missing or holds something else.
        """
        path = self.folder / name
        if not path.is_file():
            raise WeightsNotFoundError(f"{self.name} needs {name}; place it at {path}")
        found = sha256_of(path)
        if found != self.sha256[name]:
            raise WeightsNotFoundError(
                f"{path} is not the file that {self.name} was built with: sha256 {found[:12]}..., "
                f"expected {self.sha256[name][:12]}...; place the right file there"
            )
        return path

    def complete(self) -> bool:
        """Return whether every file is there (their sums are checked on loading)."""
        return all((self.folder / name).is_file() for name in self.sha256)


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of an encoder folder.

    Raises:
        WeightsNotFoundError: If there is none.
        ConfigError: If it is no manifest.
    """
    path = folder / "manifest.toml"
    try:
        raw: dict[str, Any] = parse_toml(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise WeightsNotFoundError(
            f"no encoder at {folder}: place manifest.toml, image.onnx, text.onnx and tokenizer.json there"
        ) from None
    except (InputError, OSError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from None
    wanted = ("name", "revision", "dim", "size", "max_tokens", "inputs", "licence", "sha256")
    missing = [key for key in wanted if key not in raw]
    if missing:
        raise ConfigError(f"{path} lacks {', '.join(missing)}; it must set {', '.join(wanted)}")
    kinds = {"dim": int, "size": int, "max_tokens": int, "inputs": list, "sha256": dict}
    wrong = [key for key in wanted if not isinstance(raw[key], kinds.get(key, str))]
    if wrong:
        raise ConfigError(f"{path} has a wrong value for {', '.join(wrong)}")
    known = {key: raw[key] for key in wanted} | {"inputs": tuple(raw["inputs"]), "looks": raw.get("looks")}
    return Manifest(folder=folder, sentences=raw.get("sentences") is True, **known)


def weights_folder() -> Path:
    """Return the folder in which weights of optional encoders are looked up."""
    configured = Settings().weights_dir
    return Path(configured) if configured else Path.home() / ".cache" / "swath" / "weights"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
