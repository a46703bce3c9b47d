import hashlib
from pathlib import Path

import pytest

from core import ConfigError, WeightsNotFoundError
from embeddings._weights import load_manifest, sha256_of

LINES = """
name = "tiny"
revision = "abc"
dim = 3
size = 8
max_tokens = 16
inputs = ["rgb", "text"]
licence = "none"
[sha256]
"image.onnx" = "{sum}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "image.onnx").write_bytes(b"weights")
    (tmp_path / "manifest.toml").write_text(LINES.format(sum=hashlib.sha256(b"weights").hexdigest()))
    return tmp_path


def test_the_right_file_is_returned(folder: Path) -> None:
    manifest = load_manifest(folder)
    assert manifest.file("image.onnx") == folder / "image.onnx"
    assert manifest.complete()
    assert manifest.inputs == ("rgb", "text")


def test_a_changed_byte_is_an_error_that_names_the_file(folder: Path) -> None:
    (folder / "image.onnx").write_bytes(b"weightz")
    with pytest.raises(WeightsNotFoundError, match=r"image\.onnx is not the file that tiny was built with") as caught:
        load_manifest(folder).file("image.onnx")
    assert hashlib.sha256(b"weightz").hexdigest()[:12] in str(caught.value)


def test_a_missing_file_is_an_error_that_says_where_it_belongs(folder: Path) -> None:
    (folder / "image.onnx").unlink()
    manifest = load_manifest(folder)
    assert not manifest.complete()
    with pytest.raises(WeightsNotFoundError) as caught:
        manifest.file("image.onnx")
    assert str(caught.value) == f"tiny needs image.onnx; place it at {folder / 'image.onnx'}"


def test_a_folder_without_manifest_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"place manifest\.toml, image\.onnx, text\.onnx"):
        load_manifest(tmp_path)


def test_an_incomplete_manifest_lists_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text('name = "tiny"\ndim = 3\n')
    with pytest.raises(ConfigError, match="lacks revision, size, max_tokens, inputs, licence, sha256"):
        load_manifest(tmp_path)


def test_sum_is_sha256(folder: Path) -> None:
    assert sha256_of(folder / "image.onnx") == hashlib.sha256(b"weights").hexdigest()
