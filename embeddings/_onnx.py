"""Encoders that run on ONNX Runtime and tokenizers alone: the shipped swath-mini and any folder `swath train` wrote.

A folder holds one network a modality: `optical.onnx` and `radar.onnx` over planes, or `image.onnx` over rendered
pictures, and `text.onnx` for words. Each is loaded on first use: a search in words never loads a picture network.
Sessions are shared between threads; ONNX Runtime allows concurrent runs.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import InputError, Tile, VectorSpace

from ._sentence_output import SENTENCES
from ._weights import SHIPPED, load_manifest

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

TEXT_BATCH = 64

SENTENCE_DIM = 384
"""Length of the sentence vectors of all-MiniLM-L6-v2 (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2)."""


class OnnxEncoder:
    """Encodes tiles of any sensor, or their renderings, and sentences into one space.

    Args:
        folder: Folder with manifest.toml and the files it lists.
        name: Name under which `open_encoder` finds it again; None takes the manifest's.

    Raises:
        WeightsNotFoundError: If the folder holds no encoder.
    """

    def __init__(self, folder: Path, *, name: str | None = None) -> None:
        from ._looks import looks_of

        self._manifest = load_manifest(folder)
        self._name = name
        self._looks = looks_of(self._manifest)
        self._space = VectorSpace(
            encoder=name or self._manifest.name,
            revision=f"{self._manifest.revision}.{self._looks.version}",
            dim=self._manifest.dim,
        )
        self._sessions = {file: self._lazy_session(file) for file in self._looks.files}
        self._text = self._lazy_session("text.onnx")
        self._places = self._lazy_session("location.onnx")
        self._tokenizer = _Lazy(lambda: _load_tokenizer(self._manifest.file("tokenizer.json")))
        self._counter = _Lazy(lambda: _uncut(_load_tokenizer(self._manifest.file("tokenizer.json"))))

    def _lazy_session(self, file: str) -> _Lazy:
        return _Lazy(lambda: _session(self._manifest.file(file)))

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._manifest.folder

    @property
    def space(self) -> VectorSpace:
        """The space the vectors live in."""
        return self._space

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return what the network of the tile's modality sees, uint8. Thread-safe.

        (3, size, size) for plain colours, (12, size, size) for other optical tiles and (2, size, size) for SAR, see
        `_planes`; (size, size, 3) where the folder holds a network over rendered pictures.

        Raises:
            SensorError: The tile has no band that the network could see.
        """
        array: NDArray[np.generic] = self._looks.prepare(tile)
        return array

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors of n arrays of one shape from `prepare`.

        Raises:
            InputError: The batch has another shape or dtype.
        """
        file, name, array = self._looks.feed(batch)
        if len(batch) == 0:
            return np.empty((0, self._space.dim), dtype=np.float32)
        vectors: NDArray[np.float32] = self._sessions[file].get().run(None, {name: array})[0]
        return vectors

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors of sentences; long ones are cut at the manifest's number of tokens."""
        if "text" not in self._manifest.inputs:
            raise InputError(f"{self._space.encoder} has no text network; search with a picture or by tile")
        return self._encode_all(texts, None)

    @property
    def sentence_space(self) -> VectorSpace | None:
        """The space of `encode_sentences`; None where the folder's text network gives no sentence vectors."""
        if not self._manifest.sentences:
            return None
        return VectorSpace(
            encoder=f"{self._space.encoder}/sentences", revision=self._manifest.revision, dim=SENTENCE_DIM
        )

    @property
    def max_tokens(self) -> int:
        """Tokens after which a text is cut, the two that frame it included."""
        return self._manifest.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Return how many tokens each text has, the two that frame it included."""
        return tuple(len(item.ids) for item in self._counter.get().encode_batch(list(texts)))

    def encode_sentences(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 384) unit vectors that compare texts with texts: those of the text tower, before the trained map.

        Raises:
            InputError: The folder's text network gives none.
        """
        if self.sentence_space is None:
            raise InputError(f"{self._space.encoder} gives no sentence vectors; use encode_text")
        return self._encode_all(texts, SENTENCES)

    def _encode_all(self, texts: Sequence[str], output: str | None) -> NDArray[np.float32]:
        dim = SENTENCE_DIM if output else self._space.dim
        out = np.empty((len(texts), dim), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # of similar length: little padding
        for start in range(0, len(order), TEXT_BATCH):
            chosen = order[start : start + TEXT_BATCH]
            out[chosen] = self._encode_texts([texts[index] for index in chosen], output)
        return out

    def encode_places(self, lonlat: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors of places (n, 2), lon, lat in degrees, in the space of tiles and sentences.

        Nothing else uses them: tiles and sentences keep their vectors whether or not a query adds a place.

        Raises:
            InputError: The encoder was trained without places.
        """
        if "location.onnx" not in self._manifest.sha256:
            raise InputError(f"{self._manifest.name} was trained without places (location.weight was 0)")
        vectors: NDArray[np.float32] = self._places.get().run(None, {"lonlat": np.asarray(lonlat, np.float32)})[0]
        return vectors

    def _encode_texts(self, texts: Sequence[str], output: str | None) -> NDArray[np.float32]:
        tokenizer: Tokenizer = self._tokenizer.get()
        encoded = tokenizer.encode_batch(list(texts))
        ids = np.array([item.ids for item in encoded], dtype=np.int64)
        mask = np.array([item.attention_mask for item in encoded], dtype=np.int64)
        vectors: NDArray[np.float32] = self._text.get().run([output] if output else None, {"ids": ids, "mask": mask})[0]
        return vectors

    def __reduce__(self) -> tuple[Callable[..., OnnxEncoder], tuple[Path, str | None]]:
        return _rebuild, (self._manifest.folder, self._name)


class _Lazy:
    """A value made on first use, once, whichever thread comes first."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._value: Any = None

    def get(self) -> Any:
        with self._lock:
            if self._value is None:
                self._value = self._make()
            return self._value


def open_shipped(name: str) -> OnnxEncoder:
    """Open an encoder whose weights come with Swath."""
    return OnnxEncoder(SHIPPED / name)


def open_folder(name: str) -> OnnxEncoder:
    """Open `onnx:FOLDER`, a folder that `swath train` wrote."""
    folder = name.partition(":")[2]
    if not folder:
        raise InputError("onnx: needs the folder of an encoder, for example onnx:runs/swath-mini/encoder")
    return OnnxEncoder(Path(folder), name=name)


def _rebuild(folder: Path, name: str | None) -> OnnxEncoder:
    return OnnxEncoder(folder, name=name)


def _session(path: Path) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Half of the cores, and no busy waiting: the other half reads tiles meanwhile. Measured on two cores, a full-size
    # scene goes through at 322 tiles/s so and at 264 with the defaults (benchmarks/ingest.py).
    options.intra_op_num_threads = max(1, _cores() // 2)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = onnxruntime.get_available_providers()
    return onnxruntime.InferenceSession(str(path), options, providers=providers)


def _cores() -> int:
    """Cores this process may use: what OMP_NUM_THREADS says (Ray sets it to a worker's share), else the machine's."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdecimal() else os.cpu_count() or 1


def _load_tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))


def _uncut(tokenizer: Any) -> Any:
    """The same tokenizer for counting: nothing is cut and nothing filled up."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
