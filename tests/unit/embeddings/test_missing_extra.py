"""Without the extra `torch`, one line says what to install, before anything is read or written."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from core import MissingExtraError
from embeddings import open_encoder
from embeddings._open_clip import import_open_clip
from embeddings.training import default_config, train


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def hidden(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "torch" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", hidden)
    import_open_clip.cache_clear()


@pytest.mark.usefixtures("without_torch")
def test_training_names_the_extra_and_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'swath\[torch\]'"):
        train(default_config(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize("name", ["remoteclip:ViT-B-32", "skyclip:ViT-L-14", "open_clip:ViT-B-32@x.safetensors"])
def test_open_clip_encoders_name_the_extra(name: str) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'swath\[torch\]'"):
        open_encoder(name)


@pytest.mark.usefixtures("without_torch")
def test_the_built_in_encoder_needs_none() -> None:
    encoder = open_encoder("swath-mini")
    assert encoder.encode_text(["river"]).shape == (1, 384)  # type: ignore[attr-defined]
